// The history of runs: what is filtered, how it is ordered, and what of it must be asked for. No DOM.

/**
 * @typedef {import('./api.js').Run} Run
 * @typedef {{state: string, verdict: string, target: string, label: string, text: string}} RunFilter '': any
 */

const KEYS = /** @type {const} */ (['state', 'verdict', 'target', 'label', 'text']);
const ORDER = ['queued', 'running', 'ended'];

/** @param {URLSearchParams} query of the address @returns {RunFilter} */
export function readRunFilter(query) {
	const [state, verdict, target, label, text] = KEYS.map((key) => query.get(key) ?? '');
	return { state, verdict, target, label, text };
}

/** @param {RunFilter} filter @param {readonly (keyof RunFilter)[]} [keys] @returns {string} '' or "?state=…" */
export function writeRunFilter(filter, keys = KEYS) {
	const pairs = keys.filter((key) => filter[key] !== '').map((key) => [key, filter[key]]);
	return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
}

/** "key=value" is taken for "key:value"; null: the value does not matter. @param {string} text @returns {[string, string | null]} */
function readLabel(text) {
	const [, key, value] = /^([^:=]+)(?:[:=](.*))?$/s.exec(text.trim()) ?? [];
	return [key ?? text, value ?? null];
}

/** What of it the API filters: a label needs its value, words are looked for here. @param {RunFilter} filter */
export function queryOf(filter) {
	const [key, value] = readLabel(filter.label);
	return writeRunFilter({ ...filter, label: value === null ? '' : `${key}:${value}` }, ['state', 'verdict', 'target', 'label']);
}

/** @param {Run} run @param {RunFilter} filter */
export function matchesRun(run, { state, verdict, target, label, text }) {
	if ((state && run.state !== state) || (verdict && run.verdict !== verdict) || (target && run.target !== target)) return false;
	const [key, value] = readLabel(label);
	if (label.trim() && !(Object.hasOwn(run.labels, key) && (value === null || run.labels[key] === value))) return false;
	const told = [run.id, run.target, run.state, run.verdict, run.reason, run.detail, run.actor, run.matched?.text, ...Object.entries(run.labels).flat()]
		.join(' ').toLowerCase();
	return text.toLowerCase().split(/\s+/).every((word) => told.includes(word));
}

/** Newest first: ids count up, beyond what a number holds. @param {string} a @param {string} b */
export const compareIds = (a, b) => b.length - a.length || (a < b ? 1 : a > b ? -1 : 0);

/** An event has told of it, and no answer yet: labels, who asked and the like are missing. @param {Run} run */
export const isPartial = (run) => run.output_bytes === undefined;

/**
 * What an answer says of a run, beside what is known: an event may have overtaken it, which leaves it partial.
 * @param {Run | undefined} known
 * @param {Run} told
 * @returns {Run}
 */
export function mergeRun(known, told) {
	if (!known || ORDER.indexOf(told.state) >= ORDER.indexOf(known.state)) return told;
	const { state, verdict, reason, detail, instance, started_at, ended_at, output_bytes } = known;
	return { ...told, state, verdict, reason, detail, instance, started_at, ended_at, output_bytes, queue_position: null };
}
