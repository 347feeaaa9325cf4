// More runs than boards may run at once: they wait with their place told, and every one gets its verdict.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { listAll } from '../lib/events.mjs';
import { firmware } from '../lib/firmware.mjs';
import { expectNothingLeft, listRuns } from '../lib/run_remains.mjs';
import { beginRun, boardOf, untilEnded, untilPrinted, withQuery } from '../lib/runs.mjs';
import { pause, print, read, script } from '../lib/script.mjs';

const AT_ONCE = script([print('PASSED\r\n')]);
const SOON = script([pause(60), print('PASSED\r\n')]);
const WAITING = script([print('ready\r\n'), read(1), print('PASSED\r\n')]);
const PASS = { pass: 'PASSED' };

/** @param {any} t @param {number} running @param {import('../lib/emud.mjs').EmudOptions} [options] */
async function start(t, running, options) {
	const emud = await startEmud(t, { server: { limits: { running_instances: running } }, ...options });
	const client = emud.client();
	t.after(() => client.close());
	return { emud, client };
}

/** @param {import('../lib/client.mjs').Client} client @param {{id: string}[]} runs */
const places = (client, runs) => Promise.all(runs.map(async ({ id }) => (await client.get(`/runs/${id}`)).json.queue_position));

/** How many ran at once at most, as the events tell. @param {import('../lib/client.mjs').Client} client */
async function mostAtOnce(client) {
	let running = 0;
	let most = 0;
	for (const { type, data } of await listAll(client, '&type=instance.state')) {
		assert.equal(type, 'instance.state');
		if (data.state === 'starting') running++;
		if (data.state === 'exited' || data.state === 'failed') running--;
		most = Math.max(most, running);
	}
	return most;
}

test('of twenty runs two go at a time, the others wait in the order they came', async (t) => {
	const { emud, client } = await start(t, 2);
	const runs = [];
	for (let number = 0; number < 20; number++) runs.push(await beginRun(client, number < 2 ? WAITING : SOON, { ...PASS, label: `number:${number}` }));
	const waiting = (await listRuns(client, '&state=queued')).map(({ queue_position: position }) => position).reverse();
	assert.deepEqual(waiting, Array.from({ length: 18 }, (_, index) => index + 1), 'places have no gaps');
	for (const { id } of runs.slice(0, 2)) {
		await untilPrinted(client, id, 'ready');
		await client.post(`/instances/run-${id}/channels/serial0/input`, { body: '!' });
	}
	const ended = [];
	for (const { id } of runs) ended.push(await untilEnded(client, id));
	for (const { verdict, queue_position: position } of ended) assert.deepEqual([verdict, position], ['passed', null]);
	const starts = ended.map(({ started_at: at }) => at);
	assert.deepEqual(starts, [...starts].sort(), 'first come, first served');
	await expectNothingLeft(emud, client);
	assert.equal(await mostAtOnce(client), 2);
});

test('a hundred clients at once all get their verdict', async (t) => {
	const { emud, client } = await start(t, 8);
	const body = readFileSync(firmware('passed'));
	const clients = Array.from({ length: 100 }, () => emud.client());
	t.after(() => clients.forEach((each) => each.close()));
	const replies = await Promise.all(clients.map((each, number) => each.put(
		withQuery({ target: 'board', pass: number % 10 ? 'PASSED' : 'NEVER', fail: 'PASSED', label: `number:${number}` }), { body, deadlineMs: 60_000 })));
	replies.forEach(({ headers, text }, number) => {
		assert.equal(headers['emud-verdict'], number % 10 ? 'passed' : 'failed');
		assert.match(text, /PASSED\r\nemud: run \d+ (passed|failed): /);
	});
	assert.equal(new Set(replies.map(({ headers }) => headers['emud-run'])).size, 100);
	await expectNothingLeft(emud, client);
	assert.ok(await mostAtOnce(client) <= 8);
});

test('a run that does not want to wait starts where there is room, else not', async (t) => {
	const { emud, client } = await start(t, 1);
	const headers = { accept: 'application/json' };
	const ask = () => client.post(withQuery({ target: 'board', ...PASS, queue_timeout: 0 }), { body: AT_ONCE, headers });
	assert.equal((await ask()).json.verdict, 'passed');
	await expectNothingLeft(emud, client);
	await client.startBoard('occupant', 'hello');
	const { json } = await ask();
	assert.deepEqual([json.verdict, json.reason, json.started_at, json.instance], ['not_started', 'queue_timeout', null, null]);
	assert.match(json.detail, /running_instances/);
	await client.delete('/instances/occupant');
	await expectNothingLeft(emud, client);
});

