// Whose an adopted emulator is when something ends: it, pw emu's wish, emud, the shim, the instance.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { PwEmuYard, adopt, foreignContent, ownDirectory, shareYard } from '../lib/adoption.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { isAlive } from '../lib/processes.mjs';
import { startAsPwEmu } from '../lib/pw_emu_start.mjs';
import { connectQmp } from '../lib/qmp.mjs';
import { findShim, untilGone, untilShimGone } from '../lib/shims.mjs';

const { yard, shared } = shareYard();
const unknownExit = (/** @type {string} */ reason) => ({ code: null, signal: null, reason, detail: null });

/** What must not be left once an adoption is over. @param {{directory: string}} pw */
function assertNothingOfOurs(pw) {
	assert.ok(!existsSync(ownDirectory(pw).path), `${readdirSync(pw.directory)}`);
}

for (const type of /** @type {('tcp' | 'pty')[]} */ (['tcp', 'pty'])) {
	test(`a stop ends the emulator as pw emu stop does (${type})`, async () => {
		const id = `stopped-${type}`;
		const pw = await yard.start(id, { type, target: 'helped', helpers: { helper: ['sleep', '600'] } });
		const { processes } = await adopt(shared.client, id, pw);
		const { json } = await shared.client.post(`/instances/${id}/stop`);
		assert.deepEqual([json.state, json.exit, json.processes], ['exited', unknownExit('stopped'), {}]);
		for (const { pid } of Object.values(processes)) await untilGone(pid, 'a process of pw emu');
		assert.throws(() => pw.handles, /not started/);
		const left = Object.keys(foreignContent(pw)).filter((name) => /handles|pid$/.test(name));
		assert.deepEqual(left, []);
		assert.ok(existsSync(path.join(pw.directory, 'qemu.log')));
		await untilShimGone(ownDirectory(pw));
	});

	test(`pw emu stop ends it, and emud notices (${type})`, async () => {
		const id = `ended-${type}`;
		const pw = await yard.start(id, { type });
		await adopt(shared.client, id, pw);
		await pw.stop();
		const { state, exit } = await shared.client.waitFor(id, 'ended');
		assert.deepEqual([state, exit], ['exited', unknownExit('terminated')]);
		await untilShimGone(ownDirectory(pw));
		assert.throws(() => pw.handles, /not started/);
		assert.match((await shared.client.get(`/instances/${id}/channels/serial0/output`)).text, /^(Hello\r\n)*$/);
	});

	test(`a DELETE ends it, and removes what is emud's alone (${type})`, async () => {
		const id = `deleted-${type}`;
		const pw = await yard.start(id, { type });
		writeFileSync(path.join(pw.directory, 'notes.txt'), 'mine');
		writeFileSync(path.join(pw.directory, 'serial0.out'), 'mine too');
		const before = foreignContent(pw);
		const { processes } = await adopt(shared.client, id, pw);
		await shared.client.delete(`/instances/${id}`);
		await untilGone(processes.qemu.pid, 'the emulator');
		assertNothingOfOurs(pw);
		const { 'handles.json': handles, 'qemu.pid': pid, ...rest } = before;
		assert.ok(handles && pid);
		assert.deepEqual({ ...foreignContent(pw), 'qemu.log': 0 }, { ...rest, 'qemu.log': 0 });
	});

	test(`an emulator that is killed leaves handles.json as pw emu wrote it (${type})`, async () => {
		const id = `killed-${type}`;
		const pw = await yard.start(id, { type });
		const before = foreignContent(pw);
		const { processes } = await adopt(shared.client, id, pw);
		process.kill(processes.qemu.pid, 'SIGKILL');
		const { state, exit } = await shared.client.waitFor(id, 'ended');
		assert.deepEqual([state, exit], ['exited', unknownExit('terminated')]);
		assert.deepEqual({ ...foreignContent(pw), 'qemu.log': 0 }, { ...before, 'qemu.log': 0 });
		await shared.client.delete(`/instances/${id}`);
		assertNothingOfOurs(pw);
	});

	test(`a shim that is killed leaves the emulator to pw emu, and it can be adopted anew (${type})`, async () => {
		const id = `supervised-${type}`;
		const pw = await yard.start(id, { type });
		const before = foreignContent(pw);
		const { processes } = await adopt(shared.client, id, pw);
		process.kill(findShim(ownDirectory(pw)), 'SIGKILL');
		const { state, exit } = await shared.client.waitFor(id, 'ended');
		assert.deepEqual([state, exit.reason], ['failed', 'supervisor_lost']);
		assert.match(exit.detail, /pw emu/);
		assert.ok(isAlive(processes.qemu.pid));
		assert.deepEqual({ ...foreignContent(pw), 'qemu.log': 0 }, { ...before, 'qemu.log': 0 });
		await shared.client.delete(`/instances/${id}`);
		assertNothingOfOurs(pw);
		assert.ok(isAlive(processes.qemu.pid));
		assert.equal((await adopt(shared.client, id, pw)).processes.qemu.pid, processes.qemu.pid);
		await shared.client.post(`/instances/${id}/reset`);
		await shared.client.waitForOutput(id, 'Hello\r\n');
	});
}

