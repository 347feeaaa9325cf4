// A client that goes away ends its run, whatever it was doing, unless the run is detached.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { makeRandom } from '../lib/churn.mjs';
import { encodeForm } from '../lib/client.mjs';
import { until, within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { listen } from '../lib/events.mjs';
import { firmware } from '../lib/firmware.mjs';
import { isAlive } from '../lib/processes.mjs';
import { expectNothingLeft, listRuns } from '../lib/run_remains.mjs';
import { beginRun, boardOf, untilEnded, untilPrinted, withQuery } from '../lib/runs.mjs';
import { pause, print, read, script } from '../lib/script.mjs';

/** Prints, and waits for a byte that never comes. */
const WAITING = script([print('ready\r\n'), read(1), print('PASSED\r\n')]);

/** @param {any} t @param {import('../lib/emud.mjs').EmudOptions} [options] */
async function start(t, options) {
	const emud = await startEmud(t, options);
	const client = emud.client();
	t.after(() => client.close());
	return { emud, client };
}

/**
 * A curl that waits for the verdict.
 * @param {import('../lib/emud.mjs').Emud} emud
 * @param {string[]} args
 * @param {import('../lib/runs.mjs').Parameters} [parameters]
 */
function startCurl(emud, args, parameters = {}) {
	const url = `${emud.baseUrl}/v1${withQuery(parameters)}`;
	return spawn('curl', ['--silent', '--no-buffer', ...args, url], { stdio: ['ignore', 'pipe', 'ignore'] });
}

/** @param {import('../lib/emud.mjs').Emud} emud */
function writeFirmware(emud) {
	const file = `${emud.directory}/waiting.elf`;
	writeFileSync(file, WAITING);
	return file;
}

/** The newest run, once it is that one. @param {import('../lib/client.mjs').Client} client @param {number} number */
const untilNumber = (client, number) =>
	until(async () => (await client.get('/runs?limit=1')).json.runs.find((/** @type {{id: string}} */ { id }) => id === `${number}`), `run ${number} to be there`);

/** @param {import('../lib/client.mjs').Client} client */
const untilThere = (client) => untilNumber(client, 1);

/** @param {import('node:child_process').ChildProcess} child */
async function kill(child) {
	const exited = once(child, 'exit');
	child.kill('SIGKILL');
	await within(exited, 'curl to be gone');
}

/** @param {any} run */
const brief = ({ state, verdict, reason }) => ({ state, verdict, reason });
const CLIENT_GONE = { state: 'ended', verdict: 'canceled', reason: 'client_gone' };

/** @type {[string, (file: string) => [string[], import('../lib/runs.mjs').Parameters]][]} */
const WAYS = [
	['for the text', (file) => [['-T', file], { target: 'board', pass: 'PASSED' }]],
	['for the flowing text', (file) => [['-T', file], { target: 'board', pass: 'PASSED', stream: true, strict: true }]],
	['for JUnit', (file) => [['-T', file, '-H', 'Accept: application/xml'], { target: 'board', pass: 'PASSED' }]],
	['for JSON', (file) => [['--json', JSON.stringify({ target: 'board', file })], {}]],
];

for (const [what, ask] of WAYS)
	test(`a curl that waited ${what} and is killed ends its run`, async (t) => {
		const { emud, client } = await start(t);
		const curl = startCurl(emud, ...ask(writeFirmware(emud)));
		const { id } = await untilThere(client);
		const board = await boardOf(client, id);
		await untilPrinted(client, id, 'ready\r\n');
		await kill(curl);
		const run = await untilEnded(client, id);
		assert.deepEqual(brief(run), CLIENT_GONE);
		assert.match(run.detail, /went away/);
		assert.equal(run.output.toString(), 'ready\r\n');
		await expectNothingLeft(emud, client);
		for (const { pid } of Object.values(board.processes)) assert.equal(isAlive(pid), false);
		assert.equal((await client.get(`/runs/${id}/output`)).text, 'ready\r\n');
	});

test('a client that goes away while its board is made or starts ends its run', async (t) => {
	const { emud, client } = await start(t);
	for (let round = 0; round < 10; round++) {
		const request = client.send('POST', withQuery({ target: 'board', pass: 'NEVER' }), { body: WAITING });
		request.on('error', () => {});
		const { id } = await untilNumber(client, round + 1);
		request.destroy();
		assert.deepEqual(brief(await untilEnded(client, id)), CLIENT_GONE);
	}
	await expectNothingLeft(emud, client);
});

test('a client that goes away in the middle of its form leaves nothing', async (t) => {
	const { emud, client } = await start(t);
	const { body, type } = encodeForm({ spec: { content: '{"target":"board"}' }, file: { content: WAITING } });
	for (const sent of [1, 200, body.length - 1]) {
		const request = client.send('POST', '/runs', { headers: { 'content-type': type, 'content-length': String(body.length) }, body: body.subarray(0, sent) });
		request.on('error', () => {});
		await within(once(request, 'finish'), 'a part of the form to be sent');
		request.destroy();
	}
	await client.get('/version');
	assert.deepEqual(await listRuns(client), []);
	await expectNothingLeft(emud, client);
});

test('a client that goes away in the queue ends its run, and the next one gets its place', async (t) => {
	const { emud, client } = await start(t, { server: { limits: { running_instances: 1 } } });
	await client.startBoard('occupant', 'hello');
	const curl = startCurl(emud, ['-T', writeFirmware(emud)], { target: 'board', pass: 'PASSED', stream: true });
	const { id, state, queue_position: position } = await untilThere(client);
	assert.deepEqual([state, position], ['queued', 1]);
	const next = await beginRun(client, script([print('PASSED\r\n')]), { pass: 'PASSED' });
	assert.equal(next.queue_position, 2);
	await kill(curl);
	const run = await untilEnded(client, id);
	assert.deepEqual(brief(run), CLIENT_GONE);
	assert.deepEqual([run.started_at, run.instance, run.duration, run.output_bytes, run.queue_position], [null, null, null, 0, null]);
	assert.equal((await client.get(`/runs/${next.id}`)).json.queue_position, 1);
	await client.post('/instances/occupant/stop');
	assert.equal((await untilEnded(client, next.id)).verdict, 'passed');
	await client.delete('/instances/occupant');
	await expectNothingLeft(emud, client);
});

test('a client that goes away in the moment of the verdict gets one or the other, and nothing is left', async (t) => {
	const seed = Date.now() & 0xffffffff;
	t.diagnostic(`seed ${seed}`);
	const random = makeRandom(seed);
	const { emud, client } = await start(t);
	const counts = /** @type {Record<string, number>} */ ({ passed: 0, canceled: 0 });
	const events = await listen(client, '?type=run.state');
	for (let round = 0; round < 50; round++) {
		const request = client.send('POST', withQuery({ target: 'board', pass: 'PASSED', stream: round % 2 === 0 }), { body: WAITING });
		request.on('error', () => {});
		request.on('response', (response) => response.on('error', () => {}).resume());
		const { id } = await untilNumber(client, round + 1);
		const { id: instance } = await boardOf(client, id);
		await untilPrinted(client, id, 'ready\r\n');
		const sent = client.request('POST', `/instances/${instance}/channels/serial0/input`, { body: '!' });
		setTimeout(() => request.destroy(), random(8));
		await sent;
		const run = await untilEnded(client, id);
		assert.ok(run.verdict === 'passed' || run.reason === 'client_gone', JSON.stringify(run));
		counts[run.verdict]++;
	}
	t.diagnostic(JSON.stringify(counts));
	await expectNothingLeft(emud, client);
	const ended = events.events().filter(({ data }) => data.state === 'ended');
	assert.equal(ended.length, 50, 'each ends once');
	const runs = await listRuns(client);
	for (const { run, data } of ended) assert.equal(runs.find(({ id }) => id === run).verdict, data.verdict);
	events.close();
});

test('a detached run does not care about its client', async (t) => {
	const { emud, client } = await start(t);
	const curl = startCurl(emud, ['-T', writeFirmware(emud)], { target: 'board', pass: 'PASSED', detach: true });
	await within(once(curl, 'exit'), 'curl to have its answer');
	const { id } = await untilThere(client);
	const { id: instance } = await boardOf(client, id);
	const watching = await client.follow(`/runs/${id}/output?follow=true`);
	await watching.until('ready\r\n');
	watching.close();
	const other = emud.client();
	await other.get(`/runs/${id}`);
	other.close();
	await client.post(`/instances/${instance}/channels/serial0/input`, { body: '!' });
	assert.deepEqual(brief(await untilEnded(client, id)), { state: 'ended', verdict: 'passed', reason: 'pass_pattern' });
	await expectNothingLeft(emud, client);
});

test('clients that come and go in hundreds cost no run of another its verdict', async (t) => {
	const { emud, client } = await start(t, { server: { limits: { running_instances: 4 } } });
	const kept = await beginRun(client, script([pause(400), print('PASSED\r\n')]), { pass: 'PASSED' });
	const gone = Array.from({ length: 100 }, () => {
		const request = client.send('POST', '/runs', { json: { target: 'board', file: firmware('hello'), pass: ['NEVER'] } });
		request.on('error', () => {});
		return request;
	});
	await until(async () => (await listRuns(client)).length === 101, 'all to be there');
	for (const request of gone) request.destroy();
	const last = await beginRun(client, script([print('PASSED\r\n')]), { pass: 'PASSED' });
	assert.equal((await untilEnded(client, kept.id)).verdict, 'passed');
	assert.equal((await untilEnded(client, last.id)).verdict, 'passed');
	await expectNothingLeft(emud, client);
	const reasons = (await listRuns(client)).filter(({ id }) => id !== kept.id && id !== last.id).map(({ reason }) => reason);
	assert.deepEqual(new Set(reasons), new Set(['client_gone']));
});
