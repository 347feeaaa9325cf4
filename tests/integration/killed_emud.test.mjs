// kill -9 of emud: boards run on, and the next emud goes on where the last one was.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { Churner, makeRandom } from '../lib/churn.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { SEMIHOSTING, firmware } from '../lib/firmware.mjs';
import { assertNumbered } from '../lib/numbered.mjs';
import { isAlive } from '../lib/processes.mjs';
import { findShim, untilGone, untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';
import { openStream, parseEvents } from '../lib/streams.mjs';
import { connectQmp } from '../lib/qmp.mjs';

const output = (/** @type {string} */ id, query = '') => `/instances/${id}/channels/serial0/output${query}`;

/** Whatever it was doing: one state of those that last, which obeys. @param {Churner} churner */
async function checkRecovered({ client, id, known }) {
	const { status, json } = await client.request('GET', `/instances/${id}`);
	if (status === 404) {
		assert.ok(known !== 'running' && known !== 'ended', `${id} was ${known} and is gone`);
		return 'absent';
	}
	const state = json.state;
	if (known === 'absent') assert.fail(`${id} was deleted and is ${state}`);
	if (known === 'running') assert.equal(state, 'running', `${id}: ${JSON.stringify(json)}`);
	if (known === 'ended') assert.equal(state, 'exited', `${id}: ${JSON.stringify(json)}`);
	const settled = await until(async () => {
		const now = (await client.request('GET', `/instances/${id}`)).json;
		return !['starting', 'stopping'].includes(now.state) && now;
	}, `${id}, which was ${state}, to settle`);
	if (settled.code === 'not_found') return 'absent';
	assert.ok(['created', 'running', 'exited'].includes(settled.state), `${id}: ${JSON.stringify(settled)}`);
	return settled.state === 'running' ? 'running' : 'ended';
}

test('killed at random moments under load, it loses no instance and no byte, and leaves nothing half-done', async (t) => {
	const seed = Date.now() & 0xffffffff;
	t.diagnostic(`seed ${seed}`);
	const random = makeRandom(seed);
	const emud = await startEmud(t);
	const client = emud.client();
	const flooding = await client.startBoard('flooding', 'flood');
	const counting = await client.startBoard('counting', 'counter');
	const churners = [0, 1, 2].map((number) => new Churner(client, `churn-${number}`, makeRandom(seed + number)));
	let read = 0;
	for (let round = 0; round < 10; round++) {
		churners.forEach((churner) => churner.begin());
		await new Promise((resolve) => setTimeout(resolve, random(250)));
		await emud.end('SIGKILL');
		await Promise.all(churners.map((churner) => churner.end()));
		await emud.start();
		for (const board of [flooding, counting]) {
			const { json } = await client.get(`/instances/${board.id}`);
			assert.deepEqual([json.state, json.start_number, json.processes], ['running', 1, board.processes]);
		}
		for (const churner of churners) churner.known = /** @type {any} */ (await checkRecovered(churner));
		const { body } = await client.get(output('flooding', `?offset=${read}&limit=2000000`));
		assertNumbered(body, read);
		read += body.length;
	}
	const { body } = await client.get(output('counting'));
	assertNumbered(body);
	assert.ok(churners.some(({ answers }) => answers > 0), 'no client got an answer in between');
	await client.post('/instances/flooding/stop');
	const whole = await client.get(output('flooding'));
	assertNumbered(whole.body);
	client.close();
});

test('boards that ended while it was dead are found with their exit codes', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const exiting = await client.startBoard('exiting', 'exit', { args: SEMIHOSTING, paused: true });
	const crashing = await client.startBoard('crashing', 'hello');
	const terminated = await client.startBoard('terminated', 'hello');
	await client.waitForOutput('terminated', 'Hello\r\n');
	await emud.end('SIGKILL');
	const qmp = await connectQmp(new StateDir(exiting).json('handles.json').channels.qmp);
	await qmp.run('cont').catch(() => {});
	process.kill(crashing.processes.qemu.pid, 'SIGKILL');
	process.kill(terminated.processes.qemu.pid, 'SIGTERM');
	await Promise.all([exiting, crashing, terminated].map(untilShimGone));
	qmp.close();
	await emud.start();
	const read = async (/** @type {string} */ id) => {
		const { json: { state, exit } } = await client.get(`/instances/${id}`);
		return { state, code: exit.code, signal: exit.signal, reason: exit.reason };
	};
	assert.deepEqual(await read('exiting'), { state: 'exited', code: 3, signal: null, reason: 'guest_exit' });
	assert.deepEqual(await read('crashing'), { state: 'failed', code: null, signal: 'SIGKILL', reason: 'crashed' });
	assert.deepEqual(await read('terminated'), { state: 'exited', code: 0, signal: null, reason: 'terminated' });
	assert.equal((await client.get(output('terminated'))).text, 'Hello\r\n');
	client.close();
});

