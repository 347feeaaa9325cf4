// What the form of a run says, as the API's spec of a run, and back from the record of one. No DOM.

import { isQuoted, readArgs } from './instance_spec.js';

/**
 * @typedef {import('./api.js').Run} Run
 * @typedef {import('./curl.js').CurlRequest} CurlRequest
 * @typedef {{expect: string, send: string}} StepRow send: with escapes
 * @typedef {{target: string, emulator: string, channel: string, file: string | null, pass: string[], fail: string[], timeout: string,
 *   idle_timeout: string, queue_timeout: string, args: string[], labels: import('./instance_spec.js').LabelRow[], input: StepRow[]}} RunForm
 * '' is the default; timeouts: seconds; file: as the API names it
 */

const URL_CHARACTERS_MOST = 2000;
const TIMEOUTS = /** @type {const} */ (['timeout', 'idle_timeout', 'queue_timeout']);

/** @type {Record<string, number>} */
const ESCAPES = { n: 10, r: 13, t: 9, e: 27, 0: 0, '\\': 92 };
/** @type {Record<string, string>} */
const ESCAPED = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e', '\\': '\\\\' };

/** @param {string} text */
export const escapeText = (text) =>
	// eslint-disable-next-line no-control-regex
	text.replaceAll(/[\x00-\x1f\x7f\\]/g, (character) => ESCAPED[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Bytes that are no UTF-8 all stand as escapes. @param {Uint8Array} bytes */
function escapeBytes(bytes) {
	try {
		return escapeText(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
	} catch {
		return [...bytes].map((byte) => (byte < 128 ? escapeText(String.fromCharCode(byte)) : `\\x${byte.toString(16)}`)).join('');
	}
}

/** What \n, \r, \t, \e, \0, \\ and \x41 stand for; an error names what is none of them. @param {string} text @returns {Uint8Array} */
export function unescapeText(text) {
	const encoder = new TextEncoder();
	const parts = text.split(/(\\(?:x[0-9a-fA-F]{2}|[\s\S]|$))/).map((part) => {
		if (!part.startsWith('\\')) return encoder.encode(part);
		const byte = /^\\x../.test(part) ? parseInt(part.slice(2), 16) : ESCAPES[part.slice(1)];
		if (byte === undefined) throw new Error(`${part} stands for nothing: there are \\n, \\r, \\t, \\e, \\0, \\x41 and \\\\`);
		return Uint8Array.of(byte);
	});
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** @param {StepRow} step */
function makeStep({ expect, send }) {
	const bytes = unescapeText(send);
	const told = expect ? { expect } : {};
	try {
		// JSON that emud reads has no NUL.
		if (bytes.includes(0)) throw new TypeError('no text');
		return { ...told, send: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
	} catch {
		return { ...told, send_base64: btoa(String.fromCharCode(...bytes)) };
	}
}

/** @param {StepRow[]} steps */
const usedSteps = (steps) => steps.filter(({ expect, send }) => expect || send);

/** What is wrong with the escapes. @param {StepRow[]} steps @returns {{pointer: string, detail: string}[]} */
export function checkSteps(steps) {
	return usedSteps(steps).flatMap((step, index) => {
		try {
			makeStep(step);
			return [];
		} catch (error) {
			return [{ pointer: `/input/${index}/send`, detail: error instanceof Error ? error.message : String(error) }];
		}
	});
}

/** A number, or what else was typed: emud says what is wrong with it. @param {string} text */
const readNumber = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** @param {RunForm} form @returns {Record<string, any>} only what differs from the defaults */
export function makeRunSpec(form) {
	const { target, emulator, channel, file, labels, input } = form;
	const map = Object.fromEntries(labels.filter(({ key, value }) => key || value).map(({ key, value }) => [key, value]));
	/** @type {Record<string, any>} */
	const spec = { target, ...(emulator && { emulator }), ...(file !== null && { file }), ...(channel && { channel }) };
	for (const name of /** @type {const} */ (['args', 'pass', 'fail'])) if (form[name].length) spec[name] = form[name];
	for (const name of TIMEOUTS) if (form[name].trim()) spec[name] = readNumber(form[name].trim());
	if (usedSteps(input).length) spec.input = usedSteps(input).map(makeStep);
	if (Object.keys(map).length) spec.labels = map;
	return spec;
}

/** What a firmware that is sent by itself comes with; null: it cannot be said so. @param {Record<string, any>} spec */
function makeQuery({ labels = {}, input, ...spec }) {
	if (input || Object.keys(labels).some((key) => key.includes(':'))) return null;
	const pairs = Object.entries(spec).flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)]));
	for (const [key, value] of Object.entries(labels)) pairs.push(['label', `${key}:${value}`]);
	// As encodeURIComponent, but for what is good to read and safe where it stands.
	const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2F', '/')}`).join('&');
	return query.length > URL_CHARACTERS_MOST ? null : query;
}

/**
 * The same with curl.
 * @param {string} url of the runs
 * @param {Record<string, any>} spec
 * @param {string | null} upload the name of the firmware that is sent
 * @returns {CurlRequest}
 */
export function describeRun(url, spec, upload) {
	if (upload === null) return { url, json: spec };
	const query = makeQuery(spec);
	if (query !== null) return { url: `${url}?${query}`, file: upload };
	return { url, form: { spec, file: upload } };
}

/** @returns {RunForm} */
const emptyForm = () => ({
	target: '', emulator: '', channel: '', file: null, pass: [], fail: [], timeout: '', idle_timeout: '', queue_timeout: '', args: [], labels: [], input: [],
});

/** @param {string} base64 */
const decodeBase64 = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** What a step of a record sends, with escapes. @param {{send?: string, send_base64?: string}} step */
export const tellSend = ({ send, send_base64 = '' }) => (send === undefined ? escapeBytes(decodeBase64(send_base64)) : escapeText(send));

/** The form that would have made it. @param {Run} run @returns {RunForm} */
export function formOf(run) {
	const { file, input = [] } = run;
	return {
		target: run.target, emulator: run.emulator, channel: run.channel ?? '', file: file ? file.path ?? `sha256:${file.sha256}` : null,
		pass: run.pass, fail: run.fail, args: run.args, timeout: String(run.timeout),
		idle_timeout: run.idle_timeout === null ? '' : String(run.idle_timeout), queue_timeout: String(run.queue_timeout),
		labels: Object.entries(run.labels).map(([key, value]) => ({ key, value })),
		input: input.map((step) => ({ expect: step.expect ?? '', send: tellSend(step) })),
	};
}

/** What an address has in advance: #/new-run?target=…&file=…&pass=…&pass=…&arg=…&label=key=value @param {URLSearchParams} query @returns {RunForm} */
export function readRunPrefill(query) {
	const form = emptyForm();
	for (const name of /** @type {const} */ (['target', 'emulator', 'channel', ...TIMEOUTS])) form[name] = query.get(name) ?? '';
	const patterns = (/** @type {string} */ name) => query.getAll(name).filter(Boolean);
	const labels = query.getAll('label').map((label) => ({ key: label.split('=')[0], value: label.split('=').slice(1).join('=') }));
	return { ...form, file: query.get('file'), pass: patterns('pass'), fail: patterns('fail'), args: query.getAll('arg'), labels };
}

/**
 * Where in a list of patterns a fault lies, which names an offset in bytes.
 * @param {string} text one pattern a line
 * @param {{detail: string, place: string}} fault place: which pattern, from 0
 * @param {string[]} [list] what the form began with
 * @returns {number | null} a place in text; the line's start where it is in quotes
 */
export function findFault(text, { detail, place }, list = []) {
	const [, offset] = /\boffset (\d+)/.exec(detail) ?? [];
	const { args, lines } = readArgs(text);
	const pattern = args[Number(place)];
	if (offset === undefined || place === '' || pattern === undefined) return null;
	const before = text.split('\n').slice(0, lines[Number(place)] - 1).reduce((sum, line) => sum + line.length + 1, 0);
	if (isQuoted(list) && pattern.startsWith('"')) return before;
	return before + new TextDecoder().decode(new TextEncoder().encode(pattern).subarray(0, Number(offset))).length;
}
