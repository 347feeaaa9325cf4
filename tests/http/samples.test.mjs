// GET /events?samples=true: what boards are doing just now.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { framesOf, listAll, listen, listenWithoutReading, unchunk } from '../lib/events.mjs';
import { mockEmulator, mockTarget } from '../lib/mock.mjs';

/** @typedef {Awaited<ReturnType<typeof listen>>} Listener */

/** @param {{bytes: Buffer}} stream @param {string} id */
const samplesOf = (stream, id) => framesOf(stream).filter(({ event, data }) => event === 'instance.sample' && data.instance === id).map(({ data }) => data);

/** @param {Listener} stream @param {string} id @param {(data: {cpu?: number, rss_bytes?: number, line?: string}) => unknown} fits */
const untilSample = (stream, id, fits) => stream.wait(() => samplesOf(stream, id).find(({ data }) => fits(data)), `a sample of ${id}`);

/** @param {import('../lib/client.mjs').Client} client @param {string} id @param {string | Buffer} body */
const send = (client, id, body) => client.post(`/instances/${id}/channels/serial0/input`, { body: Buffer.from(body) });

/** What emud has open and watches of the consoles of its boards. @param {import('../lib/emud.mjs').Emud} emud */
function watchedConsoles(emud) {
	const directory = `/proc/${emud.process?.pid}`;
	let watches = 0, files = 0;
	for (const fd of readdirSync(`${directory}/fd`)) {
		try {
			watches += readFileSync(`${directory}/fdinfo/${fd}`, 'utf8').split('inotify wd:').length - 1;
			files += Number(readlinkSync(`${directory}/fd/${fd}`).endsWith('.out'));
		} catch {
			// It was closed meanwhile.
		}
	}
	return [watches, files];
}

/** Reads the stream up to an event, keeping nothing of it. @param {import('../lib/emud.mjs').Emud} emud @param {number} id */
async function readUpTo(emud, id) {
	const request = http.get(`${emud.baseUrl}/v1/events?since=0`, { headers: { accept: 'text/event-stream' } });
	const [response] = await once(request, 'response');
	let tail = '';
	for await (const bytes of response) {
		tail = tail.slice(-100) + bytes.toString('latin1');
		if (tail.includes(`\nid: ${id}\n`)) break;
	}
}

test('the last line of a console comes as it is printed, as plain text', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const stream = await listen(client, '?samples=true');
	await client.startBoard('one', 'echo');
	await send(client, 'one', 'see \x1b[31mred\x1b[0m and gr\u00fcn\r');
	const { data } = await untilSample(stream, 'one', ({ line }) => line?.includes('gr\u00fcn'));
	assert.match(data.line, /see red and gr\u00fcn$/);
	stream.close();
});

test('who begins to listen is told how all stand, those that have ended included', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('runs', 'hello');
	await client.startBoard('ended', 'hello');
	await client.put('/instances/new', { json: { target: 'board', start: false }, expect: 201 });
	for (const id of ['runs', 'ended']) await client.waitForOutput(id, 'ello');
	await client.post('/instances/ended/stop');
	const line = (await client.get('/instances/ended/channels/serial0/output')).text.trim().split('\n').at(-1);
	for (let i = 0; i < 2; i++) {
		const stream = await listen(client, '?samples=true');
		await untilSample(stream, 'runs', (data) => data.line !== undefined);
		await untilSample(stream, 'runs', (data) => Number(data.rss_bytes) > 1e6);
		assert.equal((await untilSample(stream, 'ended', (data) => data.line !== undefined)).data.line, line);
		assert.deepEqual(samplesOf(stream, 'new'), []);
		assert.ok(samplesOf(stream, 'ended').every(({ data }) => !('rss_bytes' in data)));
		stream.close();
	}
});

test('a second listener is told the same at once, and what comes is told to both', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const first = await listen(client, '?samples=true');
	await client.startBoard('one', 'echo');
	await send(client, 'one', 'before\r');
	await untilSample(first, 'one', ({ line }) => line?.includes('before'));
	await untilSample(first, 'one', ({ cpu }) => cpu !== undefined);
	const second = await listen(client, '?samples=true');
	await second.wait(() => samplesOf(second, 'one').length > 0, 'a sample');
	const [{ data }] = samplesOf(second, 'one');
	assert.match(data.line, /before/);
	assert.ok(data.rss_bytes > 1e6 && data.cpu >= 0, JSON.stringify(data));
	first.close();
	await send(client, 'one', 'after\r');
	await untilSample(second, 'one', ({ line }) => line?.includes('after'));
	second.close();
});

