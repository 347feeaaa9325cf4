// The output of the firmware flood and counter: 0, 1, 2, ... a line each. Any offset tells which bytes must stand there.

import assert from 'node:assert/strict';

const LINE_END = '\r\n';

/** Where the line of a number begins. @param {number} number */
function offsetOfLine(number) {
	let offset = 0;
	for (let digits = 1, first = 0; number > first; digits++) {
		const next = 10 ** digits;
		offset += (Math.min(number, next) - first) * (digits + LINE_END.length);
		first = next;
	}
	return offset;
}

/** The number of the line that holds the byte at offset. @param {number} offset */
function lineAt(offset) {
	let low = 0;
	let high = offset + 1;
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if (offsetOfLine(middle) <= offset) low = middle;
		else high = middle;
	}
	return low;
}

/**
 * What stands there.
 * @param {number} offset
 * @param {number} length
 */
export function numberedBytes(offset, length) {
	const first = lineAt(offset);
	const skipped = offset - offsetOfLine(first);
	const lines = [];
	for (let number = first, size = 0; size < skipped + length; number++) {
		const line = `${number}${LINE_END}`;
		lines.push(line);
		size += line.length;
	}
	return Buffer.from(lines.join('')).subarray(skipped, skipped + length);
}

/**
 * Fails at the first byte that is not what the firmware printed there.
 * @param {Buffer} bytes
 * @param {number} [offset] of the first of them
 */
export function assertNumbered(bytes, offset = 0) {
	const expected = numberedBytes(offset, bytes.length);
	if (bytes.equals(expected)) return;
	const at = bytes.findIndex((byte, index) => byte !== expected[index]);
	const window = [Math.max(0, at - 20), at + 40];
	assert.equal(JSON.stringify(bytes.subarray(...window).toString('latin1')), JSON.stringify(expected.subarray(...window).toString('latin1')),
		`the output at offset ${offset + at}`);
}
