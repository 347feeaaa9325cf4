// One stream of events for all tabs: the worker and a page's end of it, with ports of Node's in place of a browser's.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { holdTime } from '../lib/clock.mjs';
import { createBody } from '../lib/scripted_body.mjs';
import { FeedClient } from '../../web/lib/feed_client.js';

const URL_OF_WORKER = new URL('../../web/lib/feed_worker.js', import.meta.url).href;
let workers = 0;

/**
 * A tab that has opened its end.
 * @param {import('node:test').TestContext} t
 * @param {ReturnType<typeof holdTime>} clock
 */
async function openTab(t, clock) {
	/** @type {string[]} */
	const statuses = [];
	/** @type {any[]} */
	const events = [];
	const client = new FeedClient('/v1/events', { onEvent: (event) => events.push(event), onStatus: (status) => statuses.push(status) });
	t.after(() => client.close());
	client.open();
	await clock.settle();
	return { client, statuses, events };
}

/**
 * A browser whose tabs share a worker.
 * @param {import('node:test').TestContext} t
 * @param {'works' | 'silent' | 'missing'} [kind] what becomes of its script
 */
async function createBrowser(t, kind = 'works') {
	const clock = holdTime(t);
	const scope = /** @type {any} */ (globalThis);
	/** Both ends of each, the worker's last. @type {MessagePort[]} */
	const ports = [];
	const network = { status: 200 };
	/** The module is the worker's state: another one is another worker. */
	const beginWorker = () => import(`${URL_OF_WORKER}?${++workers}`);
	await beginWorker();
	scope.SharedWorker = class {
		constructor() {
			const { port1, port2 } = new MessageChannel();
			ports.push(port1, port2);
			this.port = port1;
			/** @type {(() => void) | null} */
			this.onerror = null;
			if (kind === 'works') scope.onconnect({ ports: [port2] });
			if (kind === 'missing') queueMicrotask(() => this.onerror?.());
		}
	};
	/** @type {{body: ReturnType<typeof createBody>, signal: AbortSignal, lastId: string | null}[]} */
	const streams = [];
	t.mock.method(globalThis, 'fetch', async (/** @type {string} */ _, /** @type {{headers: Record<string, string>, signal: AbortSignal}} */ { headers, signal }) => {
		if (network.status !== 200) return new Response('', { status: network.status });
		const body = createBody();
		body.endWith(signal);
		streams.push({ body, signal, lastId: headers['last-event-id'] ?? null });
		return new Response(body.stream, { headers: { 'content-type': 'text/event-stream' } });
	});
	t.mock.method(performance, 'now', () => Date.now());
	t.after(() => {
		for (const port of ports) port.close();
		delete scope.SharedWorker;
	});

	/** With the process that it shares with another tab. */
	async function killWorker() {
		ports.splice(0).forEach((port, index) => index % 2 && port.close());
		await beginWorker();
	}
	return { clock, network, streams, killWorker, openTab: () => openTab(t, clock) };
}