test('clients reconnect at their offset, however they read', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('board', 'counter');
	const plain = await client.follow(output('board', '?follow=true'));
	const events = await client.follow(output('board', '?follow=true'), { headers: { accept: 'text/event-stream' } });
	const socket = await openStream(client, '/instances/board/channels/serial0/stream');
	await Promise.all([plain.untilLength(20), events.until('\n\n'), socket.untilLength(20)]);
	await emud.end('SIGKILL');
	await Promise.all([plain.untilEnd(), events.untilEnd(), socket.untilEnd()]);
	await emud.start();
	const seen = plain.bytes.length;
	const more = await client.follow(output('board', `?follow=true&offset=${seen}`));
	assertNumbered(Buffer.concat([plain.bytes, await more.untilLength(20)]));
	const position = (await socket.firstPosition()).offset + socket.bytes.length;
	const again = await openStream(client, `/instances/board/channels/serial0/stream?offset=${position}`);
	await again.untilLength(20);
	assert.deepEqual(await again.firstPosition(), { start_number: 1, offset: position });
	assertNumbered(Buffer.concat([socket.bytes, again.bytes]));
	const last = parseEvents(events.bytes.toString()).at(-1);
	const resumed = await client.follow(output('board', '?follow=true'), { headers: { accept: 'text/event-stream', 'last-event-id': last?.id ?? '' } });
	await resumed.wait(() => parseEvents(resumed.bytes.toString()).length, 'an event');
	const [first] = parseEvents(resumed.bytes.toString());
	assert.equal(`1:${first.data.offset}`, last?.id);
	assertNumbered(Buffer.from(first.data.base64, 'base64'), first.data.offset);
	more.close();
	resumed.close();
	await again.close();
	client.close();
});

/** A target whose QEMU does nothing until it is told to be one. @param {import('../lib/emud.mjs').Emud} emud */
function makeSlowTarget(emud) {
	const executable = `${emud.directory}/slow-qemu`;
	const write = (/** @type {string} */ text) => {
		writeFileSync(`${executable}.new`, `#!/bin/sh\n${text}\n`);
		chmodSync(`${executable}.new`, 0o755);
		renameSync(`${executable}.new`, executable);
	};
	emud.options.targets = { slow: makeBoard({ executable }) };
	emud.writeConfig(emud.options);
	write('exec sleep 600');
	return { beginToWork: () => write('exec qemu-system-arm "$@"') };
}

/** @param {any} t */
async function interruptStart(t) {
	const emud = await startEmud(t);
	const slow = makeSlowTarget(emud);
	const file = `${emud.directory}/firmware.elf`;
	copyFileSync(firmware('hello'), file);
	const client = emud.client();
	t.after(() => client.close());
	await client.post('/config/reload');
	const { json } = await client.put('/instances/board?wait=false', { json: { target: 'slow', file }, expect: 202 });
	assert.equal(json.state, 'starting');
	const shim = await until(() => findShim(json), 'the shim to run');
	await until(() => new StateDir(json).has('qemu.pid'), 'the emulator to be started');
	await emud.end('SIGKILL');
	return { emud, slow, client, shim, instance: json, file };
}

/** @param {{shim: number, instance: {path: string}}} start */
async function killShim({ shim, instance }) {
	const pid = new StateDir(instance).pid('qemu');
	process.kill(shim, 'SIGKILL');
	await untilGone(pid, 'the emulator of a killed shim');
}

test('a start that was under way goes on in its shim', async (t) => {
	const { emud, client, instance } = await interruptStart(t);
	await emud.start();
	const { json } = await client.get('/instances/board');
	assert.deepEqual([json.state, json.start_number], ['starting', 1]);
	await client.post('/instances/board/stop');
	await untilShimGone(instance);
	assert.deepEqual(new StateDir(instance).remains(), []);
});

test('a start whose shim died with it is begun again', async (t) => {
	const start = await interruptStart(t);
	await killShim(start);
	start.slow.beginToWork();
	await start.emud.start();
	const json = await start.client.waitFor('board', 'running');
	assert.equal(json.start_number, 1);
	await start.client.waitForOutput('board', 'Hello\r\n');
});

test('a start that cannot be begun again has failed', async (t) => {
	const start = await interruptStart(t);
	await killShim(start);
	unlinkSync(start.file);
	await start.emud.start();
	const json = await start.client.waitFor('board', 'ended');
	assert.deepEqual([json.state, json.exit.reason], ['failed', 'start_failed']);
	assert.ok(json.exit.detail.includes(start.file), json.exit.detail);
});

const STUBBORN = { stubborn: makeBoard({}, { 'pre-start-cmds': { helper: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] } }) };

test('a delete that was under way is finished, whether the board ends before it is back or after', async (t) => {
	const emud = await startEmud(t, { targets: STUBBORN, server: { limits: { stop_timeout: 0.7 } } });
	const client = emud.client();
	for (const endsFirst of [true, false]) {
		const instance = await client.startBoard('board', 'counter', { target: 'stubborn' });
		const deletion = client.exchange('DELETE', '/instances/board', {}).catch(() => null);
		await until(async () => (await client.get('/instances/board')).json.state === 'stopping', 'the delete to begin');
		await emud.end('SIGKILL');
		assert.equal(await deletion, null);
		assert.ok(existsSync(instance.path));
		if (endsFirst) await untilShimGone(instance);
		await emud.start();
		await until(async () => (await client.request('GET', '/instances/board')).status === 404, 'the delete to be finished');
		assert.ok(!existsSync(instance.path), 'the state directory is left');
		assert.equal(isAlive(instance.processes.helper.pid), false);
	}
	client.close();
});
