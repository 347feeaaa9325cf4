// The stream of events against a scripted server: every event once and in order, whatever breaks.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { Feed } from '../../web/lib/feed.js';

/** A body that the test feeds. */
function createBody() {
	/** @type {ReadableStreamDefaultController<Uint8Array>} */
	let controller;
	const stream = new ReadableStream({ start: (given) => void (controller = given) });
	return {
		stream,
		/** @param {string | Uint8Array} data */
		write: (data) => controller.enqueue(typeof data === 'string' ? new TextEncoder().encode(data) : data),
		end: () => controller.close(),
		breakOff: () => controller.error(new TypeError('network error')),
	};
}

/**
 * @typedef {ReturnType<typeof createBody>} Body
 * @typedef {number | Body | 'refused'} Answer a status, a stream, or none
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
	const fetch = async (/** @type {string} */ url, /** @type {{headers: Record<string, string>}} */ { headers }) => {
		const answer = answers[Math.min(asked.length, answers.length - 1)];
		asked.push(headers['last-event-id'] ?? null);
		if (answer === 'refused') throw new TypeError('failed to fetch');
		if (typeof answer === 'number') return new Response('', { status: answer });
		return new Response(answer.stream, { status: 200 });
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
	body.end();
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(asked.length, 1);
	assert.equal(statuses.at(-1), 'connected');
});
