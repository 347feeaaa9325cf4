import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { SEMIHOSTING, firmware } from '../lib/firmware.mjs';
import { isAlive } from '../lib/processes.mjs';
import { until } from '../lib/deadline.mjs';

const shared = shareEmud();

const act = (/** @type {string} */ id, /** @type {string} */ action, options = {}) =>
	shared.client.post(`/instances/${id}/${action}`, options).then(({ json }) => json);

test('stop ends every process and says it was asked for', async () => {
	const { processes } = await shared.client.startBoard('stopped', 'hello');
	const instance = await act('stopped', 'stop');
	assert.equal(instance.state, 'exited');
	assert.equal(instance.exit.reason, 'stopped');
	assert.ok(instance.ended_at >= instance.started_at);
	assert.deepEqual(instance.processes, {});
	assert.equal(isAlive(processes.qemu.pid), false);
});

test('actions repeated are no error', async () => {
	await shared.client.startBoard('repeated', 'hello');
	for (const [action, state] of [['resume', 'running'], ['pause', 'paused'], ['pause', 'paused'], ['resume', 'running'], ['stop', 'exited'], ['stop', 'exited']])
		assert.equal((await act('repeated', action)).state, state, action);
});

test('start of a running or paused instance is refused', async () => {
	await shared.client.startBoard('running', 'hello');
	await shared.client.refused(409, 'already_running', 'POST', '/instances/running/start');
	await act('running', 'pause');
	await shared.client.refused(409, 'already_running', 'POST', '/instances/running/start');
});

test('what needs a running instance is refused on one that has ended', async () => {
	await shared.client.startBoard('ended', 'hello');
	await act('ended', 'stop');
	for (const action of ['pause', 'resume', 'reset', 'restart'])
		await shared.client.refused(409, 'not_running', 'POST', `/instances/ended/${action}`);
	await shared.client.refused(409, 'not_running', 'POST', '/instances/ended/channels/serial0/input', { body: 'x' });
	await shared.client.refused(409, 'not_running', 'POST', '/instances/ended/gdb', { json: { commands: ['info registers'] } });
	await shared.client.refused(409, 'not_running', 'POST', '/instances/ended/load', { json: { file: firmware('hello') } });
	await shared.client.refused(409, 'not_running', 'GET', '/instances/ended/properties?path=/machine');
	await shared.client.refused(409, 'not_running', 'GET', '/instances/ended/usage');
});

test('a stopped instance starts again with a new start number and a fresh console', async () => {
	await shared.client.startBoard('again', 'hello');
	await shared.client.waitForOutput('again', 'Hello\r\n');
	await act('again', 'stop');
	const instance = await act('again', 'start');
	assert.equal(instance.start_number, 2);
	assert.equal(instance.exit, null);
	await shared.client.waitForOutput('again', 'Hello\r\n');
	const { text, headers } = await shared.client.get('/instances/again/channels/serial0/output');
	assert.equal(text, 'Hello\r\n');
	assert.equal(headers['emud-start-number'], '2');
});

test('start and restart take another file and args, which stay', async () => {
	await shared.client.startBoard('other-file', 'hello');
	const instance = await act('other-file', 'restart', { json: { file: firmware('echo'), args: ['-d', 'guest_errors'], paused: true } });
	assert.equal(instance.state, 'paused');
	assert.equal(instance.start_number, 2);
	assert.deepEqual(instance.file, { path: firmware('echo') });
	assert.deepEqual(instance.args, ['-d', 'guest_errors']);
	assert.deepEqual((await act('other-file', 'restart')).args, ['-d', 'guest_errors']);
});

test('pause holds the guest still and resume lets it go on', async () => {
	await shared.client.startBoard('held', 'counter');
	await shared.client.waitForOffset('held', 10);
	await act('held', 'pause');
	const held = await shared.client.nextOffset('held');
	const { json } = await shared.client.get('/instances/held');
	assert.equal(json.paused_by, 'user');
	assert.equal(await shared.client.nextOffset('held'), held);
	await act('held', 'resume');
	await shared.client.waitForOffset('held', held + 10);
});

test('reset begins the firmware anew in the same start, and offsets go on', async () => {
	await shared.client.startBoard('reset', 'hello');
	await shared.client.waitForOutput('reset', 'Hello\r\n');
	const instance = await act('reset', 'reset');
	assert.equal(instance.start_number, 1);
	await shared.client.waitForOutput('reset', 'Hello\r\nHello\r\n');
});

test('of two starts at once one wins', async () => {
	await shared.client.put('/instances/two-starts', { json: { target: 'board', file: firmware('hello'), start: false }, expect: 201 });
	const start = () => shared.client.request('POST', '/instances/two-starts/start');
	const replies = await Promise.all([start(), start()]);
	assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 409]);
	assert.equal((await shared.client.get('/instances/two-starts')).json.start_number, 1);
});

