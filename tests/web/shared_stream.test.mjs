// The stream of events of all tabs when something of it fails: emud that says nothing, tabs that crash, a worker that dies or does not come.

/* global PageTransitionEvent, dispatchEvent */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { BUILD } from '../lib/firmware.mjs';
import { shareBrowser, signIn } from '../lib/page.mjs';
import { attachToWorker } from '../lib/shared_worker.mjs';

/** @typedef {import('playwright-core').Page} Page @typedef {import('../lib/client.mjs').Client} Client */

const { openPage } = shareBrowser();
const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);
const lost = (/** @type {Page} */ page) => page.locator('#lost').filter({ hasText: 'emud does not answer' });
const create = (/** @type {Client} */ client, /** @type {string} */ id) => client.put(`/instances/${id}`, { json: { target: 'board', start: false }, expect: 201 });
const listeners = async (/** @type {Client} */ client) => (await client.get('/service')).json.event_listeners;

/** @param {Page} page */
async function openAnother(page) {
	const other = await page.context().newPage();
	await other.goto(page.url());
	return other;
}

/** @param {Page} page */
async function crash(page) {
	const session = await page.context().newCDPSession(page);
	const crashed = new Promise((resolve) => page.once('crash', resolve));
	session.send('Page.crash').catch(() => {});
	await within(crashed, 'the tab to crash');
}

test('an emud that says nothing any more is told, and what changed is there when it speaks again', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await create(client, 'stays');
	const page = await openPage(t, { url: emud.baseUrl, expected: /ERR_/ });
	await rowOf(page, 'stays').waitFor();
	await until(async () => (await listeners(client)) === 1, 'the stream of events');
	const { run } = await attachToWorker(page);
	// Two minutes in six seconds: the limits are those of a real network.
	await run('const slow = setTimeout; setTimeout = (call, ms) => slow(call, ms / 20); 0');
	await create(client, 'last-word');
	await rowOf(page, 'last-word').waitFor();
	emud.process?.kill('SIGSTOP');
	try {
		await lost(page).waitFor();
		await run('setTimeout = slow; 0');
	} finally {
		emud.process?.kill('SIGCONT');
	}
	await create(client, 'came');
	await rowOf(page, 'came').waitFor();
	await page.locator('#lost').waitFor({ state: 'hidden' });
	await until(async () => (await listeners(client)) === 1, 'the given-up streams to be closed');
});

test('a list that never comes does not hold up the stream of events', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: 'about:blank', expected: /ERR_/ });
	await page.route('**/v1/instances?*', () => {});
	await page.goto(emud.baseUrl);
	await until(async () => (await listeners(emud.client())) === 1, 'the stream of events');
	await create(emud.client(), 'told');
	await rowOf(page, 'told').waitFor();
});

test('a tab that crashes or sleeps is forgotten, and the others live on; when the worker dies with it, too', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const host = await openPage(t, { url: emud.baseUrl });
	await until(async () => (await listeners(client)) === 1, 'the stream of events');
	const [second, third] = [await openAnother(host), await openAnother(host)];
	await create(client, 'one');
	for (const page of [host, second, third]) await rowOf(page, 'one').waitFor();
	const { run, detach } = await attachToWorker(host);
	await run(`const now = performance.now.bind(performance), post = MessagePort.prototype.postMessage, told = new Set();
		performance.now = () => now() * 1e6;
		MessagePort.prototype.postMessage = function (message) { if (message.event) told.add(this); post.call(this, message); }; 0`);
	let count = 0;
	/** Signs of life of emud's, and a beat with each, until the worker tells that many tabs. @param {number} tabs */
	const beatUntil = (tabs) => until(async () => {
		await run('told.clear(); 0');
		await create(client, `beat-${++count}`);
		await rowOf(host, `beat-${count}`).waitFor();
		return (await run('told.size')) === tabs;
	}, `${tabs} tabs to be left`);
	await crash(third);
	await beatUntil(2);
	assert.ok(count > 3, `after ${count} beats`);
	const sleeper = await second.context().newCDPSession(second);
	await sleeper.send('Debugger.enable');
	await sleeper.send('Debugger.pause');
	await beatUntil(1);
	await client.delete('/instances/one');
	await sleeper.send('Debugger.resume');
	await sleeper.detach();
	await rowOf(second, `beat-${count}`).waitFor();
	await rowOf(second, 'one').waitFor({ state: 'detached' });
	await detach();
	await crash(host);
	await until(async () => (await listeners(client)) === 0, 'the stream to go with its worker');
	// As when the tab is looked at.
	await second.evaluate(() => void dispatchEvent(new Event('online')));
	await until(async () => (await listeners(client)) === 1, 'a new worker');
	await create(client, 'two');
	await rowOf(second, 'two').waitFor();
	await crash(second);
	await until(async () => (await listeners(client)) === 0, 'the stream to go with the last tab');
});

