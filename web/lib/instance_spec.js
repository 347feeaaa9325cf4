// What a form says, as the API's spec of an instance. No DOM.

/**
 * @typedef {{key: string, value: string}} LabelRow
 * @typedef {{target: string, emulator: string, id: string, args: string, paused: boolean, debug: boolean, start: boolean,
 *   labels: LabelRow[], file: string | null, path: string}} InstanceForm
 * target: '' where the path tells it; emulator: '' is the target's default one; args: one a line; file: as the API names it
 */

/** Arguments, one a line; empty lines are none. @param {string} text @returns {{args: string[], lines: number[]}} lines: where each stands, from 1 */
export function readArgs(text) {
	const rows = text.split('\n').map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => line.trim());
	return { args: rows.map(({ line }) => line), lines: rows.map(({ number }) => number) };
}

/** Rows without a name and a value are none. @param {LabelRow[]} rows */
const usedLabels = (rows) => rows.filter(({ key, value }) => key || value);

/** What the API cannot tell, since a map has each key once. @param {LabelRow[]} rows @returns {{pointer: string, detail: string}[]} */
export function checkLabels(rows) {
	const keys = usedLabels(rows).map(({ key }) => key);
	return [...new Set(keys)].filter((key) => keys.indexOf(key) !== keys.lastIndexOf(key))
		.map((key) => ({ pointer: `/labels/${key}`, detail: 'is there twice' }));
}

/** @param {InstanceForm} form @returns {Record<string, unknown>} only what differs from the defaults */
export function makeSpec({ target, emulator, id, args, paused, debug, start, labels, file, path }) {
	const list = readArgs(args).args;
	const map = Object.fromEntries(usedLabels(labels).map(({ key, value }) => [key, value]));
	return {
		...(target && { target }),
		...(emulator && { emulator }),
		...(id && { id }),
		...(file !== null && { file }),
		...(list.length > 0 && { args: list }),
		...(paused && { paused }),
		...(debug && { debug }),
		...(Object.keys(map).length > 0 && { labels: map }),
		...(!start && { start }),
		...(path && { path }),
	};
}

/** What an address has in advance: #/new?target=…&file=…&arg=…&arg=…&label=key=value&paused=true @param {URLSearchParams} query @returns {InstanceForm} */
export function readPrefill(query) {
	const text = (/** @type {string} */ name) => query.get(name) ?? '';
	return {
		target: text('target'), emulator: text('emulator'), id: text('id'), args: query.getAll('arg').join('\n'),
		paused: text('paused') === 'true', debug: text('debug') === 'true', start: text('start') !== 'false',
		labels: query.getAll('label').map((label) => ({ key: label.split('=')[0], value: label.split('=').slice(1).join('=') })),
		file: query.get('file'), path: text('path'),
	};
}