/** @param {any} event */
const frame = (event) => `${event.id ? `id: ${event.id}\n` : ''}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
/** @param {string} instance @param {any} data @param {string} [time] */
const sample = (instance, data, time = '2026-01-01T00:00:01Z') => ({ type: 'instance.sample', time, instance, data });
const CREATED = { id: 1, type: 'instance.created', time: '2026-01-01T00:00:00Z', instance: 'a', data: {} };

test('all tabs have one stream, and each hears every event', async (t) => {
	const { clock, streams, openTab } = await createBrowser(t);
	const tabs = [await openTab(), await openTab()];
	streams[0].body.write(frame(CREATED));
	await clock.settle();
	assert.equal(streams.length, 1);
	for (const { events, statuses } of tabs) assert.deepEqual([events, statuses.at(-1)], [[CREATED], 'connected']);
});

test('a tab that comes later is told how each instance does, of those that are still there', async (t) => {
	const { clock, streams, openTab } = await createBrowser(t);
	await openTab();
	const [a, more, b] = [sample('a', { cpu: 1, line: 'x' }), sample('a', { cpu: 2 }), sample('b', { cpu: 3 })];
	for (const event of [a, more, b, { id: 2, type: 'instance.deleted', time: '2026-01-01T00:00:02Z', instance: 'b', data: {} }]) streams[0].body.write(frame(event));
	await clock.settle();
	const { events, statuses } = await openTab();
	assert.deepEqual(events, [sample('a', { cpu: 2, line: 'x' })]);
	assert.deepEqual(statuses, ['connecting', 'connected']);
});

test('the last tab that goes ends the stream, and the next one has another', async (t) => {
	const { clock, streams, openTab } = await createBrowser(t);
	const [first, second] = [await openTab(), await openTab()];
	first.client.close();
	await clock.settle();
	assert.equal(streams[0].signal.aborted, false);
	second.client.close();
	await clock.settle();
	assert.equal(streams[0].signal.aborted, true);
	const third = await openTab();
	assert.deepEqual([streams.length, third.statuses.at(-1)], [2, 'connected']);
});

test('a tab that has gone without a word is let go, one that slept hears that it has missed something', async (t) => {
	const { clock, streams, openTab } = await createBrowser(t);
	const [here, asleep] = [await openTab(), await openTab()];
	const { source, hear } = /** @type {any} */ (asleep.client);
	asleep.client.hear = () => {};
	for (let beats = 0; beats < 5; beats++) {
		await clock.pass(11_000);
		streams[0].body.write(': still here\n\n');
		await clock.settle();
	}
	streams[0].body.write(frame(CREATED));
	await clock.settle();
	assert.deepEqual([here.events, asleep.events, here.statuses.at(-1)], [[CREATED], [], 'connected']);
	asleep.client.hear = hear;
	asleep.client.look();
	await clock.settle();
	assert.equal(asleep.client.source, source);
	assert.deepEqual(asleep.statuses.slice(-2), ['lost', 'connected']);
	assert.equal(streams.length, 1);
});

for (const [kind, waited] of /** @type {['silent' | 'missing', number][]} */ ([['silent', 10_000], ['missing', 0]])) {
	test(`a page whose worker is ${kind} has a stream of its own`, async (t) => {
		const { clock, streams, openTab } = await createBrowser(t, kind);
		const { statuses } = await openTab();
		await clock.pass(waited);
		await import('../../web/lib/feed.js');
		await clock.settle();
		assert.deepEqual([streams.length, statuses.at(-1)], [1, 'connected']);
	});
}

test('so has a page of a browser without shared workers', async (t) => {
	const { clock, streams, openTab } = await createBrowser(t);
	delete (/** @type {any} */ (globalThis).SharedWorker);
	const { statuses } = await openTab();
	await import('../../web/lib/feed.js');
	await clock.settle();
	assert.deepEqual([streams.length, statuses.at(-1)], [1, 'connected']);
});

test('without a session no tab asks until one says that there is a token', async (t) => {
	const { clock, network, streams, openTab } = await createBrowser(t);
	network.status = 401;
	const tabs = [await openTab(), await openTab()];
	for (const { statuses } of tabs) assert.equal(statuses.at(-1), 'unauthorized');
	network.status = 200;
	await clock.pass(120_000);
	tabs[0].client.look();
	await clock.settle();
	assert.equal(streams.length, 0);
	tabs[1].client.retry();
	await clock.settle();
	for (const { statuses } of tabs) assert.equal(statuses.at(-1), 'connected');
	assert.equal(streams.length, 1);
});

test('a worker that has died is told as a loss, and there is another', async (t) => {
	const { clock, streams, openTab, killWorker } = await createBrowser(t);
	const { statuses, events } = await openTab();
	await killWorker();
	await clock.pass(60_000);
	assert.deepEqual(statuses.slice(-3), ['lost', 'connecting', 'connected']);
	streams[1].body.write(frame(CREATED));
	await clock.settle();
	assert.deepEqual(events, [CREATED]);
});
