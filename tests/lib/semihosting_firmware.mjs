// Firmware for lm3s6965evb, made here, whose one deed is a semihosting call with a text of the test's choice.

const SYS_OPEN = 0x01;
const SYS_SYSTEM = 0x12;
const MODE_R = 0;
const MODE_W = 4;

/** Exit codes of the emulator: what the call answered. */
export const DENIED = 1;
export const DONE = 7;

/** Where things lie in the image, which begins at address 0. */
const CODE = 0x40;
const POINTERS = 0x58;
const CALL_BLOCK = 0x80;
const DENIED_BLOCK = 0x90;
const DONE_BLOCK = 0x98;
const TEXT = 0xa0;

const STACK = 0x20004000;
const APPLICATION_EXIT = 0x20026;

/** @param {number} call @param {number[]} block @param {string} text */
function makeImage(call, block, text) {
	const image = Buffer.alloc(TEXT + Buffer.byteLength(text) + 1);
	/** @param {number} at @param {number[]} words */
	const put = (at, ...words) => words.forEach((word, index) => image.writeUInt32LE(word, at + 4 * index));
	put(0, STACK, CODE | 1);
	const code = [
		0x2000 | call, // movs r0, #call
		0x4905, //        ldr  r1, =CALL_BLOCK
		0xbeab, //        bkpt 0xab
		0x1c40, //        adds r0, #1: -1 is a refusal
		0xd101, //        bne  done
		0x4904, //        ldr  r1, =DENIED_BLOCK
		0xe000, //        b    exit
		0x4904, // done:  ldr  r1, =DONE_BLOCK
		0x2020, // exit:  movs r0, #SYS_EXIT_EXTENDED
		0xbeab, //        bkpt 0xab
		0xe7fe, //        b    .
	];
	code.forEach((word, index) => image.writeUInt16LE(word, CODE + 2 * index));
	put(POINTERS, CALL_BLOCK, DENIED_BLOCK, DONE_BLOCK);
	put(CALL_BLOCK, TEXT, ...block);
	put(DENIED_BLOCK, APPLICATION_EXIT, DENIED);
	put(DONE_BLOCK, APPLICATION_EXIT, DONE);
	image.write(text, TEXT);
	return image;
}

/** An ELF file with one segment. @param {Buffer} image */
function wrap(image) {
	const header = Buffer.alloc(52 + 32);
	header.write('\x7fELF\x01\x01\x01', 0, 'latin1');
	header.writeUInt16LE(2, 16); // executable
	header.writeUInt16LE(40, 18); // Arm
	header.writeUInt32LE(1, 20);
	header.writeUInt32LE(CODE | 1, 24);
	header.writeUInt32LE(52, 28); // program headers
	header.writeUInt32LE(0x05000200, 36);
	header.writeUInt16LE(52, 40);
	header.writeUInt16LE(32, 42);
	header.writeUInt16LE(1, 44);
	header.writeUInt32LE(1, 52); // load
	header.writeUInt32LE(header.length, 56);
	header.writeUInt32LE(image.length, 68);
	header.writeUInt32LE(image.length, 72);
	header.writeUInt32LE(7, 76);
	header.writeUInt32LE(4, 80);
	return Buffer.concat([header, image]);
}

/** Opens a file of the host to write. @param {string} file */
export function makeFileWriter(file) {
	return wrap(makeImage(SYS_OPEN, [MODE_W, Buffer.byteLength(file)], file));
}

/** Opens a file of the host to read. @param {string} file */
export function makeFileReader(file) {
	return wrap(makeImage(SYS_OPEN, [MODE_R, Buffer.byteLength(file)], file));
}

/** Runs a command on the host. @param {string} command */
export function makeCommandRunner(command) {
	return wrap(makeImage(SYS_SYSTEM, [Buffer.byteLength(command)], command));
}
