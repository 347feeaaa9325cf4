import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { parseEvents } from '../lib/streams.mjs';

const shared = shareEmud();

const output = (/** @type {string} */ id) => `/instances/${id}/channels/serial0/output`;

/** The numbered lines of counter and flood, one after the other, the first and last perhaps cut. @param {string} text */
function assertConsecutive(text) {
	const numbers = text.split('\r\n').slice(1, -1).map(Number);
	assert.ok(numbers.length > 1);
	numbers.forEach((number, index) => assert.equal(number, numbers[0] + index));
}

test('the output is kept from the first byte', async () => {
	await shared.client.startBoard('whole', 'hello');
	await shared.client.waitForOutput('whole', 'Hello\r\n');
	const { text, headers } = await shared.client.get(output('whole'));
	assert.equal(text, 'Hello\r\n');
	assert.equal(headers['content-type'], 'application/octet-stream');
	assert.equal(headers['emud-first-offset'], '0');
	assert.equal(headers['emud-offset'], '0');
	assert.equal(headers['emud-start-number'], '1');
});

test('channels tell where their output begins and ends', async () => {
	await shared.client.startBoard('offsets', 'hello');
	await shared.client.waitForOutput('offsets', 'Hello\r\n');
	const { channels } = (await shared.client.get('/instances/offsets/channels')).json;
	assert.equal(channels.serial0.first_offset, 0);
	assert.equal(channels.serial0.next_offset, 7);
	assert.equal(channels.gdb.next_offset, undefined);
	assert.deepEqual((await shared.client.get('/instances/offsets/channels/serial0')).json, channels.serial0);
	await shared.client.refused(404, 'channel_not_found', 'GET', '/instances/offsets/channels/serial7');
	await shared.client.refused(404, 'channel_not_found', 'GET', '/instances/offsets/channels/serial7/output');
});

test('an offset, from the beginning or before the end, and a limit choose what is read', async () => {
	await shared.client.startBoard('parts', 'hello');
	await shared.client.waitForOutput('parts', 'Hello\r\n');
	for (const [query, text, offset] of [
		['offset=2', 'llo\r\n', '2'], ['offset=-3', 'o\r\n', '4'], ['offset=1&limit=2', 'el', '1'], ['offset=7', '', '7'],
		['offset=-100', 'Hello\r\n', '0'], ['limit=0', '', '0'], ['offset=-3&limit=1', 'o', '4'],
	]) {
		const reply = await shared.client.get(`${output('parts')}?${query}`);
		assert.deepEqual([reply.text, reply.headers['emud-offset']], [text, offset], query);
	}
	await shared.client.refused(416, 'range_not_satisfiable', 'GET', `${output('parts')}?offset=8`);
});

test('followed output comes as it grows and ends with the instance', async () => {
	await shared.client.startBoard('followed', 'counter');
	const stream = await shared.client.follow(`${output('followed')}?follow=true`);
	await stream.until('\n20\r\n');
	await shared.client.post('/instances/followed/stop');
	assert.equal(await stream.untilEnd(), 'end');
	const text = stream.bytes.toString();
	assert.match(text, /^0\r\n1\r\n2\r\n/);
	assertConsecutive(text);
	assert.equal((await shared.client.get(output('followed'))).text, text);
});

test('a follower of an offset at the end waits for what comes', async () => {
	await shared.client.startBoard('at-end', 'echo');
	await shared.client.post('/instances/at-end/channels/serial0/input', { body: 'first' });
	await shared.client.waitForOutput('at-end', 'first');
	const stream = await shared.client.follow(`${output('at-end')}?offset=5&follow=true`);
	await shared.client.post('/instances/at-end/channels/serial0/input', { body: 'second' });
	assert.equal(await stream.until('second'), 'second');
	stream.close();
});

test('a limit ends a followed output', async () => {
	await shared.client.startBoard('limited', 'counter');
	const stream = await shared.client.follow(`${output('limited')}?follow=true&limit=50`);
	assert.equal(await stream.untilEnd(), 'end');
	assert.equal(stream.bytes.length, 50);
});

test('an event stream resumes where its reader was lost', async () => {
	await shared.client.startBoard('events', 'counter');
	const headers = { accept: 'text/event-stream' };
	const stream = await shared.client.follow(`${output('events')}?follow=true`, { headers });
	assert.match(stream.headers['content-type'], /^text\/event-stream/);
	await stream.wait(() => parseEvents(stream.bytes.toString()).length >= 3, 'three events');
	stream.close();
	const seen = parseEvents(stream.bytes.toString());
	const { id } = seen[seen.length - 1];
	const again = await shared.client.follow(`${output('events')}?follow=true`, { headers: { ...headers, 'last-event-id': id } });
	await again.wait(() => parseEvents(again.bytes.toString()).length >= 3, 'three more events');
	await shared.client.post('/instances/events/stop');
	assert.equal(await again.untilEnd(), 'end');
	const all = [...seen, ...parseEvents(again.bytes.toString())];
	let next = 0;
	for (const event of all) {
		assert.equal(event.data.offset, next);
		next += Buffer.from(event.data.base64, 'base64').length;
		assert.equal(event.id, `1:${next}`);
	}
	const text = Buffer.concat(all.map(({ data }) => Buffer.from(data.base64, 'base64'))).toString();
	assert.equal((await shared.client.get(output('events'))).text, text);
});

