// A double of upstream's `pw emu`: does to an instance what the real one does, knowing nothing but the files it leaves.
// Where a real `pw` is installed, RealPwEmu does the same through it.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

import { until, within } from './deadline.mjs';
import { isAlive } from './processes.mjs';
import { connectQmp, openChannel } from './qmp.mjs';

const KILL_AFTER_MS = 5000;

/** @typedef {{code: number | null, output: string}} Outcome */

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

	/** @param {string} channel */
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

	/** Whatever a test has left of it. */
	async abandon() {
		this.close();
		if (!existsSync(this.handlesFile)) return;
		for (const { pid } of Object.values(this.handles.procs)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
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

/** The real one, as far as it answers without a terminal. */
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
		return { code: 0, output: await this.call(['gdb-cmds', ...commands]) };
	}

	async stop() {
		await this.call(['stop']);
	}
}

/** Whether `pw emu` itself is on the PATH. */
export function findRealPwEmu() {
	return spawnSync('pw', ['emu', '--help'], { stdio: 'ignore', timeout: 60000 }).status === 0;
}
