// The stream of events against a scripted server: every event once and in order, whatever breaks.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { holdTime } from '../lib/clock.mjs';
import { until } from '../lib/deadline.mjs';
import { createBody } from '../lib/scripted_body.mjs';
import { Feed, SILENCE_MS } from '../../web/lib/feed.js';

/** @param {AbortSignal} signal @returns {Promise<never>} */
const neverAnswer = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/**
 * @typedef {ReturnType<typeof createBody>} Body
 * @typedef {number | Body | 'refused' | 'silent' | 'page'} Answer a status, a stream, none, one that never comes, another server's
 * @param {import('node:test').TestContext} t
 * @param {Answer[]} answers the last one again and again
 */
function openFeed(t, answers) {
	/** @type {(string | null)[]} */
	const asked = [];
	/** @type {number[]} */
	const heard = [];
	/** @type {string[]} */
	const statuses = [];
	const fetch = async (/** @type {string} */ url, /** @type {{headers: Record<string, string>, signal: AbortSignal}} */ { headers, signal }) => {
		const answer = answers[Math.min(asked.length, answers.length - 1)];
		asked.push(headers['last-event-id'] ?? null);
		if (answer === 'refused') throw new TypeError('failed to fetch');
		if (answer === 'silent') return neverAnswer(signal);
		if (answer === 'page') return new Response('<h1>Sign in to the network</h1>', { headers: { 'content-type': 'text/html' } });
		if (typeof answer === 'number') return new Response('', { status: answer });
		answer.endWith(signal);
		return new Response(answer.stream, { headers: { 'content-type': 'text/event-stream' } });
	};
	const feed = new Feed('/v1/events', {
		onEvent: ({ id }) => heard.push(id),
		onStatus: (status) => statuses.push(status),
	}, { fetch: /** @type {any} */ (fetch) });
	feed.retryMs = 1;
	t.after(() => feed.close());
	feed.open();
	return { feed, asked, heard, statuses };
}

const frame = (/** @type {number} */ id) => `id: ${id}\nevent: instance.state\ndata: ${JSON.stringify({ id, type: 'instance.state', instance: 'ä' })}\n\n`;

test('events are told as they come, however they are cut', async (t) => {
	const body = createBody();
	const { heard, statuses } = openFeed(t, [body]);
	const bytes = new TextEncoder().encode(frame(1) + frame(2));
	for (const byte of bytes) body.write(Uint8Array.of(byte));
	await until(() => heard.length === 2, 'two events');
	assert.deepEqual(heard, [1, 2]);
	assert.deepEqual(statuses, ['connecting', 'connected']);
});

test('a stream that breaks goes on behind the last whole event: none is lost, none comes twice', async (t) => {
	const [first, second] = [createBody(), createBody()];
	const { asked, heard } = openFeed(t, [first, second]);
	first.write(frame(1) + frame(2) + frame(3).slice(0, 20));
	await until(() => heard.length === 2, 'two events');
	first.breakOff();
	await until(() => asked.length === 2, 'a second request');
	second.write(frame(3));
	await until(() => heard.length === 3, 'the third event');
	assert.deepEqual(heard, [1, 2, 3]);
	assert.deepEqual(asked, [null, '2']);
});

test('a stream that ends is begun again', async (t) => {
	const [first, second] = [createBody(), createBody()];
	const { asked, heard, statuses } = openFeed(t, [first, second]);
	first.write(frame(7));
	await until(() => heard.length === 1, 'an event');
	first.end();
	await until(() => asked.length === 2, 'a second request');
	await until(() => statuses.at(-1) === 'connected', 'the second stream');
	assert.deepEqual(statuses, ['connecting', 'connected', 'lost', 'connected']);
	assert.deepEqual(asked, [null, '7']);
});

test('a server that is down is told once, and asked less and less often', async (t) => {
	const { feed, asked, statuses } = openFeed(t, ['refused']);
	await until(() => asked.length === 5, 'five attempts');
	assert.equal(feed.retryMs, 32);
	assert.deepEqual([...new Set(statuses)], ['connecting', 'lost']);
	assert.equal(statuses.filter((status) => status === 'connecting').length, 1);
});

test('a stream that stands makes the next attempt a quick one again', async (t) => {
	const body = createBody();
	const { feed, heard } = openFeed(t, ['refused', 'refused', 'refused', body]);
	body.write(frame(1));
	await until(() => heard.length === 1, 'an event');
	assert.equal(feed.retryMs, 250);
});

test('without a session it waits until it is told that there is one', async (t) => {
	const body = createBody();
	const { feed, asked, heard, statuses } = openFeed(t, [401, body]);
	await until(() => statuses.at(-1) === 'unauthorized', 'the refusal');
	assert.equal(asked.length, 1);
	feed.open();
	body.write(frame(1));
	await until(() => heard.length === 1, 'an event');
	assert.deepEqual(statuses, ['connecting', 'unauthorized', 'connecting', 'connected']);
});

test('what tells how things are just now has no number, and the place in the stream stays', async (t) => {
	const [first, second] = [createBody(), createBody()];
	const { asked, heard } = openFeed(t, [first, second]);
	first.write(frame(4) + 'event: instance.sample\ndata: {"type":"instance.sample","instance":"a","data":{"cpu":1}}\n\n');
	await until(() => heard.length === 2, 'an event and a sample');
	first.end();
	await until(() => asked.length === 2, 'a second request');
	assert.equal(asked[1], '4');
});

