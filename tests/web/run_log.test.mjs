// The part of a run's output that the page holds: its pieces, and the deciding line in them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PIECE_COST, RunLog, bears, findWindow, layOut, textOf } from '../../web/lib/run_log.js';

const bytesOf = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {RunLog} log */
const wholeOf = (log) => Buffer.concat(log.pieces.map(({ bytes }) => bytes)).toString();

/** Its pieces follow each other, from its start to its end. @param {RunLog} log */
function check(log) {
	let [at, sum] = [log.start, 0];
	for (const { offset, bytes, cost } of log.pieces) {
		assert.equal(offset, at);
		assert.ok(bytes.length > 0 && bytes.length <= cost && cost <= PIECE_COST);
		at += bytes.length;
		sum += cost;
	}
	assert.deepEqual([at, sum], [log.end, log.cost]);
}

/** Lines of a known length. @param {number} count */
const lines = (count) => Array.from({ length: count }, (_, index) => `line ${String(index).padStart(8, '0')} ü\n`).join('');

test('what is appended in any chunks is kept byte for byte, in pieces that end with a line', () => {
	const all = bytesOf(lines(5000));
	for (const chunk of [1000, 4099, PIECE_COST, 100_000]) {
		const log = new RunLog(7);
		for (let at = 0; at < all.length; at += chunk) log.append(all.subarray(at, at + chunk));
		check(log);
		assert.equal(wholeOf(log), lines(5000));
		for (const { bytes } of log.pieces) assert.equal(bytes.at(-1), 10);
	}
});

test('a line without an end is cut between characters', () => {
	const log = new RunLog();
	log.append(bytesOf(`x${'\u{1f600}'.repeat(3 * PIECE_COST / 4)}`));
	check(log);
	assert.ok(log.pieces.length > 3);
	for (const { bytes } of log.pieces) assert.doesNotMatch(textOf(bytes), /\ufffd/);
});

test('bytes that are no characters at all are cut all the same', () => {
	const log = new RunLog();
	log.append(new Uint8Array(3 * PIECE_COST).fill(0x80));
	check(log);
	assert.equal(log.size, 3 * PIECE_COST);
});

test('what is prepended heals the cut at the start', () => {
	const all = bytesOf(lines(4000));
	// Within a line, and within its last character.
	const cut = bytesOf(lines(2000)).length - 2;
	const log = new RunLog(cut);
	log.append(all.subarray(cut));
	log.prepend(all.subarray(0, cut));
	check(log);
	assert.equal(log.start, 0);
	assert.equal(wholeOf(log), lines(4000));
	for (const { bytes } of log.pieces) assert.doesNotMatch(textOf(bytes), /\ufffd/);
});

test('what is kept is bounded at either end', () => {
	const log = new RunLog();
	log.append(bytesOf(lines(20_000)));
	const { end } = log;
	log.trimStart(4 * PIECE_COST);
	check(log);
	assert.ok(log.cost <= 4 * PIECE_COST && log.cost > 2 * PIECE_COST && log.end === end);
	const { start } = log;
	log.trimEnd(2 * PIECE_COST);
	check(log);
	assert.ok(log.cost <= 2 * PIECE_COST && log.start === start);
	log.trimStart(0);
	assert.equal(log.pieces.length, 1, 'the last piece stays');
});

test('what is slow to show counts for more: lines, what is no plain text', () => {
	const costOf = (/** @type {string} */ text) => {
		const log = new RunLog();
		for (let at = 0; at < 4; at++) log.append(bytesOf(text.repeat(10_000)));
		check(log);
		return log.cost / 4;
	};
	const plain = costOf('x');
	assert.equal(plain, 10_000);
	for (const text of ['\n', '\r', '\x01', '\u0301', '\x1b']) assert.ok(costOf(text) >= 8 * plain, JSON.stringify(text));
});

