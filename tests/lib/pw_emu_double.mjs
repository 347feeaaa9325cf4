// A double of upstream's `pw emu`: does to an instance what the real one does, knowing nothing but the files it leaves.
// Where a real `pw` is installed, RealPwEmu does the same through it.

import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { until, within } from './deadline.mjs';
import { isAlive } from './processes.mjs';
import { connectQmp, openChannel } from './qmp.mjs';
import { ByteStream } from './streams.mjs';

const KILL_AFTER_MS = 5000;

/**
 * @typedef {{code: number | null, output: string}} Outcome
 * @typedef {ByteStream & {send: (text: string) => unknown, close: () => unknown}} Terminal
 */

/**
 * @param {string[]} command
 * @returns {Promise<Outcome>}
 */
function run([program, ...args]) {
	const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
	let output = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
	const ended = new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code) => resolve({ code, output }));
	});
	return within(ended, `${program} to end`).finally(() => child.kill('SIGKILL'));
}

export class PwEmuDouble {
	/** @param {string} directory the instance's working directory */
	constructor(directory) {
		this.directory = directory;
		/** Kept for as long as this lives, as the real one does. @type {import('./qmp.mjs').Qmp | undefined} */
		this.connection = undefined;
	}

	get handlesFile() {
		return path.join(this.directory, 'handles.json');
	}

	get handles() {
		if (!existsSync(this.handlesFile)) throw new Error('not started');
		return JSON.parse(readFileSync(this.handlesFile, 'utf8'));
	}

	/** @param {string} command @param {object} [parameters] */
	async qmp(command, parameters) {
		const { qmp } = this.handles.channels;
		// Each verb of the real one begins with an interpreter that starts: a QEMU with ptys needs the time to see its
		// last client go, else it greets none.
		if (!this.connection && qmp.type === 'pty') await run([process.execPath, '-e', '0']);
		this.connection ??= await connectQmp(qmp);
		return this.connection.run(command, parameters);
	}

	close() {
		this.connection?.close();
		this.connection = undefined;
	}

	/** @param {string} objectPath @param {string} property */
	propGet(objectPath, property) {
		return this.qmp('qom-get', { path: objectPath, property });
	}

	reset() {
		return this.qmp('system_reset');
	}

	resume() {
		return this.qmp('cont');
	}

	/** @param {string} channel @returns {Promise<Terminal>} */
	term(channel) {
		return openChannel(this.handles.channels[channel]);
	}

	/** @param {string[]} commands */
	gdbCommands(commands) {
		const { gdb_cmd: gdb, channels } = this.handles;
		const { type, host, port, path: pty } = channels.gdb;
		const remote = type === 'tcp' ? `${host}:${port}` : pty;
		const all = [`target remote ${remote}`, ...commands, 'disconnect'];
		return run([...gdb, '-batch', '-nx', ...all.flatMap((text) => ['-ex', text])]);
	}

	async stop() {
		this.close();
		const processes = Object.entries(this.handles.procs);
		for (const [name, { pid }] of processes) {
			if (isAlive(pid)) process.kill(pid, 'SIGTERM');
			await until(() => !isAlive(pid), `${name} to end`, KILL_AFTER_MS).catch(() => process.kill(pid, 'SIGKILL'));
			rmSync(path.join(this.directory, `${name}.pid`), { force: true });
		}
		rmSync(this.handlesFile, { force: true });
	}
}

/** The real one. */
export class RealPwEmu extends PwEmuDouble {
	/** @param {string[]} args */
	async call(args) {
		const { code, output } = await run(['pw', 'emu', '-C', this.directory, ...args]);
		if (code !== 0) throw new Error(`pw emu ${args[0]} ended with ${code}: ${output}`);
		return output.trim();
	}

	/** @param {string} objectPath @param {string} property */
	propGet(objectPath, property) {
		return this.call(['prop-get', objectPath, property]);
	}

	reset() {
		return this.call(['reset']);
	}

	resume() {
		return this.call(['resume']);
	}

	/** @param {string[]} commands */
	async gdbCommands(commands) {
		// It keeps to itself what gdb prints: gdb writes that to a file as well.
		const log = path.join(os.tmpdir(), `pw-emu-gdb-${randomBytes(6).toString('hex')}.log`);
		await this.call(['gdb-cmds', `set logging file ${log}`, 'set logging enabled on', ...commands]);
		const output = readFileSync(log, 'utf8');
		rmSync(log);
		return { code: 0, output };
	}

	/** Its terminal wants a tty, which script(1) gives it. @param {string} channel */
	async term(channel) {
		const child = spawn('script', ['-qefc', `exec pw emu -C '${this.directory}' term ${channel}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
		const stream = new ByteStream();
		child.stdout.on('data', (/** @type {Buffer} */ bytes) => stream.push(bytes));
		child.on('exit', () => stream.finish('end'));
		await stream.until('---');
		return Object.assign(stream, {
			send: (/** @type {string} */ text) => child.stdin.write(text),
			close: () => child.kill('SIGTERM'),
		});
	}

	async stop() {
		await this.call(['stop']);
	}
}

/** Whether `pw emu` itself is on the PATH. */
export function findRealPwEmu() {
	return spawnSync('pw', ['emu', '--help'], { stdio: 'ignore', timeout: 60000 }).status === 0;
}
