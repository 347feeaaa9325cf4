// Many clients at once, in any order: one wins, the others are told, and the state machine holds.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';

import { makeRandom } from '../lib/churn.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const spec = { target: 'board', file: firmware('counter') };
const SECONDS = 4;

test('of many creations of one instance at once, one creates it and the rest find it or are refused', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const same = await Promise.all(Array.from({ length: 6 }, () => client.request('PUT', '/instances/board', { json: spec })));
	assert.deepEqual(same.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 201]);
	const posted = await Promise.all(Array.from({ length: 6 }, () => client.request('POST', '/instances', { json: { ...spec, id: 'posted' } })));
	assert.deepEqual(posted.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
	await client.post('/instances/board/stop');
	const started = await Promise.all(Array.from({ length: 6 }, () => client.request('POST', '/instances/board/start')));
	assert.deepEqual(started.map(({ status }) => status).sort(), [200, 409, 409, 409, 409, 409]);
	for (const { status, json } of started) if (status === 409) assert.equal(json.code, 'already_running');
	assert.equal((await client.get('/instances/board')).json.start_number, 2);
	const deleted = await Promise.all(Array.from({ length: 6 }, () => client.request('DELETE', '/instances/board')));
	assert.equal(deleted.filter(({ status }) => status === 204).length >= 1, true);
	for (const { status } of deleted) assert.ok([204, 404, 409].includes(status), `${status}`);
	client.close();
});

/** What the contract allows, by status. */
const ALLOWED = /** @type {Record<number, string[]>} */ ({
	200: [], 201: [], 202: [], 204: [],
	404: ['not_found', 'channel_not_found'],
	409: ['already_running', 'not_running', 'instance_busy', 'id_taken', 'conflict', 'ended'],
	410: ['gone'],
	502: ['start_failed'],
	504: ['timeout', 'emulator_timeout'],
});

const STATES = ['created', 'starting', 'running', 'paused', 'stopping', 'exited'];

/** @param {(below: number) => number} random @returns {[string, string, import('../lib/client.mjs').RequestOptions]} */
function choose(random) {
	const id = `crowded-${random(3)}`;
	const path = `/instances/${id}`;
	const wait = random(4) === 0 ? '?wait=false' : '';
	const actions = ['start', 'stop', 'restart', 'reset', 'pause', 'resume'];
	const choice = random(actions.length + 6);
	if (choice < actions.length) return ['POST', `${path}/${actions[choice]}${wait}`, {}];
	if (choice === actions.length) return ['DELETE', path, {}];
	if (choice < actions.length + 3) return ['PUT', `${path}${wait}`, { json: spec }];
	if (choice === actions.length + 3) return ['GET', `${path}/wait?for=running&timeout=0.2`, {}];
	if (choice === actions.length + 4) return ['POST', `${path}/channels/serial0/input?timeout=0.2`, { body: 'x' }];
	return ['GET', path, {}];
}

test('ten clients with random actions get none but answers the contract has, and all can be deleted', async (t) => {
	const seed = Date.now() & 0xffffffff;
	t.diagnostic(`seed ${seed}`);
	const emud = await startEmud(t);
	const client = emud.client();
	const end = Date.now() + SECONDS * 1000;
	const counts = /** @type {Record<string, number>} */ ({});
	await Promise.all(Array.from({ length: 10 }, async (_, number) => {
		const random = makeRandom(seed + number);
		while (Date.now() < end) {
			const [method, path, options] = choose(random);
			const { status, json } = await client.request(method, path, options);
			const codes = ALLOWED[status];
			assert.ok(codes && (status < 300 || codes.includes(json.code)), `${method} ${path}: ${status} ${JSON.stringify(json)} (seed ${seed})`);
			if (status < 300 && json?.state) assert.ok(STATES.includes(json.state), `${method} ${path}: ${JSON.stringify(json)}`);
			counts[status] = (counts[status] ?? 0) + 1;
		}
	}));
	assert.ok(counts[200] > 20 && counts[409] > 0, JSON.stringify(counts));
	for (const id of ['crowded-0', 'crowded-1', 'crowded-2'])
		await until(async () => [204, 404].includes((await client.request('DELETE', `/instances/${id}`)).status), `${id} to be deleted`);
	assert.deepEqual((await client.get('/instances')).json.instances, []);
	assert.deepEqual(readdirSync(`${emud.stateDir}/instances`), []);
	await until(() => emud.boardProcesses().length === 0, 'every process of the boards to be gone');
	client.close();
});
