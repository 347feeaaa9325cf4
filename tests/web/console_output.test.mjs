// Where a console's output may be cut, and what the local echo shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const { lastLinesFrom, wholeFrom, wholeLines } = await import('../../web/lib/console_output.js');
const { localEcho } = await import('../../web/lib/local_echo.js');

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

test('output that was cut is shown from the next line or escape sequence on, else from a whole character', () => {
	for (const [cut, shown] of [
		['31mred\nnext', 'next'], ['half a line \x1b[1mbold\n', '\x1b[1mbold\n'], ['\nnext', 'next'], ['no end', 'no end'], ['', ''],
		['x'.repeat(5000) + '\n', 'x'.repeat(5000) + '\n'],
	]) assert.equal(new TextDecoder().decode(bytes(cut).subarray(wholeFrom(bytes(cut)))), shown);
	const half = bytes('€uro').subarray(1);
	assert.equal(new TextDecoder().decode(half.subarray(wholeFrom(half))), 'uro');
});

test('a page ends with a line, and holds no more lines than it may', () => {
	assert.equal(wholeLines(bytes('1\n2\n3'), 10), 4);
	assert.equal(wholeLines(bytes('1\n2\n3\n'), 2), 4);
	assert.equal(wholeLines(bytes('no line'), 2), 7);
	assert.equal(wholeLines(bytes(''), 2), 0);
});

test('the page before another one ends where that began, with no more lines than it may', () => {
	assert.equal(lastLinesFrom(bytes('1\n2\n3\n'), 2), 2);
	assert.equal(lastLinesFrom(bytes('1\n2\n3'), 2), 2);
	assert.equal(lastLinesFrom(bytes('1\n2\n3\n'), 3), 0);
	assert.equal(lastLinesFrom(bytes('1\n2\n3\n'), 30), 0);
	assert.equal(lastLinesFrom(bytes('no line'), 1), 0);
	assert.equal(lastLinesFrom(bytes(''), 1), 0);
});

test('the local echo ends lines, takes characters back and names what is not shown', () => {
	assert.equal(localEcho('ab\x7f\b\r\nc\rd\n\te'), 'ab\b \b\b \b\r\nc\r\nd\r\n\te');
	assert.equal(localEcho('\x03\x1b[Aü'), '^C^[[Aü');
});