test('a reader of no kind that is served is refused', async () => {
	await shared.client.startBoard('not-acceptable', 'hello');
	await shared.client.refused(406, 'not_acceptable', 'GET', output('not-acceptable'), { headers: { accept: 'image/png' } });
});

test('input reaches the guest, whatever its bytes and type', async () => {
	await shared.client.startBoard('input', 'echo');
	const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
	const headers = { 'content-type': 'text/html' };
	const { json } = await shared.client.post('/instances/input/channels/serial0/input', { body: bytes, headers });
	assert.deepEqual(json, { written: 256 });
	await shared.client.waitForOffset('input', 256);
	const reply = await shared.client.get(output('input'));
	assert.deepEqual(reply.body, bytes);
	assert.equal(reply.headers['x-content-type-options'], 'nosniff');
});

test('input from several clients at once comes whole', async () => {
	await shared.client.startBoard('inputs', 'echo');
	const texts = Array.from({ length: 10 }, (_, index) => `<${index}:${'x'.repeat(20)}>`);
	await Promise.all(texts.map((body) => shared.client.post('/instances/inputs/channels/serial0/input', { body })));
	await shared.client.waitForOffset('inputs', texts.join('').length);
	const { text } = await shared.client.get(output('inputs'));
	for (const part of texts) assert.ok(text.includes(part), text);
});

test('a guest that does not read makes input wait, then says how much went', async () => {
	await shared.client.startBoard('deaf', 'ignore_input');
	const body = Buffer.alloc(512 * 1024, 'x');
	const problem = await shared.client.refused(504, 'timeout', 'POST', '/instances/deaf/channels/serial0/input?timeout=0.3', { body });
	assert.ok(problem.written < body.length);
	await shared.client.post('/instances/deaf/stop');
});

test('input to a channel that is no console is refused', async () => {
	await shared.client.startBoard('no-console', 'hello');
	const { status } = await shared.client.request('POST', '/instances/no-console/channels/gdb/input', { body: 'x' });
	assert.ok([404, 409].includes(status));
});

test('the output of an earlier start is kept', async () => {
	await shared.client.startBoard('earlier', 'hello');
	await shared.client.waitForOutput('earlier', 'Hello\r\n');
	await shared.client.post('/instances/earlier/restart', { json: { paused: true } });
	const now = await shared.client.get(output('earlier'));
	assert.deepEqual([now.text, now.headers['emud-start-number']], ['', '2']);
	const before = await shared.client.get(`${output('earlier')}?start_number=1`);
	assert.deepEqual([before.text, before.headers['emud-start-number']], ['Hello\r\n', '1']);
	await shared.client.refused(404, 'not_found', 'GET', `${output('earlier')}?start_number=3`);
});

test('the output is there after the instance has ended', async () => {
	await shared.client.startBoard('after-end', 'hello');
	await shared.client.waitForOutput('after-end', 'Hello\r\n');
	await shared.client.post('/instances/after-end/stop');
	assert.equal((await shared.client.get(output('after-end'))).text, 'Hello\r\n');
	const stream = await shared.client.follow(`${output('after-end')}?follow=true`);
	assert.equal(await stream.untilEnd(), 'end');
	assert.equal(stream.bytes.toString(), 'Hello\r\n');
});

test('what falls out of the kept window is told, never skipped in silence', async (t) => {
	const window = 1 << 18;
	const emud = await startEmud(t, { server: { limits: { console_bytes: window } } });
	const client = emud.client();
	await client.startBoard('window', 'flood');
	await client.waitForOffset('window', 3 * window);
	await client.post('/instances/window/stop');
	const { text, headers, body } = await client.get(`${output('window')}?offset=0`);
	const first = Number(headers['emud-first-offset']);
	assert.ok(first > 0);
	assert.equal(headers['emud-offset'], headers['emud-first-offset']);
	assert.equal(first + body.length, await client.nextOffset('window'));
	assert.ok(!text.includes('\0'), 'a punched hole was read');
	assertConsecutive(text);
});

test('no output is lost while emud is dead', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('unseen', 'counter');
	await client.waitForOffset('unseen', 20);
	const before = await client.nextOffset('unseen');
	await emud.end('SIGKILL');
	await emud.start();
	await client.waitForOffset('unseen', before + 100);
	await client.post('/instances/unseen/stop');
	const { text } = await client.get(output('unseen'));
	assert.match(text, /^0\r\n1\r\n/);
	assertConsecutive(text);
});

test('boards with two ports keep them apart', async () => {
	await shared.client.startBoard('two', 'two_serials', { target: 'board-two' });
	await shared.client.waitForOutput('two', 'zero\r\n', 'serial0');
	await shared.client.waitForOutput('two', 'one\r\n', 'serial1');
	await shared.client.post('/instances/two/channels/serial1/input', { body: 'to one' });
	await shared.client.waitForOutput('two', 'one\r\nto one', 'serial1');
	assert.equal((await shared.client.get('/instances/two/channels/serial0/output')).text, 'zero\r\n');
});