test('CPU and memory are remembered for who comes later, of this board and start alone', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	/** @param {string} id */
	const remembered = async (id) => (await client.get(`/instances/${id}/usage?samples=true`)).json.samples;
	await client.startBoard('one', 'flood');
	assert.deepEqual(await remembered('one'), [], 'nothing is measured while nobody looks');
	assert.equal('samples' in (await client.get('/instances/one/usage')).json, false);
	await client.refused(400, 'invalid_parameter', 'GET', '/instances/one/usage?samples=maybe');
	const stream = await listen(client, '?samples=true');
	await untilSample(stream, 'one', ({ cpu }) => Number(cpu) > 0.05);
	stream.close();
	const [{ time, cpu, rss_bytes: memory }] = await remembered('one');
	assert.ok(cpu > 0.05 && memory > 1e6 && Math.abs(Date.parse(time) - Date.now()) < 60_000, JSON.stringify({ time, cpu, memory }));
	const again = await listen(client, '?samples=true');
	const before = (await remembered('one')).length;
	await until(async () => (await remembered('one')).length > before, 'another one behind it');
	assert.equal((await remembered('one'))[0].time, time);
	again.close();
	await client.post('/instances/one/restart');
	assert.deepEqual(await remembered('one'), []);
	await client.post('/instances/one/stop');
	await client.refused(409, 'not_running', 'GET', '/instances/one/usage?samples=true');
	await client.delete('/instances/one');
	await client.startBoard('one', 'hello');
	assert.deepEqual(await remembered('one'), []);
});

test('CPU is told of a board that works, and nothing of one that stands still', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('still', 'hello');
	await client.post('/instances/still/pause');
	await client.startBoard('busy', 'flood');
	const stream = await listen(client, '?samples=true');
	/** @param {string} id @param {string} key */
	const having = (id, key) => samplesOf(stream, id).filter(({ data }) => key in data);
	await untilSample(stream, 'busy', ({ cpu }) => Number(cpu) > 0.05);
	await stream.wait(() => having('busy', 'line').length >= 12, 'lines');
	const times = having('busy', 'line').map(({ time }) => Date.parse(time));
	// The first two may be how it stood and what has come since.
	for (let i = 2; i < times.length; i++) assert.ok(times[i] - times[i - 1] >= 240, `${times[i] - times[i - 1]} ms`);
	assert.ok(having('still', 'rss_bytes').length <= 2, JSON.stringify(samplesOf(stream, 'still')));
	assert.equal(having('still', 'line').length, 1);
	stream.close();
});

test('boards that start anew and go are followed', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const stream = await listen(client, '?samples=true');
	await client.startBoard('one', 'echo');
	await send(client, 'one', 'the first start\r');
	await untilSample(stream, 'one', ({ line }) => line?.includes('first'));
	await client.post('/instances/one/restart');
	const since = samplesOf(stream, 'one').length;
	await send(client, 'one', 'the second start\r');
	await stream.wait(() => samplesOf(stream, 'one').slice(since).some(({ data }) => data.line?.includes('second')), 'the second start');
	await client.post('/instances/one/stop');
	await client.delete('/instances/one');
	await client.startBoard('one', 'echo');
	await send(client, 'one', 'another one\r');
	await untilSample(stream, 'one', ({ line }) => line?.includes('another'));
	stream.close();
});