test('emud that is killed finds an adopted board again, and not a byte of its console is missing', async (t) => {
	const own = new PwEmuYard();
	const emud = await startEmud(t, own.options);
	t.after(() => own.clear());
	const client = emud.client();
	const pw = await own.start('found', { file: firmware('counter') });
	const { processes, channels } = await adopt(client, 'found', pw);
	await client.waitForOffset('found', 20);
	const shim = findShim(ownDirectory(pw));
	await emud.end('SIGKILL');
	await emud.start();
	const again = emud.client();
	const { json } = await again.get('/instances/found');
	assert.deepEqual([json.state, json.adopted, json.start_number], ['running', true, 1]);
	assert.deepEqual([json.processes, json.channels], [processes, channels]);
	assert.equal(findShim(ownDirectory(pw)), shim);
	const offset = await again.nextOffset('found');
	await again.waitForOffset('found', offset + 20);
	const lines = (await again.get('/instances/found/channels/serial0/output')).text.split('\r\n').slice(1, -1).map(Number);
	assert.deepEqual(lines, lines.map((_, index) => lines[0] + index));
	assert.equal(await pw.propGet('/machine', 'type'), 'lm3s6965evb-machine');
	client.close();
});

test('emud that is killed with its shim tells that the supervisor is lost, and lets the emulator be', async (t) => {
	const own = new PwEmuYard();
	const emud = await startEmud(t, own.options);
	t.after(() => own.clear());
	const pw = await own.start('lost');
	const before = foreignContent(pw);
	const { processes } = await adopt(emud.client(), 'lost', pw);
	const shim = findShim(ownDirectory(pw));
	await emud.end('SIGKILL');
	process.kill(shim, 'SIGKILL');
	await untilGone(shim, 'the shim');
	await emud.start();
	const { json } = await emud.client().get('/instances/lost');
	assert.deepEqual([json.state, json.exit.reason], ['failed', 'supervisor_lost']);
	assert.ok(isAlive(processes.qemu.pid));
	assert.deepEqual({ ...foreignContent(pw), 'qemu.log': 0 }, { ...before, 'qemu.log': 0 });
});

test('what ends while emud is away is told by the next one', async (t) => {
	const own = new PwEmuYard();
	const emud = await startEmud(t, own.options);
	t.after(() => own.clear());
	const pw = await own.start('away');
	await adopt(emud.client(), 'away', pw);
	await emud.end('SIGKILL');
	await pw.stop();
	await untilShimGone(ownDirectory(pw));
	await emud.start();
	const { json } = await emud.client().get('/instances/away');
	assert.deepEqual([json.state, json.exit], ['exited', unknownExit('terminated')]);
	await emud.client().delete('/instances/away');
	assertNothingOfOurs(pw);
});

test('an adoption that fails leaves the emulator as it was, and can be tried again', async () => {
	const pw = await yard.start('held-qmp');
	const before = foreignContent(pw);
	const qmp = await connectQmp(pw.handles.channels.qmp);
	const spec = { json: { path: pw.directory } };
	const problem = await shared.client.refused(502, 'start_failed', 'PUT', '/instances/held-qmp', spec);
	assert.match(problem.detail, /pw emu/);
	assert.equal((await shared.client.get('/instances/held-qmp')).json.state, 'failed');
	assert.deepEqual({ ...foreignContent(pw), 'qemu.log': 0 }, { ...before, 'qemu.log': 0 });
	qmp.close();
	await shared.client.delete('/instances/held-qmp');
	assert.equal((await adopt(shared.client, 'held-qmp', pw)).state, 'running');
});

test('pw emu restarts its emulator: the old one has ended, and the new one can be adopted', async () => {
	const pw = await yard.start('renewed');
	await adopt(shared.client, 'renewed', pw);
	await pw.stop();
	const renewed = await startAsPwEmu(pw.directory, { file: firmware('hello') });
	yard.started.push(renewed);
	const handles = renewed.handles;
	await shared.client.waitFor('renewed', 'ended');
	await untilShimGone(ownDirectory(pw));
	assert.deepEqual(renewed.handles, handles);
	await shared.client.delete('/instances/renewed');
	assert.deepEqual(renewed.handles, handles);
	assert.deepEqual((await adopt(shared.client, 'renewed', renewed)).processes, handles.procs);
});

test('with tokens there are no endpoints of ours, nor is one told that is taken', async (t) => {
	const own = new PwEmuYard();
	const emud = await startEmud(t, { ...own.options, tokens: 'alice secret-secret-secret\n' });
	t.after(() => own.clear());
	const client = emud.client({ token: 'secret-secret-secret' });
	const pw = await own.start('closed');
	const original = pw.handles;
	const { channels } = await adopt(client, 'closed', pw);
	for (const channel of Object.values(channels)) assert.deepEqual(Object.keys(channel).sort(), ['kind', 'type']);
	const { serial0, ...others } = original.channels;
	assert.ok(serial0);
	assert.deepEqual(pw.handles.channels, others);
	await client.post('/instances/closed/reset');
	await client.waitForOutput('closed', 'Hello\r\n');
	client.close();
});
