// The machine of Renode's double: a platform, an image that runs on it in our imagination (told by the name
// of its source in it: hello, echo, counter, flood of tests/firmware, or the demo), terminals on sockets, and a gdb server.

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { serveGdb } from './renode_gdb.mjs';

/** A command that Renode refuses. */
export class Refusal extends Error {}

/** What the double's own folder holds, by the path that is looked for there. */
const OWN_PLATFORMS = {
	'platforms/boards/stm32f4_discovery-kit.repl': 'usart1: UART.STM32_UART @ sysbus 0x40011000\nusart2: UART.STM32_UART @ sysbus 0x40004400\ncpu: CPU.CortexM @ sysbus\n',
};

const METHODS = ['Void AddAfterReadDoubleWordHook (Int64 offset, String script)', 'Void Reset ()'];

/** @returns {Record<string, {type: string, writable: boolean, value: string, values?: string[]}>} */
const makeProperties = () => ({
	BaudRate: { type: 'UInt32', writable: false, value: '0x0000E0D1' },
	PerformanceInMips: { type: 'UInt32', writable: true, value: '0x00000064' },
	IsHalted: { type: 'Boolean', writable: true, value: 'False' },
	ParityBit: { type: 'Parity', writable: true, value: 'None', values: ['Odd', 'Even', 'None'] },
	Label: { type: 'String', writable: true, value: 'board' },
});

/** @param {net.Server} server @param {number} port */
async function listen(server, port) {
	server.listen(port, '0.0.0.0');
	await Promise.race([once(server, 'listening'), once(server, 'error').then(([error]) => {
		throw new Refusal(`There was an error: ${error.code === 'EADDRINUSE' ? 'Address already in use' : error.code} (double)`);
	})]);
}

/** One client at a time; what comes before it is kept for it. */
class Terminal {
	/** @param {(bytes: Buffer) => void} onInput */
	constructor(onInput) {
		this.onInput = onInput;
		this.waiting = /** @type {net.Socket[]} */ ([]);
		this.kept = /** @type {Buffer[]} */ ([]);
		this.server = net.createServer({ noDelay: true }, (socket) => {
			socket.on('error', () => {});
			this.waiting.push(socket);
			if (this.waiting.length === 1) this.serve();
		});
	}

	serve() {
		const [socket] = this.waiting;
		if (!socket) return;
		socket.on('data', (bytes) => this.onInput(bytes));
		socket.on('close', () => {
			this.waiting.shift();
			this.serve();
		});
		for (const bytes of this.kept.splice(0)) socket.write(bytes);
	}

	/** False: no room for now. @param {Buffer} bytes */
	write(bytes) {
		const [socket] = this.waiting;
		if (socket) return socket.write(bytes);
		this.kept.push(bytes);
		return this.kept.length < 10000;
	}

	/** Its clients see the connection reset. */
	tearDown() {
		this.server.close();
		for (const socket of this.waiting.splice(0)) socket.resetAndDestroy();
	}
}

/** What the image does: a name to what it does with the console at each turn, and with input. */
const PROGRAMS = {
	hello: { begin: 'Hello\r\n' },
	echo: { echoes: true },
	counter: { everyMs: 20 },
	flood: { everyMs: 0 },
	demo: { begin: 'emud demo (double)\r\n> ', echoes: true },
};

export class Machine {
	/** @param {string} name */
	constructor(name) {
		this.name = name;
		this.paused = true;
		this.halted = false;
		this.gdbClients = 0;
		this.devices = /** @type {Map<string, {type: string, properties: ReturnType<typeof makeProperties>, terminals: Terminal[]}>} */ (new Map());
		this.terminals = /** @type {Map<string, Terminal>} */ (new Map());
		/** @type {{name: string, number: number, begun: boolean, file: string} | null} */
		this.image = null;
		/** @type {net.Server | undefined} */
		this.gdb = undefined;
		this.gdbSockets = /** @type {Set<net.Socket>} */ (new Set());
		/** @type {NodeJS.Timeout | undefined} */
		this.timer = undefined;
	}

	/** @param {string} file */
	loadPlatform(file) {
		const own = OWN_PLATFORMS[/** @type {keyof typeof OWN_PLATFORMS} */ (file)];
		if (!own && !existsSync(file)) throw new Refusal(`Could not find file '${path.resolve(file)}'. (double)`);
		const text = own ?? readFileSync(file, 'utf8');
		text.split('\n').forEach((line, index) => {
			if (!line.trim() || line.startsWith('//') || /^\s/.test(line)) return;
			const [, name, type] = /^(\w+)\s*:\s*([\w.]+)(\s+@.*)?$/.exec(line) ?? [];
			if (!name) throw new Refusal(`Error E00: Syntax error, unexpected '${line}' at ${file}:${index + 1} (double)`);
			this.devices.set(`sysbus.${name}`, { type, properties: makeProperties(), terminals: [] });
		});
		this.devices.set('sysbus', { type: 'SystemBus', properties: makeProperties(), terminals: [] });
	}

	/** @param {number} port @param {string} name */
	async createTerminal(port, name) {
		const terminal = new Terminal((bytes) => this.takeInput(bytes));
		await listen(terminal.server, port);
		this.terminals.set(name, terminal);
	}

	/** @param {string} device @param {string} terminal */
	connect(device, terminal) {
		const found = this.terminals.get(terminal);
		if (!found) throw new Refusal(`Could not find external "${terminal}" (double)`);
		this.requireDevice(device).terminals.push(found);
	}