test('where the worker\'s script does not come, a page has a stream of its own', async (t) => {
	const share = `${BUILD}/share-without-worker-${process.pid}`;
	t.after(() => rmSync(share, { recursive: true, force: true }));
	cpSync(path.join(BUILD, 'share/emud'), share, { recursive: true });
	rmSync(path.join(share, 'web/lib/feed_worker.js'));
	const emud = await startEmud(t, { env: { EMUD_SHARE: share } });
	const page = await openPage(t, { url: emud.baseUrl, expected: /404|ERR_/ });
	await until(async () => (await listeners(emud.client())) === 1, 'the stream of events');
	await create(emud.client(), 'told');
	await rowOf(page, 'told').waitFor();
});

test('a page that is left and comes back from the browser\'s memory has what was typed, and catches up', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const page = await openPage(t, { url: emud.baseUrl });
	await create(client, 'one');
	await rowOf(page, 'one').waitFor();
	await page.getByLabel('Filter').fill('o');
	await page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
	await until(async () => (await listeners(client)) === 0, 'the stream to be let go');
	await create(client, 'two');
	await page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
	await rowOf(page, 'two').waitFor();
	assert.equal(await page.getByLabel('Filter').inputValue(), 'o');
	assert.equal(await listeners(client), 1);
});

test('a token that is given in one tab is asked for in no other', async (t) => {
	const emud = await startEmud(t, { tokens: 'browser-token-4712\n' });
	const client = emud.client({ token: 'browser-token-4712' });
	await create(client, 'guarded');
	const first = await openPage(t, { url: emud.baseUrl, expected: /401/ });
	const second = await openAnother(first);
	for (const page of [first, second]) await page.getByRole('dialog').waitFor();
	await signIn(second, 'browser-token-4712');
	for (const page of [first, second]) {
		await rowOf(page, 'guarded').waitFor();
		await page.getByRole('dialog').waitFor({ state: 'hidden' });
	}
	await create(client, 'live');
	for (const page of [first, second]) await rowOf(page, 'live').waitFor();
	assert.equal(await listeners(client), 1);
});

/** Hands over a stream of events that the test writes, and counts the lists that are asked for. */
function fakeStream() {
	const page = /** @type {any} */ (globalThis);
	const ask = fetch;
	page.lists = 0;
	delete page.SharedWorker;
	Object.defineProperty(document, 'hidden', { get: () => page.isHidden ?? false });
	page.fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
		if (url.startsWith('/v1/instances?')) page.lists++;
		if (!url.startsWith('/v1/events?samples')) return ask(url, init);
		const body = new ReadableStream({ start: (stream) => void (page.tell = (/** @type {string} */ type, /** @type {object} */ told) =>
			stream.enqueue(new TextEncoder().encode(`event: ${type}\ndata: ${JSON.stringify(told)}\n\n`))) });
		return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
	};
}

test('where events were dropped all is loaded anew, by a tab that nobody sees when somebody does', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const page = await openPage(t, { url: 'about:blank' });
	await page.addInitScript(fakeStream);
	await page.goto(emud.baseUrl);
	const tell = (/** @type {string} */ type, /** @type {object} */ told) => page.evaluate(([name, event]) => /** @type {any} */ (globalThis).tell(name, event), [type, told]);
	const lists = () => page.evaluate(() => /** @type {any} */ (globalThis).lists);
	await page.waitForFunction(() => /** @type {any} */ (globalThis).tell && /** @type {any} */ (globalThis).lists === 2);
	await create(client, 'one');
	await tell('events.dropped', { since: 1, first_id: 5 });
	await rowOf(page, 'one').waitFor();
	await page.evaluate(() => void (/** @type {any} */ (globalThis).isHidden = true));
	await create(client, 'two');
	const before = await lists();
	await tell('events.dropped', { since: 5, first_id: 9 });
	await tell('instance.created', { id: 9, time: new Date().toISOString(), type: 'instance.created', actor: null, instance: 'told', data: { target: 'board', state: 'created', labels: {} } });
	await rowOf(page, 'told').waitFor();
	assert.equal(await lists(), before, 'not while nobody sees it');
	await page.evaluate(() => {
		/** @type {any} */ (globalThis).isHidden = false;
		document.dispatchEvent(new Event('visibilitychange'));
	});
	await rowOf(page, 'two').waitFor();
});

