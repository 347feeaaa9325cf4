// A double of `pw emu start`: the real QEMU, started as upstream's launcher starts it and with the files that it
// leaves. What it starts is nobody's of emud's.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { within } from './deadline.mjs';
import { Qmp, RawChannel } from './qmp.mjs';
import { PwEmuDouble } from './pw_emu_double.mjs';

/**
 * @typedef {object} PwStart
 * @property {string} [target]
 * @property {'tcp' | 'pty'} [type] of every channel
 * @property {string} [executable]
 * @property {string} [machine]
 * @property {string[]} [chardevs] ids; a channel each, of the same name
 * @property {string} [file]
 * @property {boolean} [paused]
 * @property {string[]} [args]
 * @property {Record<string, string[]>} [helpers] started before the emulator
 * @property {import('node:child_process').SpawnOptions} [spawn] more for the emulator
 */

/** @param {string} id @param {string} type */
function chardev(id, type) {
	return ['-chardev', type === 'pty' ? `pty,id=${id}` : `socket,id=${id},host=localhost,port=0,server=on,wait=off`];
}

/** The serial ports in order, the unused ones below the highest filled with null devices. @param {string[]} chardevs */
function serialPorts(chardevs) {
	const numbers = chardevs.map((id) => Number(/^serial(\d+)$/.exec(id)?.[1] ?? -1));
	return Array.from({ length: Math.max(...numbers, -1) + 1 }, (_, number) => ['-serial', numbers.includes(number) ? `chardev:serial${number}` : 'null']).flat();
}

/** @param {PwStart} start @param {number} port where the launcher listens for QEMU */
function commandLine({ type = 'tcp', executable = 'qemu-system-arm', machine = 'lm3s6965evb', chardevs = ['serial0'], file, paused, args = [] }, port) {
	return [executable, '-nographic', '-nodefaults', '-display', 'none', '-machine', machine,
		...chardev('qmp', type), '-mon', 'chardev=qmp,mode=control',
		...chardev('monitor', type), '-mon', 'chardev=monitor',
		...chardev('gdb', type), '-gdb', 'chardev:gdb',
		'-chardev', `socket,id=launcher,host=localhost,port=${port}`, '-mon', 'chardev=launcher,mode=control',
		...chardevs.flatMap((id) => chardev(id, type)), ...serialPorts(chardevs),
		...(paused ? ['-S'] : []), ...(file ? ['-kernel', file] : []), ...args];
}

/** Made whole before it appears. @param {string} file @param {string} text */
function writeWhole(file, text) {
	writeFileSync(`${file}.tmp`, text);
	renameSync(`${file}.tmp`, file);
}

/**
 * Starts a process with its log and its pid file.
 * @param {string} directory @param {string} name @param {string[]} command
 * @param {import('node:child_process').SpawnOptions} [options]
 */
async function startProcess(directory, name, [program, ...args], options = {}) {
	const log = openSync(path.join(directory, `${name}.log`), 'w');
	const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true, ...options });
	await within(once(child, 'spawn'), `${program} to be started`);
	child.unref();
	closeSync(log);
	writeWhole(path.join(directory, `${name}.pid`), String(child.pid));
	return child;
}

/** What QEMU says of a channel, as handles.json has it. @param {string} filename */
function endpoint(filename) {
	const [, pty] = /^pty:(.*)$/.exec(filename) ?? [];
	if (pty) return { type: 'pty', path: pty };
	const [, host, port] = /tcp:(\[?[^,[\]]+\]?):(\d+)/.exec(filename) ?? [];
	return { type: 'tcp', host, port: Number(port) };
}

/** @param {Qmp} qmp @param {string[]} channels */
async function queryChannels(qmp, channels) {
	const found = new Map((await qmp.run('query-chardev')).map((/** @type {any} */ { label, filename }) => [label, filename]));
	return Object.fromEntries(channels.map((name) => [name, endpoint(found.get(name))]));
}

/** What `pw emu start` has started, which ends with the test whatever becomes of its files. */
export class StartedByPwEmu extends PwEmuDouble {
	/** @param {string} directory @param {import('node:child_process').ChildProcess[]} children */
	constructor(directory, children) {
		super(directory);
		this.children = children;
		this.onExit = () => this.kill();
		process.on('exit', this.onExit);
	}

	/** Children not yet reaped: no other can have their numbers. */
	kill() {
		for (const child of this.children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
	}

	/** Whatever a test has left of it. */
	abandon() {
		this.close();
		this.kill();
		process.off('exit', this.onExit);
	}
}

/**
 * `pw emu start` in a working directory (there, and empty).
 * @param {string} directory
 * @param {PwStart} [start]
 */
export async function startAsPwEmu(directory, start = {}) {
	const { target = 'board', chardevs = ['serial0'], helpers = {} } = start;
	const children = /** @type {import('node:child_process').ChildProcess[]} */ ([]);
	const procs = /** @type {Record<string, {pid: number | undefined}>} */ ({});
	for (const [name, command] of Object.entries(helpers)) {
		const child = await startProcess(directory, name, command);
		procs[name] = { pid: child.pid };
		children.push(child);
	}
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = /** @type {net.AddressInfo} */ (server.address());
	const connected = once(server, 'connection');
	const emulator = await startProcess(directory, 'qemu', commandLine(start, port), start.spawn);
	children.push(emulator);
	const [socket] = await within(connected, 'QEMU to connect to its launcher');
	const launcher = new Qmp(new RawChannel(socket, socket));
	await launcher.run('qmp_capabilities');
	const channels = await queryChannels(launcher, [...chardevs, 'qmp', 'monitor', 'gdb']);
	launcher.close();
	server.close();
	for (const [name, { path: pty }] of Object.entries(channels)) if (pty) symlinkSync(pty, path.join(directory, name));
	procs.qemu = { pid: emulator.pid };
	writeWhole(path.join(directory, 'handles.json'), JSON.stringify({ emu: 'qemu', config: path.join(directory, 'pigweed.json'),
		target, gdb_cmd: ['gdb-multiarch'], channels, procs }));
	return new StartedByPwEmu(directory, children);
}

