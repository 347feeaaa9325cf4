// No descriptors, no inotify instances, too many boards: what is answered, and that it passes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { connectQmp, openChannel } from '../lib/qmp.mjs';
import { StateDir } from '../lib/state_dir.mjs';

const pty = makeBoard({ channels: { type: 'pty', chardevs: { serial0: { id: 'serial0' } } } });
const spec = { target: 'board', file: firmware('hello') };

/** @param {number} pid @param {number | string} count */
function limitDescriptors(pid, count) {
	const { status, stderr } = spawnSync('prlimit', ['--pid', `${pid}`, `--nofile=${count}:`], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
}

const countDescriptors = (/** @type {number} */ pid) => readdirSync(`/proc/${pid}/fd`).length;

test('without descriptors a start is answered with 503, harms no board, and works when there are some again', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const pid = Number(emud.process?.pid);
	const running = await client.startBoard('running', 'counter');
	await client.put('/instances/board', { json: { ...spec, start: false }, expect: 201 });
	// From below what is open already up to what a start needs: each time another step is the one
	// that lacks some. An instance that was made keeps its state directory open: one descriptor.
	let reply;
	/** @type {[string, boolean][]} */
	const made = [];
	for (let limit = 3; ; limit += 2) {
		limitDescriptors(pid, limit);
		reply = await client.request('POST', '/instances/board/start');
		if (reply.status === 200) break;
		assert.deepEqual([reply.status, reply.json.code], [503, 'no_descriptors'], `${limit} descriptors: ${reply.text}`);
		assert.ok(Number(reply.headers['retry-after']) > 0);
		const other = await client.request('PUT', `/instances/new-${limit}`, { json: spec });
		assert.deepEqual([other.status, other.json.code], [503, 'no_descriptors'], `${limit} descriptors: ${other.text}`);
		made.push([`/instances/new-${limit}`, other.headers.location !== undefined]);
	}
	limitDescriptors(pid, 1024);
	for (const [path, isThere] of made)
		if (isThere) assert.equal((await client.get(path)).json.exit.reason, 'start_failed', path);
		else await client.refused(404, 'not_found', 'GET', path);
	assert.equal(reply.json.state, 'running');
	await client.waitForOutput('board', 'Hello\r\n');
	assert.deepEqual((await client.get('/instances/running')).json.processes, running.processes);
	client.close();
});

test('emud comes back to its boards with hardly a descriptor, and ends none of them for that', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const boards = [];
	for (const id of ['one', 'two', 'three']) boards.push(await client.startBoard(id, 'counter'));
	await emud.end('SIGKILL');
	emud.options.wrapper = ['prlimit', '--nofile=24:24', '--'];
	await emud.start().catch(() => emud.end('SIGKILL'));
	for (const { processes } of boards) assert.ok(readdirSync(`/proc/${processes.qemu.pid}`).length, 'a board was ended');
	if (emud.process) await emud.end('SIGKILL');
	emud.options.wrapper = [];
	await emud.start();
	for (const { id, processes } of boards) {
		const { json } = await client.get(`/instances/${id}`);
		assert.deepEqual([json.state, json.processes], ['running', processes]);
	}
	client.close();
});

/** What `unshare` needs is not permitted everywhere; what is counted there is no one else's. */
const inNamespace = (/** @type {string} */ script) => ['unshare', '--user', '--map-root-user', 'sh', '-c', `${script}; exec "$0" "$@"`];
const mayUnshare = spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', 'echo 9 > /proc/sys/user/max_inotify_instances'], { stdio: 'ignore' }).status === 0;

/** @param {number} pid @param {number} count */
function limitInotify(pid, count) {
	const { status, stderr } = spawnSync('nsenter', ['--target', `${pid}`, '--user', 'sh', '-c', `echo ${count} > /proc/sys/user/max_inotify_instances`], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
}

test('without inotify instances for its shims, boards and all their channels work', { skip: !mayUnshare && 'user namespaces are not permitted here' }, async (t) => {
	const emud = await startEmud(t, { wrapper: inNamespace('echo 1 > /proc/sys/user/max_inotify_instances'), targets: { pty } });
	const client = emud.client();
	for (const target of ['board', 'pty']) {
		const board = await client.startBoard(target, 'echo', { target });
		const raw = await openChannel(board.channels.serial0);
		raw.send('over here\r');
		await raw.until('over here\r');
		raw.close();
		await client.waitForOutput(target, 'over here\r');
		const qmp = await connectQmp(new StateDir(board).json('handles.json').channels.qmp);
		assert.equal((await qmp.run('query-status')).running, true);
		qmp.close();
	}
	client.close();
});

test('without one for emud itself, what follows a console is answered with 503 or works, and passes', { skip: !mayUnshare && 'user namespaces are not permitted here' }, async (t) => {
	const emud = await startEmud(t, { wrapper: inNamespace('echo 1 > /proc/sys/user/max_inotify_instances') });
	const client = emud.client();
	await client.startBoard('board', 'counter');
	limitInotify(Number(emud.process?.pid), 0);
	const { status, json } = await client.request('GET', '/instances/board/channels/serial0/output?limit=10');
	assert.equal(status, 200, JSON.stringify(json));
	await client.waitForOutput('board', '20\r\n');
	client.close();
});

test('too many boards: 429 with Retry-After, and the next one starts when one has stopped', async (t) => {
	const emud = await startEmud(t, { server: { limits: { running_instances: 2, instances: 3 } } });
	const client = emud.client();
	await client.startBoard('one', 'hello');
	await client.startBoard('two', 'hello');
	await client.refused(429, 'too_many_instances', 'PUT', '/instances/three', { json: spec });
	await client.put('/instances/three', { json: { ...spec, start: false }, expect: 201 });
	await client.refused(429, 'too_many_instances', 'POST', '/instances/three/start');
	await client.refused(429, 'too_many_instances', 'PUT', '/instances/four', { json: { ...spec, start: false } });
	await client.post('/instances/one/stop');
	assert.equal((await client.post('/instances/three/start')).json.state, 'running');
	client.close();
});

test('nothing is left open when boards have come and gone', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const pid = Number(emud.process?.pid);
	const cycle = async (/** @type {string} */ id) => {
		await client.startBoard(id, 'hello');
		await client.waitForOutput(id, 'Hello\r\n');
		await client.delete(`/instances/${id}`);
	};
	await cycle('first');
	const before = countDescriptors(pid);
	for (let round = 0; round < 6; round++) await cycle(`again-${round}`);
	await until(() => countDescriptors(pid) <= before, `the descriptors to be ${before} again, not ${countDescriptors(pid)}`);
	client.close();
});
