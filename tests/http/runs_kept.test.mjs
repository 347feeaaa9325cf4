// What is kept of runs, and how it is found.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const shared = shareEmud();

/** @typedef {import('../lib/client.mjs').Client} Client */

/**
 * A run to its end. Its id.
 * @param {Client} client
 * @param {object} [more]
 * @returns {Promise<string>}
 */
async function run(client, more = {}) {
	const json = { target: 'board', file: firmware('passed'), pass: ['PASSED'], ...more };
	return (await client.post('/runs', { json, expect: 200 })).json.id;
}

/**
 * A run of a firmware that comes with it.
 * @param {Client} client
 * @param {string} name
 * @param {string} pass
 */
async function runUploaded(client, name, pass) {
	const query = new URLSearchParams({ target: 'board', pass });
	const headers = { accept: 'application/json', 'content-type': 'application/octet-stream' };
	return (await client.post(`/runs?${query}`, { body: readFileSync(firmware(name)), headers, expect: 200 })).json.id;
}

/** @param {Client} client @param {string} [query] @returns {Promise<string[]>} */
async function list(client, query = '') {
	return (await client.get(`/runs?${query}`)).json.runs.map((/** @type {{id: string}} */ { id }) => id);
}

/** @param {Client} client */
const cleared = (client) =>
	until(async () => (await client.get('/instances')).json.instances.length === 0, 'the boards of the runs to go');

test('runs are listed newest first, in pages, and found by state, verdict, target and label', async () => {
	const { client } = shared;
	const passed = await run(client, { labels: { branch: 'main', job: '7' } });
	const failed = await run(client, { pass: [], fail: ['PASSED'], labels: { branch: 'main' } });
	const other = await run(client, { target: 'board-two' });
	assert.deepEqual(await list(client), [other, failed, passed]);
	assert.deepEqual(await list(client, 'verdict=passed'), [other, passed]);
	assert.deepEqual(await list(client, 'verdict=failed&state=ended'), [failed]);
	assert.deepEqual(await list(client, 'target=board'), [failed, passed]);
	assert.deepEqual(await list(client, 'target=board&verdict=passed'), [passed]);
	assert.deepEqual(await list(client, 'label=branch:main'), [failed, passed]);
	assert.deepEqual(await list(client, 'label=branch:main&verdict=passed'), [passed]);
	assert.deepEqual(await list(client, 'state=running'), []);
	assert.deepEqual(await list(client, 'target=nowhere'), []);

	const first = (await client.get('/runs?limit=2')).json;
	assert.deepEqual(first.runs.map((/** @type {{id: string}} */ { id }) => id), [other, failed]);
	const cursor = encodeURIComponent(first.next_cursor);
	const second = (await client.get(`/runs?limit=2&cursor=${cursor}`)).json;
	assert.deepEqual(second.runs.map((/** @type {{id: string}} */ { id }) => id), [passed]);
	assert.equal(second.next_cursor, null);
});

test('the oldest run goes when there are too many, with its output and the firmware that came with it', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_runs: 2 } } });
	const client = emud.client();
	const first = await runUploaded(client, 'hello', 'Hello');
	const { sha256 } = (await client.get(`/runs/${first}`)).json.file;
	assert.equal((await client.get(`/files/${sha256}`)).status, 200);
	const { detail } = await client.refused(409, 'file_in_use', 'DELETE', `/files/${sha256}`);
	assert.match(detail, new RegExp(`run ${first}: it can be deleted when that is no longer kept`));
	const second = await runUploaded(client, 'passed', 'PASSED');
	await cleared(client);
	assert.deepEqual(await list(client), [second, first]);
	assert.match((await client.get(`/runs/${first}/output`)).text, /Hello/);

	const third = await runUploaded(client, 'passed', 'PASSED');
	await until(async () => (await list(client)).length === 2, 'the oldest run to go');
	assert.deepEqual(await list(client), [third, second]);
	for (const part of ['', '/output', '/junit']) await client.refused(404, 'not_found', 'GET', `/runs/${first}${part}`);
	await client.refused(404, 'not_found', 'GET', `/files/${sha256}`);
	assert.equal(existsSync(path.join(emud.stateDir, 'files', sha256)), false);
	assert.deepEqual(readdirSync(path.join(emud.stateDir, 'runs')).sort(), [second, third]);
	const { json } = await client.get('/events?type=run.deleted');
	assert.deepEqual(json.events.map((/** @type {{run: string}} */ event) => event.run), [first]);
});

test('a firmware that was uploaded by itself, too, outlives its runs', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_runs: 0 } } });
	const client = emud.client();
	const { sha256 } = (await client.post('/files', { body: readFileSync(firmware('passed')), expect: 201 })).json;
	await runUploaded(client, 'passed', 'PASSED');
	await until(async () => (await list(client)).length === 0, 'the run to go');
	assert.equal((await client.get(`/files/${sha256}`)).status, 200);
	await client.delete(`/files/${sha256}`);
});

test('runs go when they are too old, also those that ended while no emud was there', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_runs_age: 0.5 } } });
	const client = emud.client();
	const id = await run(client);
	await cleared(client);
	await until(async () => (await list(client)).length === 0, `run ${id} to get too old`);
	await run(client);
	await emud.end('SIGKILL');
	await emud.start();
	await until(async () => (await list(emud.client())).length === 0, 'what is too old to go at the start');
	assert.deepEqual(readdirSync(path.join(emud.stateDir, 'runs')), []);
});

test('lower limits hold as soon as the configuration is read again', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	for (let i = 0; i < 3; i++) await run(client);
	await cleared(client);
	assert.equal((await list(client)).length, 3);
	emud.writeConfig({ ...emud.options, server: { limits: { kept_runs_bytes: 4096 } } });
	await client.post('/config/reload');
	await until(async () => (await list(client)).length === 1, 'all but the newest to go');
});