test('one that is closed asks no more', async (t) => {
	const body = createBody();
	const { feed, asked, heard, statuses } = openFeed(t, [body]);
	body.write(frame(1));
	await until(() => heard.length === 1, 'an event');
	feed.close();
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(asked.length, 1);
	assert.equal(statuses.at(-1), 'connected');
});

test('a network that is silent without an end is a lost one, and the stream goes on where it was', async (t) => {
	const { pass } = holdTime(t);
	const [first, second] = [createBody(), createBody()];
	const { feed, asked, heard, statuses } = openFeed(t, [first, second]);
	feed.retryMs = 250;
	first.write(frame(1));
	await pass(SILENCE_MS - 1);
	assert.deepEqual(statuses, ['connecting', 'connected']);
	await pass(1);
	assert.equal(statuses.at(-1), 'lost');
	await pass(250);
	second.write(frame(2));
	await pass(0);
	assert.deepEqual([asked, heard, statuses.at(-1)], [[null, '1'], [1, 2], 'connected']);
});

test('any byte is a sign of life, and the server gives one in less than half the time', async (t) => {
	const { pass } = holdTime(t);
	const body = createBody();
	const { statuses, asked } = openFeed(t, [body]);
	const [, seconds] = /sse_heartbeat_ms, (\d+) \* 1000\)/.exec(readFileSync(new URL('../../server/http/http_server.c', import.meta.url), 'utf8')) ?? [];
	const heartbeatMs = Number(seconds) * 1000;
	assert.ok(heartbeatMs * 2 < SILENCE_MS, `${heartbeatMs} ms`);
	for (let beat = 0; beat < 20; beat++) {
		body.write(':\n\n');
		await pass(heartbeatMs);
	}
	assert.deepEqual([asked.length, statuses.at(-1)], [1, 'connected']);
	await pass(SILENCE_MS);
	assert.equal(statuses.at(-1), 'lost');
});

test('a server that takes the connection and never answers is a lost one', async (t) => {
	const { pass } = holdTime(t);
	const body = createBody();
	const { asked, statuses } = openFeed(t, ['silent', 'silent', body]);
	await pass(9999);
	assert.deepEqual([asked.length, statuses], [1, ['connecting']]);
	await pass(1);
	assert.deepEqual(statuses, ['connecting', 'lost']);
	await pass(250);
	await pass(2000);
	await pass(250);
	assert.deepEqual([asked.length, statuses], [3, ['connecting', 'lost', 'lost', 'connected']]);
});

test('where the network has forgotten its connections, those that the browser keeps are soon used up; then there is time for an answer', async (t) => {
	const { pass } = holdTime(t);
	const { asked, statuses } = openFeed(t, [createBody(), ...Array(7).fill('silent'), createBody()]);
	await pass(SILENCE_MS);
	// The silence counts as one.
	for (let attempt = 1; attempt <= 5; attempt++) {
		await pass(250);
		assert.equal(asked.length, 1 + attempt);
		await pass(2000);
	}
	await pass(250);
	await pass(9999);
	assert.equal(asked.length, 7);
	await pass(1);
	await pass(250);
	await pass(10_000);
	await pass(250);
	assert.deepEqual([asked.length, statuses.at(-1)], [9, 'connected']);
});

test('a page that stands between here and the server is none of its streams', async (t) => {
	const { feed, asked, statuses } = openFeed(t, ['page']);
	await until(() => asked.length === 4, 'four attempts');
	assert.deepEqual([...new Set(statuses)], ['connecting', 'lost']);
	assert.ok(feed.retryMs >= 8);
});

test('a hint that the network is back is taken at once', async (t) => {
	const { pass, settle } = holdTime(t);
	const body = createBody();
	const { feed, asked, statuses } = openFeed(t, ['refused', 'silent', body]);
	feed.retryMs = 5000;
	await settle();
	feed.look();
	await settle();
	assert.equal(asked.length, 2);
	feed.look();
	await settle();
	assert.deepEqual([asked.length, statuses.at(-1)], [3, 'connected']);
	feed.look();
	await pass(SILENCE_MS - 1);
	assert.equal(asked.length, 3, 'one that stands is left alone');
});

test('after a sleep, through which timers do not run, a stream that was silent is begun anew', async (t) => {
	const { settle, sleepUntil } = holdTime(t);
	const [first, second] = [createBody(), createBody()];
	const { feed, asked, statuses } = openFeed(t, [first, second]);
	first.write(frame(1));
	await settle();
	sleepUntil(8 * 3600 * 1000);
	feed.look();
	await settle();
	assert.deepEqual([asked, statuses], [[null, '1'], ['connecting', 'connected', 'lost', 'connected']]);
});

test('where a token is asked for, no hint asks the server', async (t) => {
	const { settle, sleepUntil } = holdTime(t);
	const { feed, asked, statuses } = openFeed(t, [401]);
	await settle();
	sleepUntil(3600 * 1000);
	feed.look();
	await settle();
	assert.deepEqual([asked.length, statuses], [1, ['connecting', 'unauthorized']]);
});