test('at the limit a plain start is refused as ever, while runs wait', async (t) => {
	const { emud, client } = await start(t, 1);
	const held = await beginRun(client, WAITING, PASS);
	const board = await boardOf(client, held.id);
	const next = await beginRun(client, AT_ONCE, PASS);
	assert.equal(next.queue_position, 1);
	const spec = { target: 'board', file: firmware('hello') };
	const refused = await client.request('PUT', '/instances/other', { json: spec });
	assert.deepEqual([refused.status, refused.json.code], [429, 'too_many_instances']);
	await client.put('/instances/other', { json: { ...spec, start: false }, expect: 201 });
	assert.deepEqual(await places(client, [next]), [1]);
	await client.post(`/instances/${board.id}/channels/serial0/input`, { body: '!' });
	assert.equal((await untilEnded(client, next.id)).verdict, 'passed');
	await client.delete('/instances/other');
	await expectNothingLeft(emud, client);
});

test('a board that is stopped by hand, or that has ended, makes room', async (t) => {
	const { emud, client } = await start(t, 1);
	await client.startBoard('one', 'hello');
	const first = await beginRun(client, WAITING, PASS);
	assert.equal(first.queue_position, 1);
	await client.post('/instances/one/stop');
	await untilPrinted(client, first.id, 'ready\r\n');
	const second = await beginRun(client, AT_ONCE, PASS);
	const { json } = await client.delete(`/runs/${first.id}`, { expect: 200 });
	assert.equal(json.verdict, 'canceled');
	assert.equal((await untilEnded(client, second.id)).verdict, 'passed');
	assert.equal((await client.get('/instances/one')).json.state, 'exited');
	await client.delete('/instances/one');
	await expectNothingLeft(emud, client);
});

test('a raised limit lets those in that wait, and a lowered one ends nobody', async (t) => {
	const { emud, client } = await start(t, 1);
	const runs = [];
	for (let number = 0; number < 5; number++) runs.push(await beginRun(client, WAITING, PASS));
	await untilPrinted(client, runs[0].id, 'ready\r\n');
	assert.deepEqual(await places(client, runs), [null, 1, 2, 3, 4]);
	const reload = async (/** @type {number} */ running) => {
		emud.options.server = { limits: { running_instances: running } };
		emud.writeConfig(emud.options);
		await client.post('/config/reload');
	};
	await reload(4);
	for (const { id } of runs.slice(0, 4)) await untilPrinted(client, id, 'ready\r\n');
	assert.deepEqual(await places(client, runs), [null, null, null, null, 1]);
	await reload(2);
	await client.delete(`/runs/${runs[0].id}`, { expect: 200 });
	await client.delete(`/runs/${runs[1].id}`, { expect: 200 });
	await until(async () => (await client.get('/instances')).json.instances.length === 2, 'two boards to be left');
	assert.deepEqual(await places(client, [runs[4]]), [1]);
	await client.delete(`/runs/${runs[2].id}`, { expect: 200 });
	await untilPrinted(client, runs[4].id, 'ready\r\n');
	for (const { id } of runs.slice(3)) await client.delete(`/runs/${id}`, { expect: 200 });
	await expectNothingLeft(emud, client);
});

test('those that wait are canceled one by one, and the rest move up', async (t) => {
	const { emud, client } = await start(t, 1);
	await client.startBoard('occupant', 'hello');
	const runs = [];
	for (let number = 0; number < 4; number++) runs.push(await beginRun(client, AT_ONCE, PASS));
	const { json } = await client.delete(`/runs/${runs[1].id}`, { expect: 200 });
	assert.deepEqual([json.state, json.verdict, json.reason, json.started_at], ['ended', 'canceled', 'canceled', null]);
	assert.deepEqual(await places(client, runs), [1, null, 2, 3]);
	await client.delete('/instances/occupant');
	for (const { id } of [runs[0], runs[2], runs[3]]) assert.equal((await untilEnded(client, id)).verdict, 'passed');
	assert.equal((await client.get(`/runs/${runs[1].id}/output`)).text, '');
	await expectNothingLeft(emud, client);
});

/** Processor time used so far, in ticks. @param {number} pid */
function ticksOf(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return Number(fields[11]) + Number(fields[12]);
}

/** How often it has waited for something so far. @param {number} pid */
const wakeUpsOf = (pid) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

test('fifty runs that wait cost nothing', async (t) => {
	const { emud, client } = await start(t, 1);
	const pid = Number(emud.process?.pid);
	await client.startBoard('occupant', 'hello');
	await client.waitForOutput('occupant', 'Hello\r\n');
	for (let number = 0; number < 50; number++) await beginRun(client, AT_ONCE, PASS);
	client.close();
	// What the last request leaves to be done is over soon.
	await new Promise((resolve) => setTimeout(resolve, 1000));
	const [ticks, wakeUps] = [ticksOf(pid), wakeUpsOf(pid)];
	await new Promise((resolve) => setTimeout(resolve, 5000));
	assert.deepEqual([ticksOf(pid) - ticks, wakeUpsOf(pid) - wakeUps], [0, 0], 'ticks, and wake-ups, in 5 s');
	const again = emud.client();
	await again.delete('/instances/occupant');
	await until(async () => (await again.get('/runs?state=ended&limit=1000')).json.runs.length === 50, 'all to end', 60_000);
	assert.deepEqual(new Set((await listRuns(again)).map(({ verdict }) => verdict)), new Set(['passed']));
	await expectNothingLeft(emud, again);
	again.close();
});
