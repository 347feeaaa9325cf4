// The kept output of a console, read by offsets, and where it may be cut. No DOM.

import { ANSWER_MS, apiPath, failPart, readBytes } from './api.js';

const LINE_FEED = 0x0a;
const ESCAPE = 0x1b;
/** How far a place to begin is looked for. */
const LOOKED_AT_BYTES = 4096;

/** @typedef {{startNumber: number, firstOffset: number, offset: number, bytes: Uint8Array<ArrayBuffer>}} Output offset: of the first byte; firstOffset: of the first that is kept */

/** @param {string} id @param {string} channel */
export const outputPath = (id, channel) => apiPath('instances', id, 'channels', channel, 'output');

/**
 * @param {import('./api.js').Api} api
 * @param {string} path of outputPath
 * @param {{offset: number, limit: number, start_number?: number}} query offset: negative, that many before the end
 * @returns {Promise<Output>}
 */
export async function readOutput(api, path, query) {
	const response = await api.fetch(`${path}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`, {}, ANSWER_MS).catch(failPart);
	const number = (/** @type {string} */ header) => Number(response.headers.get(header));
	return {
		startNumber: number('emud-start-number'), firstOffset: number('emud-first-offset'), offset: number('emud-offset'),
		bytes: await readBytes(response),
	};
}

/**
 * Where output that was cut anywhere can be shown from: the next line or escape sequence, so that no half of one is shown as text.
 * @param {Uint8Array} bytes
 */
export function wholeFrom(bytes) {
	const head = bytes.subarray(0, LOOKED_AT_BYTES);
	const at = head.findIndex((byte) => byte === LINE_FEED || byte === ESCAPE);
	if (at >= 0) return head[at] === LINE_FEED ? at + 1 : at;
	// At least no half of a character.
	const character = head.findIndex((byte) => (byte & 0xc0) !== 0x80);
	return Math.max(character, 0);
}

/**
 * How many of the first bytes are whole lines, and not too many of them; all where there is no line.
 * @param {Uint8Array} bytes
 * @param {number} mostLines
 */
export function wholeLines(bytes, mostLines) {
	let end = 0;
	for (let lines = 0, at = 0; lines < mostLines && (at = bytes.indexOf(LINE_FEED, at)) >= 0; lines++) end = ++at;
	return end || bytes.length;
}

/**
 * Where the last lines begin, if there are more.
 * @param {Uint8Array} bytes
 * @param {number} mostLines
 */
export function lastLinesFrom(bytes, mostLines) {
	let at = bytes.length - 1;
	for (let lines = 0; lines < mostLines && at > 0; lines++) at = bytes.lastIndexOf(LINE_FEED, at - 1);
	return at + 1;
}
