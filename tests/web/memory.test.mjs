// Hours of a lab in some seconds: what the page and its worker hold does not grow with what has passed through them.

/* global location, requestAnimationFrame */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { mockEmulator, mockTarget } from '../lib/mock.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { attachToWorker } from '../lib/shared_worker.mjs';

/** @typedef {import('playwright-core').Page} Page @typedef {import('../lib/client.mjs').Client} Client */
/** @typedef {{heap: number, nodes: number, listeners: number, sockets: number, notices: number, workerHeap: number, ports: number}} Held */

const { openPage } = shareBrowser();
/** The first two fill what is kept up to a bound, and have the browser translate what is used often; the last two are compared. */
const EVENTS = [2000, 2000, 20_000, 20_000];
const BATCH = 200;
const BOARDS = 40;
/** What a garbage collector and a compiler make of the same work. */
const HEAP_NOISE = 400_000;
const NODE_NOISE = 20;

/** Its address, and what is there once it is. */
const PAGES = {
	'#/instances': 'tr[data-id="board-1"]',
	'#/instances/board-1': '.xterm-rows',
	'#/instances/board-1/properties': '[role="tree"] li, [role="treeitem"]',
	'#/instances/board-1/debug': '.panel > *',
	'#/instances/board-1/logs': '.panel > *',
	'#/instances/board-1/usage': '.panel canvas',
	'#/instances/board-1/events': '.panel td',
	'#/instances/board-1/details': '.panel dl',
	'#/instances/nobody': '.panel a',
	'#/new': 'option[value="board"]',
	'#/runs': 'main table tbody tr',
	'#/runs/1': '.panel > *',
	'#/runs/1/tests': '.panel > *',
	'#/runs/1/events': '.panel td',
	'#/runs/1/details': '.panel dl',
	'#/new-run?from=1': 'form',
	'#/targets': 'tr[data-id="board"]',
	'#/files': 'main h1',
	'#/service': 'section[aria-label="Limits"] dl',
};

/** @param {Page} page @param {string} hash */
async function goTo(page, hash) {
	await page.evaluate((to) => {
		const outlet = /** @type {HTMLElement} */ (document.querySelector('main'));
		outlet.firstElementChild?.setAttribute('data-before', '');
		location.hash = to;
	}, hash);
	await page.locator('main [data-before]').waitFor({ state: 'detached' });
	await page.locator(PAGES[/** @type {keyof PAGES} */ (hash)]).first().waitFor({ state: 'attached' });
}

/** The page's own store, which nothing hands out. @param {Page} page @param {Client} client */
async function findStore(page, client) {
	await page.evaluate(async () => {
		const { Store } = await import(String('/ui/lib/store.js'));
		const { flush } = Store.prototype;
		Store.prototype.flush = function () {
			Store.prototype.flush = flush;
			/** @type {any} */ (globalThis).store = this;
			flush.call(this);
		};
	});
	await client.put('/instances/shows-it', { json: { target: 'board', start: false }, expect: 201 });
	await page.waitForFunction(() => 'store' in globalThis);
}

/** Lives of instances and runs as events tell them, each from its beginning to its end. @param {{events: number, batch: number}} extent */
async function tellLives({ events, batch }) {
	const { store } = /** @type {any} */ (globalThis);
	const state = (/** @type {string} */ is, more = {}) => ['instance.state', { state: is, start_number: 1, ...more }];
	const life = [
		['instance.created', { target: 'board', emulator: 'qemu', labels: { of: 'lives' }, state: 'created' }], state('starting'), state('running'),
		...Array.from({ length: 10 }, (_, count) => ['instance.sample', { cpu: count / 10, rss_bytes: 1e6 * count, line: `line ${count} of a board's console` }]),
		['run.state', { state: 'queued', target: 'board' }], ['run.state', { state: 'running' }], ['run.state', { state: 'ended', verdict: 'passed' }], ['run.deleted', {}],
		state('exited', { exit: { code: 0, signal: null, reason: 'exited', detail: null } }), ['file.deleted', {}], ['instance.deleted', {}],
	];
	for (let told = 0; told < events;) {
		const first = told;
		for (const [type, data] of life) {
			for (let at = 0; at < batch; at++) store.apply({ id: ++told, time: new Date().toISOString(), type, actor: 'me', instance: `life-${first + at}`, run: String(1e6 + first + at), data });
			await new Promise((resolve) => requestAnimationFrame(resolve));
		}
	}
}

