// Firmware that does what a test says, step by step: script.elf with the steps written into it.

import { readFileSync } from 'node:fs';

import { firmware } from './firmware.mjs';

const MARK = "<emud's script>\0";
const SCRIPT_BYTES = 96 * 1024;

/** @param {string} operation @param {number} number @param {Buffer} [bytes] */
function step(operation, number, bytes = Buffer.alloc(0)) {
	const head = Buffer.alloc(5);
	head.write(operation);
	head.writeUInt32LE(number, 1);
	return Buffer.concat([head, bytes]);
}

/** @param {string | Uint8Array} bytes as they are: no CR is put before a LF */
export function print(bytes) {
	const all = Buffer.from(bytes);
	return step('p', all.length, all);
}

/** @param {string} byte @param {number} times */
export const repeat = (byte, times) => step('r', times, Buffer.from(byte));

/** The two by semihosting, which is much faster. */
export const host = {
	/** @param {string | Uint8Array} bytes */
	print(bytes) {
		const all = Buffer.from(bytes);
		return step('P', all.length, all);
	},
	/** @param {string} byte @param {number} times */
	repeat: (byte, times) => step('R', times, Buffer.from(byte)),
};

/** @param {number} ms */
export const pause = (ms) => step('s', ms);

/** Waits for so many bytes, and says nothing. @param {number} count */
export const read = (count) => step('i', count);

/** @param {number} code */
export const exit = (code) => step('x', code);

/** Faults, and again in the fault handler. */
export const crash = () => step('c', 0);

/**
 * An ELF file that takes these steps and then idles.
 * @param {Buffer[]} steps
 * @param {string} [board]
 */
export function script(steps, board) {
	const elf = readFileSync(firmware('script', board));
	const bytes = Buffer.concat(steps);
	if (MARK.length + bytes.length >= SCRIPT_BYTES) throw new Error(`a script of ${bytes.length} bytes is too long`);
	bytes.copy(elf, elf.indexOf(MARK) + MARK.length);
	return elf;
}
