// Renode that stands ready before anybody asks for it: renode.prestart.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { isAlive } from '../lib/processes.mjs';
import { RENODE_TARGETS, doubleEnvironment, renodeEnvironment, startRenode, testRenode } from '../lib/renode.mjs';
import { findShim, untilGone } from '../lib/shims.mjs';

/** @typedef {import('../lib/emud.mjs').Emud} Emud */

/** @param {import('node:test').TestContext} t @param {number} prestart @param {Record<string, string>} [env] */
async function start(t, prestart, env = renodeEnvironment) {
	const emud = await startEmud(t, { targets: RENODE_TARGETS, pwEmu: { renode: { prestart } }, server: { path_roots: [os.tmpdir()] }, env });
	return { emud, client: emud.client() };
}

/** The processes of Renode that wait for an instance: they have a directory open that is none's yet. @param {Emud} emud */
const waiting = (emud) => emud.processes().filter(({ pid, command }) => command.includes('--robot-server-port') && opened(pid).some((link) => link.includes('/instances/.ready-')));

/** @param {number} pid @returns {string[]} */
function opened(pid) {
	try {
		return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
	} catch {
		return [];
	}
}

const directories = (/** @type {Emud} */ emud) => (existsSync(`${emud.stateDir}/instances`) ? readdirSync(`${emud.stateDir}/instances`).filter((name) => name.startsWith('.')) : []);

/** @param {Emud} emud @param {number} count */
const untilWaiting = (emud, count) => until(() => waiting(emud).length === count && directories(emud).length === count, `${count} of Renode to wait in as many directories`);

testRenode('an instance gets the one that stands ready, with its firmware and its own files, and another takes its place', async (t) => {
	const { emud, client } = await start(t, 1);
	await untilWaiting(emud, 1);
	const [{ pid }] = waiting(emud);
	const instance = await startRenode(client, 'first', 'echo');
	assert.equal(instance.processes.renode.pid, pid);
	assert.deepEqual([instance.state, instance.start_number, instance.path], ['running', 1, `${emud.stateDir}/instances/first`]);
	await client.post('/instances/first/channels/serial0/input', { body: 'over here\r' });
	await client.waitForOutput('first', 'over here\r');
	const handles = JSON.parse(readFileSync(`${instance.path}/handles.json`, 'utf8'));
	assert.deepEqual([handles.target, handles.config, handles.procs.renode.pid], ['f4', `${instance.path}/config.json`, pid]);
	assert.equal(readFileSync(`${instance.path}/renode.pid`, 'utf8'), `${pid}`);
	assert.ok((await client.get('/instances/first/logs')).json.logs.some((/** @type {{process: string}} */ log) => log.process === 'renode'));
	await untilWaiting(emud, 1);
	assert.notEqual(waiting(emud)[0].pid, pid);
});

testRenode('a restart, another reset and a delete are as of any instance, and leave nothing', async (t) => {
	const { emud, client } = await start(t, 1);
	await untilWaiting(emud, 1);
	const { path } = await startRenode(client, 'again', 'hello');
	await client.waitForOutput('again', 'Hello\r\n');
	await client.post('/instances/again/reset');
	await client.waitForOutput('again', 'Hello\r\nHello\r\n');
	assert.equal((await client.post('/instances/again/restart')).json.start_number, 2);
	await client.waitForOutput('again', 'Hello\r\n');
	await client.post('/instances/again/stop');
	assert.ok(!existsSync(`${path}/renode.tmp`));
	await client.delete('/instances/again');
	assert.ok(!existsSync(path));
});

testRenode('what runs otherwise than what stands ready starts by itself: args, debug, a path of one\'s own', async (t) => {
	const { emud, client } = await start(t, 1);
	await untilWaiting(emud, 1);
	const [{ pid }] = waiting(emud);
	for (const [id, spec] of /** @type {[string, object][]} */ ([['debugged', { debug: true }], ['elsewhere', { path: `${emud.directory}/elsewhere` }], ['later', { start: false }]]))
		assert.notEqual((await startRenode(client, id, 'hello', spec)).processes.renode?.pid, pid, id);
	assert.ok(isAlive(pid));
	assert.equal((await client.post('/instances/later/start')).json.state, 'running');
});

testRenode('none outlives its emud, however that ends, and the next emud has fresh ones', async (t) => {
	const { emud } = await start(t, 2);
	for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGTERM', 'SIGKILL'])) {
		await untilWaiting(emud, 2);
		const before = waiting(emud);
		await emud.end(signal);
		for (const { pid } of before) await untilGone(pid, `a Renode that waited, after ${signal}`);
		await emud.start();
	}
	await untilWaiting(emud, 2);
});

testRenode('one that was killed is not given to an instance', async (t) => {
	const { emud, client } = await start(t, 1);
	await untilWaiting(emud, 1);
	const [{ pid }] = waiting(emud);
	const shim = findShim({ path: `${emud.stateDir}/instances/${directories(emud)[0]}` });
	process.kill(pid, 'SIGKILL');
	await untilGone(shim, 'the shim of a Renode that was killed');
	await startRenode(client, 'fresh', 'hello');
	await client.waitForOutput('fresh', 'Hello\r\n');
	await untilWaiting(emud, 1);
});

testRenode('the shim of one that an instance has is its shim: its death ends Renode', async (t) => {
	const { emud, client } = await start(t, 1);
	await untilWaiting(emud, 1);
	const instance = await startRenode(client, 'orphan', 'hello');
	process.kill(findShim(instance), 'SIGKILL');
	const { state, exit } = await client.waitFor('orphan', 'ended');
	assert.deepEqual([state, exit.reason], ['failed', 'supervisor_lost']);
	await untilGone(instance.processes.renode.pid, 'Renode');
});

test('a start that fails on one that stood ready says so as any start, and nothing of it is left', async (t) => {
	const { emud, client } = await start(t, 1, doubleEnvironment());
	await untilWaiting(emud, 1);
	const [{ pid }] = waiting(emud);
	await client.refused(502, 'start_failed', 'PUT', '/instances/broken', { json: { target: 'f4-no-platform' } });
	await untilGone(pid, 'Renode');
	const { state, exit, processes } = (await client.get('/instances/broken')).json;
	assert.deepEqual([state, exit.reason, processes], ['failed', 'start_failed', {}]);
});

test('a configuration that wants fewer, or none, lets the others go', async (t) => {
	const { emud, client } = await start(t, 2, doubleEnvironment());
	await untilWaiting(emud, 2);
	emud.options.pwEmu = { renode: { prestart: 1 } };
	emud.writeConfig(emud.options);
	await client.post('/config/reload');
	await untilWaiting(emud, 1);
	emud.options.pwEmu = {};
	emud.writeConfig(emud.options);
	await client.post('/config/reload');
	await untilWaiting(emud, 0);
});
