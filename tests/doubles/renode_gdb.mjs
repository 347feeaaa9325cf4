// As much of gdb's remote protocol as a session of a few commands needs: a Cortex-M whose registers and memory can
// be read and written, and which stands still for as long as somebody is connected.

const TARGET = '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>arm</architecture>'
	+ '<feature name="org.gnu.gdb.arm.m-profile">'
	+ [...Array(13).keys()].map((number) => `<reg name="r${number}" bitsize="32"/>`).join('')
	+ '<reg name="sp" bitsize="32" type="data_ptr"/><reg name="lr" bitsize="32"/><reg name="pc" bitsize="32" type="code_ptr"/>'
	+ '<reg name="xpsr" bitsize="32" regnum="25"/></feature></target>';

const REGISTERS = 17;
const PC = 15;
const PC_VALUE = '78560008';

const hex = (/** @type {Buffer} */ bytes) => bytes.toString('hex');

/** @param {string} text */
function frame(text) {
	const sum = [...Buffer.from(text, 'latin1')].reduce((total, byte) => (total + byte) % 256, 0);
	return `$${text}#${sum.toString(16).padStart(2, '0')}`;
}

/** @param {string} range "offset,length" in hex */
function readTarget(range) {
	const [offset, length] = range.split(',').map((word) => parseInt(word, 16));
	const part = TARGET.slice(offset, offset + length);
	return (offset + length < TARGET.length ? 'm' : 'l') + part;
}

class Stub {
	constructor() {
		this.memory = /** @type {Map<number, number>} */ (new Map());
	}

	/** @param {string} range */
	read(range) {
		const [address, length] = range.split(',').map((word) => parseInt(word, 16));
		return hex(Buffer.from(Array.from({ length }, (_, index) => this.memory.get(address + index) ?? 0)));
	}

	/** @param {string} range @param {Buffer} bytes */
	write(range, bytes) {
		const address = parseInt(range, 16);
		bytes.forEach((byte, index) => this.memory.set(address + index, byte));
		return 'OK';
	}

	/** @param {string} text */
	answer(text) {
		const [, range, data] = /^[MX]([^:]*):(.*)$/s.exec(text) ?? [];
		if (text.startsWith('qSupported')) return 'PacketSize=1000;qXfer:features:read+';
		if (text.startsWith('qXfer:features:read:target.xml:')) return readTarget(text.split(':')[4]);
		if (text === 'qAttached') return '1';
		if (text === '?') return 'S05';
		if (text === 'g') return Array.from({ length: REGISTERS }, (_, number) => (number === PC ? PC_VALUE : '00000000')).join('');
		if (/^p/.test(text)) return parseInt(text.slice(1), 16) === PC ? PC_VALUE : '00000000';
		if (/^[GPH]/.test(text) || text === 'D') return 'OK';
		if (text.startsWith('m')) return this.read(text.slice(1));
		if (text.startsWith('M')) return this.write(range, Buffer.from(data, 'hex'));
		// The rest is not known here, which an empty answer says.
		return '';
	}
}

/** @param {import('node:net').Socket} socket */
export function serveGdb(socket) {
	const stub = new Stub();
	let received = '';
	socket.on('data', (bytes) => {
		received += bytes.toString('latin1');
		for (;;) {
			const match = /\$([^#]*)#../s.exec(received);
			if (!match) break;
			received = received.slice(match.index + match[0].length);
			socket.write(`+${frame(stub.answer(match[1]))}`);
			if (match[1] === 'k') socket.end();
		}
	});
}