test('a window lies around its place, and reaches further where the other side has less', () => {
	const bytes = bytesOf(`${'a'.repeat(1000)}${'\n'.repeat(1000)}`);
	assert.deepEqual(findWindow(bytes, 0, 100), { from: 0, to: 100 });
	assert.deepEqual(findWindow(bytes, 500, 100), { from: 450, to: 550 });
	assert.deepEqual(findWindow(bytes, 2000, 3200), { from: 1900, to: 2000 });
	assert.deepEqual(findWindow(bytes, 10, 100), { from: 0, to: 100 });
	assert.deepEqual(findWindow(bytes, 1000, 640), { from: 680, to: 1010 });
	assert.deepEqual(findWindow(bytes, 7, 1e9), { from: 0, to: 2000 });
	assert.deepEqual(findWindow(bytes.subarray(0, 0), 0, 10), { from: 0, to: 0 });
});

test('the match is marked by bytes, and so is its line', () => {
	const text = 'ä first\nö says PASSED ü\nlast\n';
	const start = bytesOf('ä first\nö says ').length;
	const piece = { offset: 100, bytes: bytesOf(text) };
	const mark = { start: 100 + start, end: 100 + start + 6 };
	assert.ok(bears(piece, mark));
	assert.deepEqual(layOut(piece, mark), [
		{ kind: 'plain', text: 'ä first\n' }, { kind: 'line', text: 'ö says ' }, { kind: 'match', text: 'PASSED' }, { kind: 'line', text: ' ü\n' },
		{ kind: 'plain', text: 'last\n' },
	]);
});

test('a match of several lines, at the very start and end, and one that other pieces share', () => {
	const piece = { offset: 10, bytes: bytesOf('a\nb\nc') };
	assert.deepEqual(layOut(piece, { start: 10, end: 15 }), [{ kind: 'match', text: 'a\nb\nc' }]);
	assert.deepEqual(layOut(piece, { start: 0, end: 11 }), [{ kind: 'match', text: 'a' }, { kind: 'line', text: '\n' }, { kind: 'plain', text: 'b\nc' }]);
	assert.deepEqual(layOut(piece, { start: 14, end: 99 }), [{ kind: 'plain', text: 'a\nb\n' }, { kind: 'match', text: 'c' }]);
	assert.deepEqual(layOut(piece, { start: 12, end: 14 }), [{ kind: 'plain', text: 'a\n' }, { kind: 'match', text: 'b\n' }, { kind: 'plain', text: 'c' }]);
	assert.ok(!bears(piece, { start: 15, end: 20 }) && !bears(piece, { start: 2, end: 10 }) && !bears(piece, null));
});

test('a match of nothing marks its line', () => {
	const piece = { offset: 0, bytes: bytesOf('a\nbcd\ne') };
	assert.deepEqual(layOut(piece, { start: 3, end: 3 }), [
		{ kind: 'plain', text: 'a\n' }, { kind: 'line', text: 'b' }, { kind: 'line', text: 'cd\n' }, { kind: 'plain', text: 'e' },
	]);
	assert.ok(bears(piece, { start: 7, end: 7 }, true) && !bears(piece, { start: 7, end: 7 }, false));
});

test('a match that begins or ends within a line end adds none', () => {
	const piece = { offset: 0, bytes: bytesOf('a\r\nPASSED\r\nb') };
	assert.equal(layOut(piece, { start: 2, end: 10 }).map(({ text }) => text).join(''), 'a\nPASSED\nb');
});

test('text bears no colours, and shows what cannot be seen', () => {
	assert.equal(textOf(bytesOf('\x1b[1;32mok\x1b[0m\r\nbell\x07 \x1b]0;title\x07tab\tend\r\r\n50 %\r100 %')), 'ok\nbell\\x07 tab\tend\n50 %\n100 %');
	assert.equal(textOf(Uint8Array.of(0x41, 0xff, 0, 0x42)), 'A\ufffd\\x00B');
	assert.equal(textOf(bytesOf('\ufeffBOM')), '\ufeffBOM');
});
