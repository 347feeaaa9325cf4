// Shims, emulators and helpers that are killed by others: what becomes of the rest, and what the instance says.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { startEmud } from '../lib/emud.mjs';
import { SEMIHOSTING } from '../lib/firmware.mjs';
import { assertNumbered } from '../lib/numbered.mjs';
import { isAlive } from '../lib/processes.mjs';
import { daemonizing, findGrandchild, findShim, untilGone, untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

/** A helper that does not hear SIGTERM. */
const DEAF = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'];

const TARGETS = {
	daemonizing: makeBoard({}, { 'pre-start-cmds': { helper: daemonizing() } }),
	pty: makeBoard({ channels: { type: 'pty', chardevs: { serial0: { id: 'serial0' } } } }),
};

/** Everything of the instance is gone but what tells of it. @param {any} instance @param {number[]} pids */
async function checkAllGone(instance, pids) {
	for (const pid of pids) await untilGone(pid, 'a process of a killed shim');
	assert.deepEqual(new StateDir(instance).remains(), []);
}

/** @param {any} t @param {string} target */
async function startWithShim(t, target) {
	const emud = await startEmud(t, { targets: TARGETS });
	const client = emud.client();
	t.after(() => client.close());
	const instance = await client.startBoard('board', 'counter', { target });
	await client.waitForOffset('board', 20);
	return { emud, client, instance, shim: findShim(instance) };
}

/** @param {any} instance */
function assertLost(instance) {
	assert.deepEqual([instance.state, instance.exit.reason], ['failed', 'supervisor_lost']);
	assert.deepEqual(instance.processes, {});
}

test('a killed shim takes emulator, helpers and a daemonized grandchild with it', async (t) => {
	const { client, instance, shim } = await startWithShim(t, 'daemonizing');
	const grandchild = await findGrandchild(instance);
	process.kill(shim, 'SIGKILL');
	assertLost(await client.waitFor('board', 'ended'));
	await checkAllGone(instance, [grandchild, instance.processes.qemu.pid, instance.processes.helper.pid]);
	const { body } = await client.get('/instances/board/channels/serial0/output');
	assert.ok(body.length >= 20);
	assertNumbered(body);
});

test('a shim killed while emud is dead takes all with it, at the latest when emud is back', async (t) => {
	const { emud, client, instance, shim } = await startWithShim(t, 'daemonizing');
	const grandchild = await findGrandchild(instance);
	await emud.end('SIGKILL');
	process.kill(shim, 'SIGKILL');
	await untilGone(instance.processes.qemu.pid, 'the emulator of a killed shim');
	await emud.start();
	const { json } = await client.get('/instances/board');
	assertLost(json);
	await checkAllGone(instance, [grandchild, instance.processes.helper.pid]);
});

test('an instance whose shim was killed starts again', async (t) => {
	const { client, shim, instance } = await startWithShim(t, 'pty');
	assert.ok(new StateDir(instance).remains().includes('serial0'));
	process.kill(shim, 'SIGKILL');
	assertLost(await client.waitFor('board', 'ended'));
	await checkAllGone(instance, [instance.processes.qemu.pid]);
	const { json } = await client.post('/instances/board/start');
	assert.deepEqual([json.state, json.start_number, json.exit], ['running', 2, null]);
	await client.waitForOutput('board', '10\r\n');
});

test('a shim that is killed while it stops leaves nothing', async (t) => {
	const emud = await startEmud(t, { targets: { stubborn: makeBoard({}, { 'pre-start-cmds': { helper: DEAF } }) } });
	const client = emud.client();
	const instance = await client.startBoard('board', 'hello', { target: 'stubborn' });
	const stopped = client.post('/instances/board/stop');
	await untilGone(instance.processes.qemu.pid, 'the emulator to stop');
	process.kill(findShim(instance), 'SIGKILL');
	const { json } = await stopped;
	assert.equal(json.state, 'failed');
	await checkAllGone(instance, [instance.processes.helper.pid]);
	client.close();
});

test('a killed emulator has crashed, with signal and last words', async (t) => {
	const { client, instance } = await startWithShim(t, 'daemonizing');
	const grandchild = await findGrandchild(instance);
	process.kill(instance.processes.qemu.pid, 'SIGKILL');
	const { state, exit, ended_at: endedAt } = await client.waitFor('board', 'ended');
	assert.deepEqual([state, exit.reason, exit.signal, exit.code], ['failed', 'crashed', 'SIGKILL', null]);
	assert.match(exit.detail, /qemu-system-arm/);
	assert.ok(Date.parse(endedAt) > 0);
	await checkAllGone(instance, [grandchild, instance.processes.helper.pid]);
});

test('an emulator told to end from outside is terminated, and its helpers end too', async (t) => {
	const { client, instance } = await startWithShim(t, 'daemonizing');
	process.kill(instance.processes.qemu.pid, 'SIGTERM');
	const { state, exit } = await client.waitFor('board', 'ended');
	assert.deepEqual([state, exit.reason, exit.code], ['exited', 'terminated', 0]);
	await checkAllGone(instance, [instance.processes.helper.pid]);
});

test('a shim told to end ends its board in order', async (t) => {
	const { client, instance, shim } = await startWithShim(t, 'daemonizing');
	process.kill(shim, 'SIGTERM');
	const { state } = await client.waitFor('board', 'ended');
	assert.equal(state, 'exited');
	await checkAllGone(instance, [instance.processes.qemu.pid, instance.processes.helper.pid]);
});

test('when a board ended is told, whenever emud learns of it', async (t) => {
	const { emud, client, instance } = await startWithShim(t, 'board');
	await emud.end('SIGKILL');
	process.kill(instance.processes.qemu.pid, 'SIGTERM');
	await untilShimGone(instance);
	const endedBefore = Date.now();
	await emud.start();
	const { json } = await client.get('/instances/board');
	assert.ok(Date.parse(json.ended_at) <= endedBefore, `${json.ended_at} is when emud came back`);
});

/** A process of nobody's concern. @param {any} t */
function startInnocent(t) {
	const innocent = spawn('sleep', ['600'], { stdio: 'ignore' });
	t.after(() => innocent.kill('SIGKILL'));
	return Number(innocent.pid);
}

/** Lets every record of the instance name another process. @param {any} instance @param {number} pid */
function recordPid(instance, pid) {
	const directory = new StateDir(instance);
	const handles = directory.json('handles.json');
	for (const process of Object.values(handles.procs)) process.pid = pid;
	writeFileSync(directory.file('handles.json'), JSON.stringify(handles));
	for (const name of directory.names().filter((file) => file.endsWith('.pid'))) writeFileSync(directory.file(name), `${pid}`);
}

test('a pid that was reused is never signalled', async (t) => {
	const { emud, client, instance, shim } = await startWithShim(t, 'daemonizing');
	const innocent = startInnocent(t);
	await emud.end('SIGKILL');
	process.kill(shim, 'SIGKILL');
	await untilGone(instance.processes.qemu.pid, 'the emulator of a killed shim');
	recordPid(instance, innocent);
	await emud.start();
	assertLost((await client.get('/instances/board')).json);
	assert.ok(isAlive(innocent), 'emud has ended it on its return');
	const again = (await client.post('/instances/board/start')).json;
	recordPid(again, innocent);
	await client.post('/instances/board/stop');
	await client.delete('/instances/board');
	assert.ok(isAlive(innocent), 'stop and delete have ended it');
});

test('a board that ends by itself takes its helpers with it', async (t) => {
	const { client } = await startWithShim(t, 'daemonizing');
	const instance = await client.startBoard('exiting', 'exit', { target: 'daemonizing', args: SEMIHOSTING, paused: true });
	const grandchild = await findGrandchild(instance);
	await client.request('POST', '/instances/exiting/resume');
	const { exit } = await client.waitFor('exiting', 'ended');
	assert.deepEqual([exit.reason, exit.code], ['guest_exit', 3]);
	await checkAllGone(instance, [grandchild, instance.processes.helper.pid]);
});