test('more boards than are told in one turn are all told, each once', async (t) => {
	const emud = await startEmud(t, { pwEmu: mockEmulator(), targets: { mock: mockTarget() } });
	const client = emud.client();
	const ids = Array.from({ length: 70 }, (_, i) => `b${i}`);
	for (const id of ids) await client.put(`/instances/${id}`, { json: { target: 'mock' }, expect: 201 });
	await Promise.all(ids.map((id) => client.waitForOutput(id, 'ready', 'uart')));
	for (const id of ids.slice(0, 35)) await client.post(`/instances/${id}/stop`);
	const stream = await listen(client, '?samples=true');
	/** @param {string} id @param {string} key */
	const countOf = (id, key) => samplesOf(stream, id).filter(({ data }) => key in data).length;
	const last = ids.slice(35).sort().at(-1) ?? '';
	await untilSample(stream, last, ({ line }) => line !== undefined);
	await untilSample(stream, last, (data) => data.rss_bytes !== undefined);
	await stream.wait(() => ids.slice(35).every((id) => countOf(id, 'rss_bytes')), 'the memory of each');
	for (const id of ids) assert.equal(countOf(id, 'line'), 1, id);
	for (const id of ids) assert.match(samplesOf(stream, id).find(({ data }) => 'line' in data)?.data.line, /^uart ready$/);
	stream.close();
});

test('samples are filtered, have no id, and are in no page', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('one', 'hello');
	await client.startBoard('two', 'hello');
	const one = await listen(client, '?samples=true&instance=one');
	const alone = await listen(client, '?samples=true&type=instance.sample');
	const states = await listen(client, '?samples=true&type=instance.state');
	const run = await listen(client, '?samples=true&run=1');
	const without = await listen(client);
	await untilSample(one, 'one', ({ cpu }) => cpu !== undefined);
	await untilSample(alone, 'two', ({ cpu }) => cpu !== undefined);
	assert.deepEqual(samplesOf(one, 'two'), []);
	assert.equal(alone.events().length, 0);
	for (const id of ['one', 'two'])
		for (const stream of [states, run, without]) assert.deepEqual(samplesOf(stream, id), []);
	assert.deepEqual(await listAll(client, '&type=instance.sample'), []);
	const kept = (await listAll(client)).map(({ id }) => id);
	assert.deepEqual(kept, Array.from(kept, (_, i) => i + 1));
	for (const stream of [one, alone, states, run, without]) stream.close();
	await client.refused(400, 'invalid_parameter', 'GET', '/events?samples=true');
	const headers = { accept: 'text/event-stream' };
	await client.refused(400, 'invalid_parameter', 'GET', '/events?samples=maybe', { headers });
});

test('nothing is watched while nobody listens', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('one', 'echo');
	await client.startBoard('two', 'echo');
	assert.deepEqual(watchedConsoles(emud), [0, 0]);
	const one = await listen(client, '?samples=true&instance=one');
	await until(() => watchedConsoles(emud).join() === '1,1', 'one console to be watched');
	const both = await listen(client, '?samples=true');
	await until(() => watchedConsoles(emud).join() === '2,2', 'both to be watched');
	both.close();
	await until(() => watchedConsoles(emud).join() === '1,1', 'one to be watched still');
	one.close();
	await until(() => watchedConsoles(emud).join() === '0,0', 'none to be watched');
});

test('a slow listener misses samples, but no event, and is told at last how all stand', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	// Each reload makes an event of some 150 KB: more than buffers hold.
	const warnings = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`no_such_key_${i}`, 0]));
	emud.writeConfig({ ...emud.options, server: { ...emud.options.server, ...warnings } });
	for (let i = 0; i < 100; i++) await client.post('/config/reload');
	await client.startBoard('one', 'echo');
	const slow = await listenWithoutReading(emud, '?since=0&samples=true');
	// Whoever came later has them all: so the slow one is held up by now.
	await within(readUpTo(emud, (await client.get('/events?limit=1')).json.last_id), 'the kept events');
	const quick = await listen(client, '?samples=true');
	for (const word of ['red', 'green', 'blue']) {
		await send(client, 'one', `${word}\r`);
		await untilSample(quick, 'one', ({ line }) => line?.includes(word));
	}
	const { last_id: last } = (await client.get('/events?limit=1')).json;
	slow.socket.resume();
	const heard = { get bytes() { return unchunk(slow.bytes); } };
	await slow.until(`\nid: ${last}\n`);
	await slow.until('blue');
	const ids = framesOf(heard).filter(({ id }) => id).map(({ id }) => Number(id));
	assert.deepEqual(ids, Array.from({ length: last }, (_, i) => i + 1));
	assert.ok(!slow.bytes.includes('green'), 'what was told while it did not read was left out');
	slow.socket.destroy();
	quick.close();
});
