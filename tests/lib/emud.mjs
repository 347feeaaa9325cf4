// Runs the real emud with a state directory of its own, and sees to it that nothing of it is left.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';

import { Client } from './client.mjs';
import { until, within } from './deadline.mjs';
import { BUILD } from './firmware.mjs';
import { seeGuestsOff } from './leaving.mjs';
import { findProcesses, holdsBelow } from './processes.mjs';
import { makeConfig } from './targets.mjs';

export const EMUD = path.join(BUILD, 'bin/emud');

// A runner that gives up on a test ends it with a signal: what it started must be killed then too.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => process.exit(1));

const SANITIZER = /ERROR: \w+Sanitizer[\s\S]*?SUMMARY.*|.*runtime error:.*|.*Assertion .* failed.*/;

/** How much of a log a failure shows. */
const TAIL = 4000;

/**
 * @typedef {object} EmudOptions
 * @property {object} [server] settings of the configuration's server: map
 * @property {object} [targets] more targets
 * @property {object} [pwEmu] more below pw_emu
 * @property {string[]} [fileRoots] more of them
 * @property {string} [configText] the configuration file as it is, instead of all these
 * @property {string} [tokens] content of a token file
 * @property {string} [listen]
 * @property {string[]} [args] more arguments
 * @property {Record<string, string>} [env]
 * @property {string[]} [wrapper] a command that sets the stage and then becomes emud: its arguments follow
 */

export class Emud {
	/** @param {EmudOptions} options */
	constructor(options) {
		this.options = options;
		this.directory = mkdtempSync(path.join(os.tmpdir(), 'emud-test-'));
		this.stateDir = path.join(this.directory, 'state');
		this.filesDir = path.join(this.directory, 'files');
		this.configFile = path.join(this.directory, 'config.json');
		this.mark = `EMUD_TEST=${randomBytes(12).toString('hex')}`;
		this.stderr = '';
		this.faults = /** @type {string[]} */ ([]);
		/** @type {import('node:child_process').ChildProcess | null} */
		this.process = null;
		this.exited = Promise.resolve({ code: /** @type {number | null} */ (null), signal: '' });
		this.port = 0;
		// A test process that dies early must leave nothing either.
		this.onExit = () => this.killLeft();
		process.on('exit', this.onExit);
		this.writeConfig(options);
	}

	/** @param {EmudOptions} options */
	writeConfig(options) {
		const fileRoots = [this.directory, ...(options.fileRoots ?? [])];
		const config = options.configText ?? JSON.stringify(makeConfig({ ...options, fileRoots }), null, '\t');
		writeFileSync(this.configFile, config);
		if (options.tokens !== undefined) writeFileSync(this.tokenFile, options.tokens, { mode: 0o600 });
	}

	get tokenFile() {
		return path.join(this.directory, 'tokens');
	}

	get baseUrl() {
		return `http://127.0.0.1:${this.port}`;
	}

