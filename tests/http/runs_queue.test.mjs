// More runs than boards may run: they wait, each client its turn.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const TOKENS = 'ana token-of-ana-0001\nben token-of-ben-0002\n';

/** @typedef {import('../lib/client.mjs').Client} Client */

/** @param {Parameters<typeof startEmud>[0]} t */
async function startWithOneBoard(t) {
	const emud = await startEmud(t, { tokens: TOKENS, server: { limits: { running_instances: 1 } } });
	return { emud, ana: emud.client({ token: 'token-of-ana-0001' }), ben: emud.client({ token: 'token-of-ben-0002' }) };
}

/**
 * A run that waits for nobody, on a board that prints and passes, or (hold) does neither. Its id.
 * @param {Client} client
 * @param {object} [more]
 * @returns {Promise<string>}
 */
async function begin(client, more = {}) {
	const json = { target: 'board', file: firmware('passed'), pass: ['PASSED'], detach: true, timeout: 60, ...more };
	return (await client.post('/runs', { json, expect: 202 })).json.id;
}

/** @param {Client} client */
const hold = (client) => begin(client, { pass: ['NEVER'] });

/** @param {Client} client @param {string} id */
const look = async (client, id) => (await client.get(`/runs/${id}`)).json;

/** @param {Client} client @param {string} id */
const cancel = (client, id) => client.request('DELETE', `/runs/${id}`, { expect: 200 });

/** @param {Client} client @param {string} id @param {string} state */
const waitFor = (client, id, state) => until(async () => (await look(client, id)).state === state, `run ${id} to be ${state}`);

/** @param {Client} client @param {string[]} ids */
const places = (client, ids) => Promise.all(ids.map(async (id) => (await look(client, id)).queue_position));

/** @param {Client} client */
const cleared = (client) => until(async () => (await client.get('/instances')).json.instances.length === 0, 'the boards to go');

/** When each began, in their order. @param {Client} client @param {string[]} ids */
async function expectOrder(client, ids) {
	for (const id of ids) await waitFor(client, id, 'ended');
	const runs = await Promise.all(ids.map((id) => look(client, id)));
	for (const { verdict, detail } of runs) assert.equal(verdict, 'passed', detail);
	const starts = runs.map(({ started_at: at }) => at);
	assert.deepEqual([...starts].sort(), starts);
	await cleared(client);
}

test('whoever comes after many of another is second, and all are let in by their turn', async (t) => {
	const { ana, ben } = await startWithOneBoard(t);
	const held = await hold(ana);
	await waitFor(ana, held, 'running');
	const many = [await begin(ana), await begin(ana), await begin(ana)];
	const one = await begin(ben);
	assert.deepEqual(await places(ana, [...many, one]), [1, 3, 4, 2]);
	assert.deepEqual(await places(ana, [held]), [null]);
	assert.deepEqual((await ana.get('/runs?state=queued')).json.runs.map((/** @type {{id: string}} */ { id }) => id), [one, ...many.reverse()]);
	many.reverse();
	await cancel(ana, held);
	await expectOrder(ana, [many[0], one, many[1], many[2]]);
});

test('one that is canceled while it waits gives its place to the next of its client', async (t) => {
	const { ana, ben } = await startWithOneBoard(t);
	const held = await hold(ana);
	await waitFor(ana, held, 'running');
	const many = [await begin(ana), await begin(ana)];
	const one = await begin(ben);
	await cancel(ana, many[0]);
	await waitFor(ana, many[0], 'ended');
	assert.equal((await look(ana, many[0])).verdict, 'canceled');
	assert.deepEqual(await places(ana, [many[1], one]), [1, 2]);
	await cancel(ana, held);
	await expectOrder(ana, [many[1], one]);
});

test('one that waits too long has not started, and says why', async (t) => {
	const { ana } = await startWithOneBoard(t);
	const held = await hold(ana);
	await waitFor(ana, held, 'running');
	const json = { target: 'board', file: firmware('passed'), pass: ['PASSED'], queue_timeout: 0.2 };
	const { json: run } = await ana.post('/runs', { json, expect: 200 });
	assert.deepEqual([run.verdict, run.reason, run.started_at], ['not_started', 'queue_timeout', null]);
	await cancel(ana, held);
	await cleared(ana);
});

test('those that wait when emud is killed are let in by the next emud, in their order', async (t) => {
	const { emud, ana, ben } = await startWithOneBoard(t);
	const held = await hold(ana);
	await waitFor(ana, held, 'running');
	const many = [await begin(ana), await begin(ana)];
	const one = await begin(ben);
	await emud.end('SIGKILL');
	await emud.start();
	const again = emud.client({ token: 'token-of-ana-0001' });
	await until(async () => (await places(again, [one]))[0] === 2, 'the queue to be there again');
	assert.deepEqual(await places(again, [...many, one]), [1, 3, 2]);
	assert.equal((await look(again, held)).state, 'running');
	await cancel(again, held);
	await expectOrder(again, [many[0], one, many[1]]);
});
