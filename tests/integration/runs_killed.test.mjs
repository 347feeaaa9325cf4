// kill -9 of emud, and its orderly end, at every stage of a run: a detached one goes on to its verdict, any other is canceled.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { openChannel } from '../lib/qmp.mjs';
import { expectNothingLeft, keptFolders } from '../lib/run_remains.mjs';
import { beginRun, boardOf, untilEnded, untilPrinted, withQuery } from '../lib/runs.mjs';
import { exit, print, read, script } from '../lib/script.mjs';
import { findShim, untilGone, untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

const SIGNALS = /** @type {NodeJS.Signals[]} */ (['SIGKILL', 'SIGTERM']);

/** Prints, and passes once it is told to. */
const WAITING = script([print('ready\r\n'), read(1), print('PASSED\r\n')]);
const AT_ONCE = script([print('PASSED\r\n')]);
const PASS = { pass: 'PASSED' };

/** @param {any} run */
const brief = ({ state, verdict, reason }) => ({ state, verdict, reason });
const PASSED = { state: 'ended', verdict: 'passed', reason: 'pass_pattern' };
const RESTARTED = { state: 'ended', verdict: 'canceled', reason: 'emud_restarted' };

/** @param {any} t @param {import('../lib/emud.mjs').EmudOptions} [options] */
async function start(t, options) {
	const emud = await startEmud(t, options);
	const client = emud.client();
	t.after(() => client.close());
	return { emud, client };
}

/**
 * A run whose client waits for it until emud ends. Its id.
 * @param {import('../lib/client.mjs').Client} client
 * @param {Buffer} elf
 * @param {import('../lib/runs.mjs').Parameters} [parameters]
 */
async function beginAttached(client, elf, parameters = {}) {
	const newest = async () => (await client.get('/runs?limit=1')).json.runs[0]?.id;
	const before = await newest();
	const request = client.send('POST', withQuery({ target: 'board', stream: true, ...parameters }), { body: elf });
	request.on('error', () => {});
	request.on('response', (response) => response.on('error', () => {}).resume());
	return until(async () => {
		const id = await newest();
		return id !== before && id;
	}, 'the run to be there');
}

/** What its console is sent while no emud is there. @param {any} board @param {string} text */
async function type(board, text) {
	const raw = await openChannel(board.channels.serial0);
	raw.send(text);
	return raw;
}

/** @param {any} board @param {string} text */
const untilWritten = (board, text) =>
	until(() => readFileSync(new StateDir(board).file('serial0.out'), 'latin1').includes(text), `${JSON.stringify(text)} to be in the file`);

for (const signal of SIGNALS) {
	test(`runs in the queue outlive a ${signal} if they are detached, and keep their order`, async (t) => {
		const { emud, client } = await start(t, { server: { limits: { running_instances: 1 } } });
		await client.startBoard('occupant', 'hello');
		const first = await beginRun(client, AT_ONCE, PASS);
		const attached = await beginAttached(client, AT_ONCE, PASS);
		const second = await beginRun(client, AT_ONCE, PASS);
		assert.equal(second.queue_position, 3);
		await emud.end(signal);
		await emud.start();
		assert.deepEqual(brief(await untilEnded(client, attached)), RESTARTED);
		const places = await Promise.all([first, second].map(async ({ id }) => (await client.get(`/runs/${id}`)).json.queue_position));
		assert.deepEqual(places, [1, 2]);
		await client.delete('/instances/occupant');
		const runs = [await untilEnded(client, first.id), await untilEnded(client, second.id)];
		for (const run of runs) assert.deepEqual(brief(run), PASSED, JSON.stringify(run));
		assert.ok(runs[0].started_at <= runs[1].started_at);
		await expectNothingLeft(emud, client);
	});

	test(`a run that was just asked for outlives a ${signal}`, async (t) => {
		const { emud, client } = await start(t);
		for (let round = 0; round < 5; round++) {
			const { id } = await beginRun(client, AT_ONCE, PASS);
			await emud.end(signal);
			await emud.start();
			const run = await untilEnded(client, id);
			assert.deepEqual(brief(run), PASSED);
			assert.equal(run.output.toString(), 'PASSED\r\n');
		}
		await expectNothingLeft(emud, client);
	});

	test(`what a run has printed is there at once after a ${signal}, before its patterns are`, async (t) => {
		const { emud, client } = await start(t);
		/* Long enough to compile for the question to come before they are. */
		const slow = Array.from({ length: 40 }, (_, index) => `(?:never${index}[a-z]{1,90}){1,90}`);
		const { id } = await beginRun(client, WAITING, { ...PASS, fail: slow });
		const board = await boardOf(client, id);
		await untilPrinted(client, id, 'ready\r\n');
		await emud.end(signal);
		await emud.start();
		assert.equal((await client.get(`/runs/${id}/output?offset=2`)).body.toString(), 'ady\r\n');
		const raw = await type(board, '!');
		assert.deepEqual(brief(await untilEnded(client, id)), PASSED);
		raw.close();
		await expectNothingLeft(emud, client);
	});

	test(`what a board prints while emud is dead by ${signal} decides its run`, async (t) => {
		const { emud, client } = await start(t);
		const { id } = await beginRun(client, WAITING, PASS);
		const attached = await beginAttached(client, WAITING, PASS);
		const board = await boardOf(client, id);
		const other = await boardOf(client, attached);
		await Promise.all([id, attached].map((each) => untilPrinted(client, each, 'ready\r\n')));
		await emud.end(signal);
		const raw = [await type(board, '!'), await type(other, '!')];
		await Promise.all([board, other].map((each) => untilWritten(each, 'PASSED\r\n')));
		raw.forEach((each) => each.close());
		await emud.start();
		const run = await untilEnded(client, id);
		assert.deepEqual(brief(run), PASSED);
		assert.equal(run.matched.start, 'ready\r\n'.length);
		assert.equal(run.output.toString(), 'ready\r\nPASSED\r\n');
		assert.deepEqual(brief(await untilEnded(client, attached)), RESTARTED);
		assert.match((await client.get(`/runs/${attached}/output`)).text, /^ready\r\n/);
		await expectNothingLeft(emud, client);
	});

	test(`a run goes on after a ${signal} as if nothing had been`, async (t) => {
		const { emud, client } = await start(t);
		const { id } = await beginRun(client, WAITING, PASS);
		const board = await boardOf(client, id);
		await untilPrinted(client, id, 'ready\r\n');
		for (let round = 0; round < 3; round++) {
			await emud.end(signal);
			await emud.start();
			const { json } = await client.get(`/runs/${id}`);
			assert.deepEqual([json.state, json.instance, json.detach], ['running', board.id, true]);
		}
		assert.deepEqual((await client.get(`/instances/${board.id}`)).json.processes, board.processes);
		await client.post(`/instances/${board.id}/channels/serial0/input`, { body: '!' });
		assert.deepEqual(brief(await untilEnded(client, id)), PASSED);
		await expectNothingLeft(emud, client);
	});
}

test('boards that ended while emud was dead give their runs the verdict of their end', async (t) => {
	const { emud, client } = await start(t);
	const exiting = script([print('ready\r\n'), read(1), exit(3)]);
	const runs = [];
	for (const [elf, parameters] of /** @type {[Buffer, import('../lib/runs.mjs').Parameters][]} */ ([[exiting, {}], [WAITING, PASS], [WAITING, PASS]])) {
		const { id } = await beginRun(client, elf, parameters);
		const board = await boardOf(client, id);
		await untilPrinted(client, id, 'ready\r\n');
		runs.push({ id, board });
	}
	const [exited, crashed, terminated] = runs;
	await emud.end('SIGKILL');
	(await type(exited.board, '!')).close();
	process.kill(crashed.board.processes.qemu.pid, 'SIGKILL');
	process.kill(terminated.board.processes.qemu.pid, 'SIGTERM');
	await Promise.all(runs.map(({ board }) => untilShimGone(board)));
	await emud.start();
	const [failed, dead, stopped] = await Promise.all(runs.map(({ id }) => untilEnded(client, id)));
	assert.deepEqual([failed.verdict, failed.reason, failed.exit.code], ['failed', 'guest_exit', 3]);
	assert.deepEqual([dead.verdict, dead.reason, dead.exit.signal], ['crashed', 'crashed', 'SIGKILL']);
	assert.deepEqual([stopped.verdict, stopped.reason, stopped.exit.reason], ['canceled', 'stopped', 'terminated']);
	for (const { output } of [failed, dead, stopped]) assert.equal(output.toString(), 'ready\r\n');
	await expectNothingLeft(emud, client);
});

test('the time that emud was dead counts', async (t) => {
	const { emud, client } = await start(t);
	const late = await beginRun(client, WAITING, { ...PASS, timeout: 1.5 });
	const idle = await beginRun(client, WAITING, { ...PASS, idle_timeout: 1.5 });
	const intime = await beginRun(client, WAITING, { ...PASS, timeout: 1.5 });
	for (const { id } of [late, idle, intime]) await untilPrinted(client, id, 'ready\r\n');
	const board = await boardOf(client, intime.id);
	const began = Date.parse((await client.get(`/runs/${intime.id}`)).json.started_at);
	await emud.end('SIGKILL');
	(await type(board, '!')).close();
	await untilWritten(board, 'PASSED\r\n');
	await until(() => Date.now() - began > 2000, 'more than the time they had');
	await emud.start();
	const back = Date.now();
	const timedOut = await untilEnded(client, late.id);
	assert.deepEqual([timedOut.verdict, timedOut.reason], ['timed_out', 'timeout']);
	assert.deepEqual(brief(await untilEnded(client, intime.id)), PASSED);
	assert.ok(Date.now() - back < 1000, 'none of the time begins anew');
	const silent = await untilEnded(client, idle.id);
	assert.deepEqual([silent.verdict, silent.reason], ['timed_out', 'idle_timeout']);
	await expectNothingLeft(emud, client);
});

test('a step of the input that was sent is not sent again', async (t) => {
	const { emud, client } = await start(t);
	const input = [{ send: 'one\r' }, { expect: 'one', send: 'two\r' }, { expect: 'GO', send: 'three\r' }, { expect: 'three', send: 'END\r' }];
	const { json } = await client.post('/runs', { json: { target: 'board', file: firmware('echo'), input, pass: ['END'], detach: true }, expect: 202 });
	const board = await boardOf(client, json.id);
	await untilPrinted(client, json.id, 'two\r');
	for (const signal of SIGNALS) {
		await emud.end(signal);
		await emud.start();
	}
	await emud.end('SIGKILL');
	const raw = await type(board, 'GO');
	await untilWritten(board, 'GO');
	raw.close();
	await emud.start();
	const run = await untilEnded(client, json.id);
	assert.deepEqual(brief(run), PASSED);
	assert.equal(run.output.toString(), 'one\rtwo\rGOthree\rEND\r');
	await expectNothingLeft(emud, client);
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

/** Runs whose board is starting, and an emud that is dead. @param {any} t @param {NodeJS.Signals} signal */
async function interruptStart(t, signal) {
	const { emud, client } = await start(t);
	const slow = makeSlowTarget(emud);
	await client.post('/config/reload');
	const detached = (await beginRun(client, AT_ONCE, { ...PASS, target: 'slow' })).id;
	const attached = await beginAttached(client, AT_ONCE, { ...PASS, target: 'slow' });
	const boards = await Promise.all([detached, attached].map((id) => until(async () => {
		const { json } = await client.get(`/instances?label=emud.run:${id}`);
		return json.instances[0]?.state === 'starting' && new StateDir(json.instances[0]).has('qemu.pid') && json.instances[0];
	}, 'the board to be starting')));
	await emud.end(signal);
	return { emud, client, slow, detached, attached, boards };
}

for (const signal of SIGNALS)
	test(`a board that was starting when emud ended by ${signal} goes on in its shim`, async (t) => {
		const { emud, client, detached, attached, boards } = await interruptStart(t, signal);
		await emud.start();
		assert.equal((await client.get(`/runs/${detached}`)).json.state, 'running');
		assert.deepEqual(brief(await untilEnded(client, attached)), RESTARTED);
		await until(async () => (await client.request('GET', `/instances/${boards[1].id}`)).status === 404, 'the board of the canceled run to go');
		assert.equal((await client.get(`/instances/${boards[0].id}`)).json.state, 'starting');
		const { json } = await client.delete(`/runs/${detached}`, { expect: 200 });
		assert.equal(json.verdict, 'canceled');
		await expectNothingLeft(emud, client);
	});

test('a board whose shim died with emud while it was starting is begun again', async (t) => {
	const { emud, client, slow, detached, attached, boards } = await interruptStart(t, 'SIGKILL');
	for (const board of boards) {
		const pid = new StateDir(board).pid('qemu');
		process.kill(findShim(board), 'SIGKILL');
		await untilGone(pid, 'the emulator of a killed shim');
	}
	slow.beginToWork();
	await emud.start();
	const run = await untilEnded(client, detached);
	assert.deepEqual(brief(run), PASSED);
	assert.equal(run.output.toString(), 'PASSED\r\n');
	assert.deepEqual(brief(await untilEnded(client, attached)), RESTARTED);
	await expectNothingLeft(emud, client);
});

test('emud and all shims killed: a board that ran has lost its supervisor, one that waited goes on', async (t) => {
	const { emud, client } = await start(t, { server: { limits: { running_instances: 2 } } });
	const running = await beginRun(client, WAITING, PASS);
	const attached = await beginAttached(client, WAITING, PASS);
	const boards = [await boardOf(client, running.id), await boardOf(client, attached)];
	await untilPrinted(client, running.id, 'ready\r\n');
	const waiting = await beginRun(client, AT_ONCE, PASS);
	const shims = boards.map(findShim);
	await emud.end('SIGKILL');
	for (const pid of shims) process.kill(pid, 'SIGKILL');
	for (const { processes } of boards) await untilGone(processes.qemu.pid, 'the emulator of a killed shim');
	await emud.start();
	const lost = await untilEnded(client, running.id);
	assert.deepEqual([lost.verdict, lost.reason, lost.output.toString()], ['crashed', 'supervisor_lost', 'ready\r\n'], JSON.stringify(lost));
	assert.deepEqual(brief(await untilEnded(client, attached)), RESTARTED);
	assert.deepEqual(brief(await untilEnded(client, waiting.id)), PASSED);
	await expectNothingLeft(emud, client);
});

const STUBBORN = { stubborn: makeBoard({}, { 'pre-start-cmds': { helper: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] } }) };

for (const signal of SIGNALS)
	test(`a ${signal} between the verdict and the board's end changes no verdict and leaves no board`, async (t) => {
		const { emud, client } = await start(t, { targets: STUBBORN, server: { limits: { stop_timeout: 0.7 } } });
		const { id } = await beginRun(client, AT_ONCE, { ...PASS, target: 'stubborn' });
		const { json: passed } = await client.post(withQuery({ ...PASS, target: 'stubborn' }), { body: AT_ONCE, headers: { accept: 'application/json' } });
		const before = await untilEnded(client, id);
		assert.equal((await client.get(`/instances/${before.instance}`)).json.state, 'stopping');
		await emud.end(signal);
		await emud.start();
		await expectNothingLeft(emud, client);
		for (const { id: each, verdict, reason, ended_at: ended } of [before, passed]) {
			const { json } = await client.get(`/runs/${each}`);
			assert.deepEqual([json.verdict, json.reason, json.ended_at, json.instance], [verdict, reason, ended, null]);
		}
		assert.equal((await client.get(`/runs/${id}/output`)).text, 'PASSED\r\n');
		const { json } = await client.get('/events?type=run.state&limit=1000');
		assert.equal(json.events.filter((/** @type {any} */ { data }) => data.state === 'ended').length, 2, 'each ends once');
	});

test('what lies in runs/ and belongs to no run goes, and nothing that is linked there', async (t) => {
	const { emud, client } = await start(t);
	const { id } = await beginRun(client, AT_ONCE, PASS);
	await untilEnded(client, id);
	await expectNothingLeft(emud, client);
	await emud.end('SIGKILL');
	const runs = path.join(emud.stateDir, 'runs');
	const outside = path.join(emud.directory, 'outside');
	mkdirSync(outside);
	writeFileSync(path.join(outside, 'kept'), 'kept');
	mkdirSync(path.join(runs, '4711/deep/er'), { recursive: true });
	writeFileSync(path.join(runs, '4711/output'), 'half');
	symlinkSync(outside, path.join(runs, '4711/deep/link'));
	symlinkSync(outside, path.join(runs, '4712'));
	writeFileSync(path.join(runs, '4713'), 'a file');
	await emud.start();
	assert.deepEqual(keptFolders(emud), [id]);
	assert.ok(existsSync(path.join(outside, 'kept')));
	assert.equal((await client.get(`/runs/${id}/output`)).text, 'PASSED\r\n');
});
