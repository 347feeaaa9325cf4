// What the first bytes of an ELF file say. No DOM.

/** Names as the API has them. @type {Record<number, string>} */
const MACHINES = {
	2: 'SPARC', 3: 'x86', 4: 'm68k', 8: 'MIPS', 15: 'PA-RISC', 20: 'PowerPC', 21: 'PowerPC64', 22: 'S390', 40: 'ARM', 42: 'SuperH',
	43: 'SPARC64', 44: 'TriCore', 45: 'ARC', 62: 'x86-64', 76: 'CRIS', 83: 'AVR', 92: 'OpenRISC', 94: 'Xtensa', 105: 'MSP430',
	113: 'Nios II', 173: 'RX', 183: 'AArch64', 189: 'MicroBlaze', 243: 'RISC-V', 258: 'LoongArch', 36902: 'Alpha',
};
export const ELF_HEADER_BYTES = 64;

/** By the class: of 32 and of 64 bits. @type {Record<number, number>} */
const SIZES = { 1: 52, 2: ELF_HEADER_BYTES };

/**
 * @typedef {{kind: 'elf32' | 'elf64', machine: string, entry: bigint} | {kind: 'damaged', machine: null, entry: null}} ElfHeader
 *   damaged: it begins like one, but is not whole or not readable
 */

/** As far as emud asks it of each file that begins like ELF. @param {DataView} view */
const isReadable = (view) =>
	view.byteLength >= SIZES[1] && view.byteLength >= SIZES[view.getUint8(4)] && [1, 2].includes(view.getUint8(5)) && view.getUint8(6) === 1;

/**
 * @param {ArrayBuffer} bytes the file's first ELF_HEADER_BYTES
 * @returns {ElfHeader | null} null: it is no ELF file
 */
export function readElfHeader(bytes) {
	const view = new DataView(bytes);
	if (bytes.byteLength < 4 || view.getUint32(0) !== 0x7f454c46) return null;
	if (!isReadable(view)) return { kind: 'damaged', machine: null, entry: null };
	const is64 = view.getUint8(4) === 2;
	const isLittle = view.getUint8(5) === 1;
	const number = view.getUint16(18, isLittle);
	const entry = is64 ? view.getBigUint64(24, isLittle) : BigInt(view.getUint32(24, isLittle));
	return { kind: is64 ? 'elf64' : 'elf32', machine: MACHINES[number] ?? `machine ${number}`, entry };
}

/**
 * Whether a firmware suits a target, as far as both are known.
 * @param {string | null | undefined} taken the target's firmware_machine: one or more, comma-separated
 * @param {string | null | undefined} machine the firmware's
 */
export const fitsMachine = (taken, machine) => !taken || !machine || taken.split(',').includes(machine);
