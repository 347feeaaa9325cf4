// What the first bytes of an ELF file say. No DOM.

/** Names as the API has them. @type {Record<number, string>} */
const MACHINES = { 3: 'x86', 8: 'MIPS', 40: 'ARM', 62: 'x86-64', 83: 'AVR', 94: 'Xtensa', 183: 'AArch64', 243: 'RISC-V' };
export const ELF_HEADER_BYTES = 64;

/**
 * @param {ArrayBuffer} bytes the file's first ELF_HEADER_BYTES
 * @returns {{kind: 'elf32' | 'elf64', machine: string, entry: bigint} | null} null: it is no ELF file
 */
export function readElfHeader(bytes) {
	if (bytes.byteLength < 32) return null;
	const view = new DataView(bytes);
	if (view.getUint32(0) !== 0x7f454c46) return null;
	const is64 = view.getUint8(4) === 2;
	const isLittle = view.getUint8(5) === 1;
	const number = view.getUint16(18, isLittle);
	const entry = is64 ? view.getBigUint64(24, isLittle) : BigInt(view.getUint32(24, isLittle));
	return { kind: is64 ? 'elf64' : 'elf32', machine: MACHINES[number] ?? `machine ${number}`, entry };
}