test('ten clients in any order of actions leave an instance that obeys', async () => {
	await shared.client.startBoard('crowd', 'hello');
	const actions = ['stop', 'start', 'pause', 'resume', 'reset', 'restart', 'pause', 'resume', 'stop', 'start'];
	const replies = await Promise.all(actions.map((action) => shared.client.request('POST', `/instances/crowd/${action}`)));
	for (const { status, json } of replies) {
		if (status === 200) continue;
		assert.equal(status, 409, JSON.stringify(json));
		assert.ok(['instance_busy', 'already_running', 'not_running'].includes(json.code), json.code);
	}
	await until(async () => !['starting', 'stopping'].includes((await shared.client.get('/instances/crowd')).json.state), 'crowd to settle');
	await act('crowd', 'stop');
	assert.equal((await act('crowd', 'start')).state, 'running');
	await shared.client.waitForOutput('crowd', 'Hello\r\n');
});

test('a firmware that ends at once is a success with its exit code', async () => {
	await shared.client.startBoard('exits', 'exit', { args: SEMIHOSTING });
	const instance = await shared.client.waitFor('exits', 'ended');
	assert.equal(instance.state, 'exited');
	assert.deepEqual({ ...instance.exit, detail: null }, { code: 3, signal: null, reason: 'guest_exit', detail: null });
});

test('a lockup is a crash, told with the emulator\'s last words', async () => {
	await shared.client.request('PUT', '/instances/locks-up', { json: { target: 'board', file: firmware('lockup') } });
	const instance = await shared.client.waitFor('locks-up', 'ended');
	assert.equal(instance.state, 'failed');
	assert.equal(instance.exit.reason, 'crashed');
	assert.equal(instance.exit.signal, 'SIGABRT');
	assert.match(instance.exit.detail, /lockup/i);
});

test('an emulator that is killed is a crash with its signal', async () => {
	const { processes } = await shared.client.startBoard('killed', 'hello');
	process.kill(processes.qemu.pid, 'SIGKILL');
	const instance = await shared.client.waitFor('killed', 'ended');
	assert.equal(instance.state, 'failed');
	assert.equal(instance.exit.reason, 'crashed');
	assert.equal(instance.exit.signal, 'SIGKILL');
});

test('an emulator that is told to end from outside is terminated', async () => {
	const { processes } = await shared.client.startBoard('terminated', 'hello');
	process.kill(processes.qemu.pid, 'SIGTERM');
	const instance = await shared.client.waitFor('terminated', 'ended');
	assert.equal(instance.exit.reason, 'terminated');
});

test('wait answers when the state comes', async () => {
	await shared.client.startBoard('awaited', 'hello');
	const paused = shared.client.waitFor('awaited', 'paused');
	await act('awaited', 'pause');
	assert.equal((await paused).state, 'paused');
	const ended = shared.client.waitFor('awaited', 'ended');
	await act('awaited', 'stop');
	assert.equal((await ended).state, 'exited');
});

test('wait says when its time is up, or the state can no longer come', async () => {
	await shared.client.startBoard('not-awaited', 'hello');
	await shared.client.refused(504, 'timeout', 'GET', '/instances/not-awaited/wait?for=ended&timeout=0.1');
	await act('not-awaited', 'stop');
	await shared.client.refused(409, 'ended', 'GET', '/instances/not-awaited/wait?for=running&timeout=5');
	await act('not-awaited', 'start');
	const { status } = await shared.client.request('GET', '/instances/not-awaited/wait?for=paused&start_number=1&timeout=5');
	assert.equal(status, 409);
});

test('a wait ends when the instance is deleted', async () => {
	await shared.client.startBoard('deleted-while-awaited', 'hello');
	const wait = shared.client.request('GET', '/instances/deleted-while-awaited/wait?for=paused&timeout=15');
	await shared.client.delete('/instances/deleted-while-awaited');
	assert.ok([404, 409, 410].includes((await wait).status));
});

test('usage tells time, memory and disk', async () => {
	await shared.client.startBoard('used', 'flood');
	const first = (await shared.client.get('/instances/used/usage')).json;
	assert.ok(first.rss_bytes > 1 << 20);
	assert.ok(first.disk_bytes > 0);
	await until(async () => (await shared.client.get('/instances/used/usage')).json.cpu_seconds > first.cpu_seconds, 'CPU time to be used');
});

test('logs hold what the emulator and its helpers said', async () => {
	await shared.client.startBoard('logged', 'hello', { target: 'board-helper' });
	await until(async () => (await shared.client.get('/instances/logged/logs/helper')).text === 'helper says hello\n', 'the helper to speak');
	const { json } = await shared.client.get('/instances/logged/logs');
	const names = json.logs.map(({ process }) => process);
	assert.ok(names.includes('qemu') && names.includes('helper'), `${names}`);
	await shared.client.refused(404, 'not_found', 'GET', '/instances/logged/logs/nobody');
	assert.notEqual((await shared.client.request('GET', '/instances/logged/logs/..%2fspec.json')).status, 200);
});

test('a followed log ends with the instance', async () => {
	await shared.client.startBoard('log-followed', 'hello', { target: 'board-helper' });
	const log = await shared.client.follow('/instances/log-followed/logs/helper?follow=true');
	await log.until('helper says hello\n');
	await act('log-followed', 'stop');
	assert.equal(await log.untilEnd(), 'end');
});

test('helpers are stopped with the instance', async () => {
	const { processes } = await shared.client.startBoard('helped', 'hello', { target: 'board-helper' });
	assert.ok(isAlive(processes.helper.pid));
	await act('helped', 'stop');
	assert.equal(isAlive(processes.helper.pid), false);
});
