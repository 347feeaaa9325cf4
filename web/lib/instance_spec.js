// What a form says, as the API's spec of an instance. No DOM.

/**
 * @typedef {{key: string, value: string}} LabelRow
 * @typedef {{target: string, emulator: string, id: string, args: string, paused: boolean, debug: boolean, start: boolean,
 *   labels: LabelRow[], file: string | null, path: string}} InstanceForm
 * target: '' where the path tells it; emulator: '' is the target's default one; args: one a line; file: as the API names it
 */

/** No line says it; \r: a form's control makes a line break of it. @param {string} arg */
const isUnfit = (arg) => !arg.trim() || /[\r\n]/.test(arg);

/** What a form began with is not all fit for lines: in such a form, a line in double quotes is JSON. @param {string[]} before */
export const isQuoted = (before) => before.some(isUnfit);

/** One a line, so that readArgs has them back. @param {string[]} args */
export const tellArgs = (args) =>
	args.map((arg) => (isUnfit(arg) || (isQuoted(args) && arg.startsWith('"')) ? JSON.stringify(arg) : arg)).join('\n');

/** @param {string} line @returns {string | null} null: its quotes are no JSON */
function unquote(line) {
	if (!line.startsWith('"')) return line;
	try {
		return JSON.parse(line);
	} catch {
		return null;
	}
}

/**
 * Arguments, one a line; empty lines are none.
 * @param {string} text
 * @param {string[]} [before] what the form began with
 * @returns {{args: string[], lines: number[]}} lines: where each stands, from 1
 */
export function readArgs(text, before = []) {
	const rows = text.split('\n').map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => line.trim());
	return { args: rows.map(({ line }) => (isQuoted(before) ? unquote(line) : null) ?? line), lines: rows.map(({ number }) => number) };
}

/** What is wrong with the quotes. @param {string} name by the API @param {string} text @param {string[]} before @returns {{pointer: string, detail: string}[]} */
export function checkArgs(name, text, before) {
	const { args } = readArgs(text);
	const wrong = [...args.keys()].filter((index) => isQuoted(before) && unquote(args[index]) === null);
	return wrong.map((index) => ({ pointer: `/${name}/${index}`, detail: 'what begins with a quote is JSON here, such as "one\\ntwo"' }));
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