	/** Starts it, and again after it has ended: on the same state, as a new process. */
	async start() {
		const listen = this.options.listen ?? '127.0.0.1:0';
		const args = ['--config', this.configFile, '--listen', listen, '--state-dir', this.stateDir];
		if (this.options.tokens !== undefined) args.push('--token-file', this.tokenFile);
		const [name, value] = this.mark.split('=');
		const [program, ...words] = [...(this.options.wrapper ?? []), EMUD, ...args, ...(this.options.args ?? [])];
		const child = spawn(program, words, {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, EMUD_SHARE: path.join(BUILD, 'share/emud'), [name]: value, ...this.options.env },
		});
		this.process = child;
		this.exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
		child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
		this.port = Number(new URL(await within(this.readBaseUrl(child), 'emud to listen')).port);
		return this;
	}

	/** @param {import('node:child_process').ChildProcess} child */
	readBaseUrl(child) {
		return new Promise((resolve, reject) => {
			let text = '';
			child.stdout?.setEncoding('utf8').on('data', (part) => {
				text += part;
				const line = /(http:\/\/\S+)\n/.exec(text);
				if (line) resolve(line[1]);
			});
			child.on('error', reject);
			child.on('exit', (code, signal) =>
				reject(new Error(`emud ended (${code ?? signal}) before it listened: ${this.stderr.slice(-TAIL)}`)));
		});
	}

	/** @param {{token?: string, version?: string}} [options] */
	client(options) {
		return new Client(this, options);
	}

	/**
	 * Ends emud alone.
	 * @param {NodeJS.Signals} [signal]
	 */
	async end(signal = 'SIGTERM') {
		this.process?.kill(signal);
		const status = await within(this.exited, `emud to end after ${signal}`);
		this.process = null;
		return status;
	}

	/** Its processes, and those of its shims, emulators and helpers. */
	processes() {
		return findProcesses(this.mark, this.stateDir);
	}

	/** Those without emud itself and the shim that stands ready for a next board. */
	boardProcesses() {
		return this.processes().filter(({ pid, command }) => pid !== this.process?.pid && !(command === 'emud-shim' && !holdsBelow(pid, this.stateDir)));
	}

	get runs() {
		return this.process?.exitCode === null && this.process.signalCode === null;
	}

	/** Removes every instance, ends emud, and fails if anything of it is left. */
	async finish() {
		try {
			if (this.runs) await this.shutDown();
			await until(() => this.processes().length === 0, 'every process to end');
			this.checkSanitizers(this.stderr);
		} finally {
			// Whatever went wrong above, and an emud that does not answer any more included.
			this.killLeft();
			process.off('exit', this.onExit);
			rmSync(this.directory, { recursive: true, force: true });
		}
		if (this.faults.length) throw new Error(this.faults.join('\n'));
	}

	async shutDown() {
		const client = this.client({ token: this.options.tokens?.trim().split(/\s+/).at(-1) });
		this.checkShimLogs();
		await until(() => this.clear(client), 'every instance to go');
		client.close();
		const { code, signal } = await this.end();
		if (code !== 0 && !SANITIZER.test(this.stderr)) this.faults.push(`emud ended with ${code ?? signal} after SIGTERM: ${this.stderr.slice(-TAIL)}`);
	}

	/**
	 * Deletes the instances there are, but for those that go already: boards of runs do so by themselves.
	 * @param {Client} client
	 */
	async clear(client) {
		const { json } = await client.get('/instances?limit=1000');
		await Promise.all(json.instances.map(async (/** @type {{id: string}} */ { id }) => {
			const { status, text } = await client.request('DELETE', `/instances/${id}`);
			if (![204, 404, 409].includes(status)) throw new Error(`DELETE of ${id} answered ${status}: ${text}`);
		}));
		return !json.instances.length;
	}

	/** @param {string} log */
	checkSanitizers(log) {
		const [fault] = SANITIZER.exec(log) ?? [];
		if (fault) this.faults.push(fault);
	}

	checkShimLogs() {
		const instances = path.join(this.stateDir, 'instances');
		if (!existsSync(instances)) return;
		for (const id of readdirSync(instances)) {
			const log = path.join(instances, id, 'shim.log');
			const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
			this.checkSanitizers(text);
		}
	}

	killLeft() {
		for (const { pid, command } of this.processes()) {
			this.faults.push(`left behind: ${pid} ${command}`);
			try {
				process.kill(pid, 'SIGKILL');
			} catch {
				// It ended by itself between the look and the kill.
			}
		}
	}
}

/**
 * An emud for one test: gone when the test ends, whichever way.
 * @param {{after: (finish: () => Promise<void>) => void}} test
 * @param {EmudOptions} [options]
 */
export async function startEmud(test, options = {}) {
	const emud = new Emud(options);
	test.after(async () => {
		await seeGuestsOff(test);
		await emud.finish();
	});
	return emud.start();
}

/**
 * One emud for the tests of a file, which keep apart by the ids they use.
 * @param {EmudOptions} [options]
 */
export function shareEmud(options = {}) {
	const shared = /** @type {{emud: Emud, client: Client}} */ ({});
	before(async () => {
		shared.emud = new Emud(options);
		shared.client = shared.emud.client();
		await shared.emud.start();
	});
	after(() => shared.emud.finish());
	return shared;
}