	/** @param {number} port */
	async startGdb(port) {
		this.gdb = net.createServer((socket) => {
			this.gdbSockets.add(socket);
			this.gdbClients++;
			socket.on('error', () => {});
			socket.on('close', () => {
				this.gdbClients--;
				this.gdbSockets.delete(socket);
				this.run();
			});
			serveGdb(socket);
		});
		await listen(this.gdb, port);
	}

	/** @param {string} file */
	loadElf(file) {
		let bytes;
		try {
			bytes = readFileSync(file);
		} catch {
			throw new Refusal(`Could not find file '${path.resolve(file)}'. (double)`);
		}
		if (!bytes.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'))) throw new Refusal(`Error while loading ELF: ${file} is no ELF file (double)`);
		const [, name] = new RegExp(`firmware/(${Object.keys(PROGRAMS).join('|')})\\.c`).exec(bytes.toString('latin1')) ?? [];
		if (!name) throw new Refusal(`${file} is none of the images that the double can imagine (double)`);
		this.image = { name, number: 0, begun: false, file };
	}

	/** Without its image loaded again a CPU that runs meanwhile finds no entry. @param {boolean} halts it does in any case */
	reset(halts) {
		this.image = null;
		this.halted = halts || !this.paused;
		const cpu = this.devices.get('sysbus.cpu');
		if (cpu) cpu.properties.IsHalted.value = this.halted ? 'True' : 'False';
	}

	start() {
		this.paused = false;
		this.run();
	}

	pause() {
		this.paused = true;
	}

	get runs() {
		return !this.paused && !this.halted && this.gdbClients === 0 && this.image !== null;
	}

	/** The console of every image is the first UART. @param {string} text */
	print(text) {
		const terminals = this.devices.get('sysbus.usart1')?.terminals ?? [];
		return terminals.map((terminal) => terminal.write(Buffer.from(text))).every((hasRoom) => hasRoom);
	}

	run() {
		clearTimeout(this.timer);
		if (!this.runs || !this.image) return;
		const program = /** @type {{begin?: string, everyMs?: number}} */ (PROGRAMS[/** @type {keyof typeof PROGRAMS} */ (this.image.name)]);
		if (program.begin && !this.image.begun) this.print(program.begin);
		this.image.begun = true;
		if (program.everyMs === undefined) return;
		let hasRoom = true;
		for (let i = 0; hasRoom && i < (program.everyMs ? 1 : 1000); i++) hasRoom = this.print(`${this.image.number++}\r\n`);
		this.timer = setTimeout(() => this.run(), hasRoom ? program.everyMs : 5);
	}

	/** @param {Buffer} bytes */
	takeInput(bytes) {
		const program = this.runs && this.image ? PROGRAMS[/** @type {keyof typeof PROGRAMS} */ (this.image.name)] : {};
		if ('echoes' in program) this.print(bytes.toString('latin1'));
	}

	/** Ends it with everything that stands around it. */
	tearDown() {
		this.paused = true;
		clearTimeout(this.timer);
		for (const terminal of this.terminals.values()) terminal.tearDown();
		this.gdb?.close();
		for (const socket of this.gdbSockets) socket.resetAndDestroy();
	}

	/** @param {string} device */
	requireDevice(device) {
		const found = this.devices.get(device);
		if (!found) throw new Refusal(`No such command or device: ${device}`);
		return found;
	}

	/** @param {string} device @param {string} name */
	requireProperty(device, name) {
		const property = this.requireDevice(device).properties[name];
		if (!property) throw new Refusal(`${device} does not provide a field, method or property ${name}.`);
		return property;
	}

	/** @param {string} device */
	list(device) {
		const { properties } = this.requireDevice(device);
		const lines = ['The following methods are available:', ...METHODS.map((method) => ` - ${method}`), '', 'Usage:',
			` ${device} MethodName param1 param2 ...`, '', 'The following properties are available:'];
		for (const [name, { type, writable }] of Object.entries(properties))
			lines.push(` - ${type} ${name}`, `     available for 'get'${writable ? " and 'set'" : ''}`);
		lines.push('', 'Usage:', ` - get: ${device} PropertyName`, ` - set: ${device} PropertyName Value`, '');
		return lines.join('\r\n\r');
	}

	/** @param {string} device @param {string} name */
	get(device, name) {
		if (name === 'Reset') this.requireDevice(device).properties = makeProperties();
		const { value, values } = this.requireProperty(device, name);
		const lines = values ? [value, '', 'Possible values are:', ...values.map((one) => `\t${one}`), ''] : [value];
		return lines.map((text) => `${text}\r\r\n`).join('');
	}

	/** @param {string} device @param {string} name @param {string} value */
	set(device, name, value) {
		const property = this.requireProperty(device, name);
		if (!property.writable) return `${property.value}\r\r\n`;
		const { type } = property;
		if (type === 'UInt32' && !/^(\d+|0x[0-9a-fA-F]+)$/.test(value)) throw new Refusal("Cannot convert type 'string' to 'uint'");
		if (type === 'Boolean' && !/^(true|false)$/i.test(value)) throw new Refusal("Cannot convert type 'string' to 'bool' (double)");
		const word = value.replace(/^"(.*)"$/, '$1');
		if (property.values && !property.values.includes(word)) throw new Refusal(`${word} is none of the possible values (double)`);
		property.value = type === 'UInt32' ? `0x${Number(value).toString(16).toUpperCase().padStart(8, '0')}`
			: type === 'Boolean' ? (/^true$/i.test(value) ? 'True' : 'False') : word;
		return '';
	}
}
