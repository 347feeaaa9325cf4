// An emulator that `pw emu` started is adopted: both tools work on it from then on.

import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { Emud, shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { isAlive } from '../lib/processes.mjs';
import { startAsPwEmu } from '../lib/pw_emu_start.mjs';
import { openChannel } from '../lib/qmp.mjs';
import { findShim, untilGone, untilShimGone } from '../lib/shims.mjs';

const root = mkdtempSync(path.join(os.tmpdir(), 'emud-pw-'));
const helper = { 'pre-start-cmds': { helper: ['sleep', '600'] } };
const shared = shareEmud({ server: { path_roots: [root] }, targets: { helped: makeBoard({}, helper) } });
const started = /** @type {import('../lib/pw_emu_double.mjs').PwEmuDouble[]} */ ([]);

after(async () => {
	for (const pw of started) await pw.abandon();
	rmSync(root, { recursive: true, force: true });
});

/**
 * An emulator of pw emu's in a directory of its own.
 * @param {string} name
 * @param {import('../lib/pw_emu_start.mjs').PwStart} [start]
 */
async function start(name, start = {}) {
	const directory = path.join(root, name);
	mkdirSync(directory);
	const pw = await startAsPwEmu(directory, { file: firmware('hello'), ...start });
	started.push(pw);
	return pw;
}

/** @param {string} id @param {{directory: string}} pw @param {object} [more] */
async function adopt(id, pw, more = {}) {
	return (await shared.client.put(`/instances/${id}`, { json: { path: pw.directory, ...more }, expect: 201 })).json;
}

/** What lies in pw emu's directory, and what is in its files. @param {{directory: string}} pw */
function contentOf({ directory }) {
	return Object.fromEntries(readdirSync(directory).sort().map((name) => {
		const file = path.join(directory, name);
		if (lstatSync(file).isDirectory()) return [name, readdirSync(file)];
		return [name, lstatSync(file).isSymbolicLink() ? readlinkSync(file) : readFileSync(file, 'utf8')];
	}));
}

for (const type of /** @type {('tcp' | 'pty')[]} */ (['tcp', 'pty'])) {
	test(`an adopted board is told as it runs (${type})`, async () => {
		const pw = await start(`told-${type}`, { type, paused: true });
		const { pid } = pw.handles.procs.qemu;
		const original = pw.handles;
		const instance = await adopt(`told-${type}`, pw);
		assert.deepEqual([instance.adopted, instance.state, instance.path], [true, 'paused', pw.directory]);
		assert.deepEqual([instance.target, instance.emulator, instance.start_number], ['board', 'qemu', 1]);
		assert.deepEqual([instance.processes, instance.exit, instance.file], [{ qemu: { pid } }, null, null]);
		assert.ok(instance.command.includes('lm3s6965evb'));
		for (const name of ['gdb', 'qmp', 'monitor']) {
			const { kind, ...endpoint } = instance.channels[name];
			assert.deepEqual(endpoint, original.channels[name]);
		}
		const { kind, ...console } = instance.channels.serial0;
		assert.equal(kind, 'console');
		assert.notDeepEqual(console, original.channels.serial0);
		assert.deepEqual(pw.handles.channels.serial0, console);
		assert.deepEqual({ ...pw.handles, channels: 0 }, { ...original, channels: 0 });
		assert.equal((await shared.client.post(`/instances/told-${type}/resume`)).json.state, 'running');
		assert.equal((await shared.client.waitForOutput(`told-${type}`, 'Hello\r\n')).toString().includes('Hello'), true);
	});
}
