// Firmware for QEMU's Arm "virt" machine, made here, whose one deed is to switch the machine off (PSCI).

const LOAD_ADDRESS = 0x40010000;
const HEADER_BYTES = 52;
const PROGRAM_HEADER_BYTES = 32;
const CODE_OFFSET = HEADER_BYTES + PROGRAM_HEADER_BYTES;

const CODE = [
	0xe59f0004, //      ldr r0, [pc, #4]: SYSTEM_OFF
	0xe1400070, //      hvc #0
	0xeafffffe, //      b   .
	0x84000008,
];

export function makePowerOff() {
	const elf = Buffer.alloc(CODE_OFFSET + 4 * CODE.length);
	elf.write('\x7fELF\x01\x01\x01', 'latin1');
	elf.writeUInt16LE(2, 16); // an executable
	elf.writeUInt16LE(40, 18); // for Arm
	const words = [1, LOAD_ADDRESS, HEADER_BYTES, 0, 0x05000000];
	words.forEach((word, index) => elf.writeUInt32LE(word, 20 + 4 * index));
	[HEADER_BYTES, PROGRAM_HEADER_BYTES, 1, 40, 0, 0].forEach((half, index) => elf.writeUInt16LE(half, 40 + 2 * index));
	const size = 4 * CODE.length;
	const segment = [1, CODE_OFFSET, LOAD_ADDRESS, LOAD_ADDRESS, size, size, 5, 4];
	segment.forEach((word, index) => elf.writeUInt32LE(word, HEADER_BYTES + 4 * index));
	CODE.forEach((word, index) => elf.writeUInt32LE(word, CODE_OFFSET + 4 * index));
	return elf;
}