/** Boards that really come, run and go. @param {Page} page @param {Client} client @param {number} round */
async function runBoards(page, client, round) {
	const ids = Array.from({ length: BOARDS }, (_, index) => `mock-${round}-${index}`);
	for (let first = 0; first < BOARDS; first += 10)
		await Promise.all(ids.slice(first, first + 10).map((id) => client.put(`/instances/${id}`, { json: { target: 'mock' }, expect: 201 })));
	await page.locator(`tr[data-id="${ids[BOARDS - 1]}"]`).waitFor({ state: 'attached' });
	for (let first = 0; first < BOARDS; first += 10) await Promise.all(ids.slice(first, first + 10).map((id) => client.delete(`/instances/${id}`)));
	await page.locator('tr[data-id^="mock-"]').first().waitFor({ state: 'detached' });
	const other = await page.context().newPage();
	await other.goto(page.url());
	await other.locator('tr[data-id="board-1"]').waitFor();
	await other.close();
}

/** @param {Page} page @param {Client} client @returns {Promise<() => Promise<Held>>} */
async function watchPage(page, client) {
	const session = await page.context().newCDPSession(page);
	await session.send('Performance.enable');
	const worker = await attachToWorker(page);
	let sockets = 0;
	page.on('websocket', (socket) => {
		sockets++;
		socket.on('close', () => sockets--);
	});
	await worker.run(`const post = MessagePort.prototype.postMessage, told = new Set();
		MessagePort.prototype.postMessage = function (message) { if (message.event) told.add(this); post.call(this, message); }; 0`);
	return async () => {
		await until(() => sockets === 0, 'the consoles\' sockets to be closed');
		await worker.run('told.clear(); 0');
		await client.post('/instances/board-1/pause');
		await page.locator('tr[data-id="board-1"] .state').filter({ hasText: 'paused' }).waitFor();
		await client.post('/instances/board-1/resume');
		await page.locator('tr[data-id="board-1"] .state').filter({ hasText: 'running' }).waitFor();
		const ports = await worker.run('told.size');
		for (let count = 0; count < 3; count++) await session.send('HeapProfiler.collectGarbage');
		const { metrics } = await session.send('Performance.getMetrics');
		const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters');
		await worker.run('told.clear(); 0');
		await worker.send('HeapProfiler.collectGarbage');
		return {
			heap: metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? NaN, nodes, listeners: jsEventListeners, sockets,
			notices: await page.locator('.notice').count(),
			workerHeap: (await worker.send('Runtime.getHeapUsage')).usedSize, ports,
		};
	};
}

test('memory does not grow with events, samples, boards that come and go, or pages that are shown', async (t) => {
	const emud = await startEmud(t, { pwEmu: mockEmulator(), targets: { mock: mockTarget() } });
	const client = emud.client();
	await client.startBoard('board-1', 'echo');
	await client.post('/runs', { json: { target: 'board', file: firmware('passed'), pass: ['PASSED'] } });
	const page = await openPage(t, { url: emud.baseUrl, expected: /404/ });
	await findStore(page, client);
	const measure = await watchPage(page, client);
	/** @type {Held[]} */
	const held = [];
	const pages = Object.keys(PAGES);
	for (const [round, events] of EVENTS.entries()) {
		await within(page.evaluate(tellLives, { events, batch: BATCH }), 'the events to be taken', 60_000);
		await runBoards(page, client, round);
		for (const hash of [...pages.slice(1), ...pages, '#/instances']) await goTo(page, hash);
		held.push(await measure());
		t.diagnostic(JSON.stringify(held[round]));
	}
	const [before, after] = held.slice(-2);
	for (const { sockets, notices, ports } of held) assert.deepEqual([sockets, notices, ports], [0, 0, 1]);
	assert.ok(after.nodes - before.nodes < NODE_NOISE, 'nodes of the document');
	assert.ok(after.listeners - before.listeners < NODE_NOISE, 'event listeners');
	assert.ok(after.heap - before.heap < HEAP_NOISE, 'the page\'s heap');
	assert.ok(after.workerHeap - before.workerHeap < HEAP_NOISE, 'the worker\'s heap');
});