test('a table of events begins anew with an emud that has another state directory', async (t) => {
	const emud = await startEmud(t);
	await create(emud.client(), 'same');
	for (let count = 0; count < 3; count++) await emud.client().put(`/instances/more-${count}`, { json: { target: 'board', start: false }, expect: 201 });
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/same/events`, expected: /ERR_|404/ });
	const rows = page.locator('tr[data-event]');
	await rows.first().waitFor();
	await until(async () => (await listeners(emud.client())) === 1, 'the stream of events');
	await emud.client().post('/instances/same/start');
	await rows.filter({ hasText: 'running' }).first().waitFor();
	await emud.client().post('/instances/same/stop');
	await emud.end();
	await lost(page).waitFor();
	rmSync(emud.stateDir, { recursive: true });
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await create(emud.client(), 'same');
	await page.getByText(/^1 event$/).waitFor();
	await emud.client().post('/instances/same/start');
	await rows.filter({ hasText: 'running' }).first().waitFor();
});

test('a view whose module fails once is had by loading the page again, and one that goes on failing when it is chosen again', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: emud.baseUrl, expected: /502|ERR_/ });
	await until(async () => (await listeners(emud.client())) === 1, 'the stream of events');
	let failures = 1;
	await page.route(/\/ui\/views\/(files|targets)\.js/, (route) => (failures-- > 0 ? route.fulfill({ status: 502 }) : route.continue()));
	await page.getByRole('link', { name: 'Files' }).click();
	await page.getByRole('heading', { name: 'Files', exact: true }).waitFor();
	failures = 2;
	await page.getByRole('link', { name: 'Targets' }).click();
	await page.getByRole('alert').filter({ hasText: 'choose it again' }).waitFor();
	assert.equal(failures, 0, 'asked for twice, and no more');
	await page.getByRole('link', { name: 'Targets' }).click();
	await page.getByRole('heading', { name: 'Targets', exact: true }).waitFor();
	assert.equal(await page.locator('#pages [aria-current]').textContent(), 'Targets');
});

test('a tab whose module did not come says so in its place, and is there when emud is', async (t) => {
	const emud = await startEmud(t);
	await create(emud.client(), 'idle');
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/idle/events`, expected: /ERR_/ });
	const panel = page.getByRole('tabpanel');
	await panel.locator('tr[data-event]').first().waitFor();
	await until(async () => (await listeners(emud.client())) === 1, 'the stream of events');
	await emud.end('SIGKILL');
	await lost(page).waitFor();
	for (const name of ['Details', 'Logs', 'Details']) await page.getByRole('tab', { name }).click();
	await panel.getByText('emud did not send this page').waitFor();
	assert.equal(await panel.locator('tr[data-event]').count(), 0);
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await panel.locator('dl').waitFor();
});

test('who signs out is asked for a token, in every tab', async (t) => {
	const token = 'browser-token-4713';
	const emud = await startEmud(t, { tokens: `${token}\n` });
	await create(emud.client({ token }), 'guarded');
	const first = await openPage(t, { url: emud.baseUrl, expected: /401|ERR_/ });
	await signIn(first, token);
	await rowOf(first, 'guarded').waitFor();
	const second = await openAnother(first);
	await rowOf(second, 'guarded').waitFor();
	await second.getByRole('button', { name: 'Sign out' }).click();
	for (const page of [first, second]) await page.getByRole('dialog').waitFor();
	assert.equal(await rowOf(second, 'guarded').count(), 0);
	const isCovered = () => first.getByRole('dialog').evaluate((dialog) =>
		getComputedStyle(dialog, '::backdrop').backgroundColor === getComputedStyle(document.body).backgroundColor);
	assert.ok(await isCovered(), 'what the first one still shows is seen');
	await signIn(first, token);
	for (const page of [first, second]) {
		await page.getByRole('dialog').waitFor({ state: 'hidden' });
		await rowOf(page, 'guarded').waitFor();
		assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
	}
});

test('a view that emud could not send is there when emud is', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: emud.baseUrl, expected: /ERR_/ });
	await page.getByRole('heading', { name: 'No boards yet' }).waitFor();
	await until(async () => (await listeners(emud.client())) === 1, 'the stream of events');
	await emud.end('SIGKILL');
	await lost(page).waitFor();
	const notice = page.getByRole('alert').filter({ hasText: 'did not send this page' });
	for (const name of ['Files', 'Service', 'Targets']) {
		const failed = page.waitForEvent('requestfailed', (request) => request.url().endsWith(`/views/${name.toLowerCase()}.js`));
		await page.getByRole('link', { name }).click();
		await failed;
		await notice.waitFor();
	}
	assert.equal(await notice.count(), 1, 'told once, however often it is tried');
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await page.locator('tr[data-id="board"]').waitFor();
});
