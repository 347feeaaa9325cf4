// What must hold of the page as a whole: one stream of events, one question for a token, a server that is lost and back, many instances.

/* global Element, MutationObserver, location, requestAnimationFrame */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { MOCK_DRIVER, mockTarget } from '../lib/mock.mjs';
import { shareBrowser, signIn } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const MANY = 500;
const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);

/** A fresh renderer on a machine shared with other tests: what is measured is told, what is asserted only tells a page that drags. */
const SLOW_MS = 3000;

test('tabs share one stream of events, and a tab that comes later knows as much', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('seen', 'hello');
	const first = await openPage(t, { url: emud.baseUrl });
	const lastLine = (/** @type {Page} */ page) => rowOf(page, 'seen').locator('.line').filter({ hasText: 'Hello' });
	await lastLine(first).waitFor();
	const second = await first.context().newPage();
	await second.goto(emud.baseUrl);
	await lastLine(second).waitFor();
	assert.equal((await client.get('/service')).json.event_listeners, 1);
	await client.post('/instances/seen/pause');
	for (const page of [first, second]) await rowOf(page, 'seen').locator('.state').filter({ hasText: 'paused' }).waitFor();
	await first.close();
	await client.post('/instances/seen/resume');
	await rowOf(second, 'seen').locator('.state').filter({ hasText: 'running' }).waitFor();
	await second.close();
	await until(async () => (await client.get('/service')).json.event_listeners === 0, 'the stream to be let go with its last tab');
});

test('a lost server is told, and what changed meanwhile is there without a reload', async (t) => {
	const emud = await startEmud(t);
	await emud.client().startBoard('stays', 'echo');
	const page = await openPage(t, { url: emud.baseUrl, expected: /ERR_|404/ });
	await rowOf(page, 'stays').waitFor();
	await page.evaluate(() => void (/** @type {any} */ (globalThis).isSamePage = true));
	const other = await page.context().newPage();
	await other.goto(`${emud.baseUrl}/#/instances/stays`);
	await other.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
	await emud.end('SIGKILL');
	await page.getByRole('alert').filter({ hasText: 'emud does not answer' }).waitFor();
	const notice = other.locator('.notice');
	await other.locator('#lost').waitFor();
	await other.getByRole('button', { name: 'Pause', exact: true }).click();
	await notice.waitFor();
	await page.getByLabel('Choose all that are shown').check();
	await page.getByRole('group', { name: 'Actions on the chosen' }).getByRole('button', { name: 'Stop', exact: true }).click();
	await page.locator('.notice').waitFor();
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await emud.client().put('/instances/came', { json: { target: 'board', start: false }, expect: 201 });
	await rowOf(page, 'came').waitFor();
	await page.locator('#lost').waitFor({ state: 'hidden' });
	// Who asked for something goes on knowing that nobody said whether it was done.
	assert.deepEqual(await notice.locator('p').allTextContents(), ['Pause of stays had no answer: whether it was done shows when emud is back.']);
	assert.deepEqual(await page.locator('.notice p').allTextContents(), ['Stop of stays had no answer: whether it was done shows when emud is back.']);
	await notice.getByRole('button', { name: 'Dismiss' }).click();
	await notice.waitFor({ state: 'detached' });
	assert.equal(await rowOf(page, 'stays').locator('.state').textContent(), 'running');
	assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).isSamePage), true);
});

test('a token is asked for once, and again when it is wrong', async (t) => {
	const emud = await startEmud(t, { tokens: 'browser-token-4711\n' });
	await emud.client({ token: 'browser-token-4711' }).startBoard('guarded', 'echo');
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/guarded`, expected: /401|404/ });
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Token').fill('wrong');
	await dialog.getByRole('button', { name: 'Sign in' }).click();
	await dialog.getByText('That token is not known here.').waitFor();
	await signIn(page, 'browser-token-4711');
	await page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
	await page.reload();
	await page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
	const other = await page.context().newPage();
	await other.goto(emud.baseUrl);
	await rowOf(other, 'guarded').waitFor();
	assert.equal(await dialog.count() + await other.getByRole('dialog').count(), 0);
});

test(`${MANY} instances are there at once, and an event is on screen at once`, async (t) => {
	const emud = await startEmud(t, { pwEmu: { emulators: { mock: { driver: [MOCK_DRIVER] } } }, targets: { mock: mockTarget() } });
	const client = emud.client();
	for (let first = 0; first < MANY; first += 20)
		await Promise.all(Array.from({ length: 20 }, (_, index) => client.put(`/instances/many-${first + index}`, { json: { target: 'mock', start: false }, expect: 201 })));
	const page = await openPage(t, { url: 'about:blank', expected: /ERR_/ });
	await page.goto(emud.baseUrl);
	await rowOf(page, `many-${MANY - 1}`).waitFor();
	assert.equal(await page.locator('tbody tr').count(), MANY);
	const loads = [];
	for (let count = 0; count < 3; count++) {
		await page.goto('about:blank');
		await page.goto(emud.baseUrl, { waitUntil: 'commit' });
		loads.push(await page.evaluate(() => new Promise((resolve) => {
			const look = () => (document.querySelector('tbody tr') ? requestAnimationFrame(() => resolve(performance.now())) : setTimeout(look, 1));
			look();
		})));
	}
	t.diagnostic(`first content after ${loads.map((ms) => Math.round(Number(ms))).join(', ')} ms`);
	assert.ok(Math.min(...loads.map(Number)) < SLOW_MS);
	// From the request in the page itself to the row that is gone: more than an event takes.
	await page.locator('tbody tr').nth(MANY - 1).waitFor();
	const took = await page.evaluate(async () => {
		const body = /** @type {Node} */ (document.querySelector('tbody'));
		const shown = new Promise((resolve) => new MutationObserver(() => document.querySelector('tr[data-id="many-250"]') ?? resolve(performance.now()))
			.observe(body, { childList: true }));
		const begin = performance.now();
		await fetch('/v1/instances/many-250', { method: 'DELETE' });
		return Number(await shown) - begin;
	});
	t.diagnostic(`an event on screen ${Math.round(took)} ms after its cause`);
	assert.ok(took < SLOW_MS);
});

test('where the browser keeps nothing for a page, and has no worker for it, it is all there nevertheless', async (t) => {
	const emud = await startEmud(t);
	await emud.client().startBoard('seen', 'echo');
	const page = await openPage(t, { url: 'about:blank' });
	await page.addInitScript(() => {
		const refuse = () => {
			throw new DOMException('Access is denied for this document.', 'SecurityError');
		};
		Object.defineProperty(globalThis, 'localStorage', { get: refuse });
		Object.defineProperty(globalThis, 'SharedWorker', { value: refuse });
	});
	await page.goto(`${emud.baseUrl}/#/instances/seen/properties`);
	await page.getByRole('treeitem').first().waitFor();
	await page.getByLabel('Theme').selectOption('dark');
	assert.equal(await page.evaluate(() => document.documentElement.style.colorScheme), 'dark');
	await until(async () => (await emud.client().get('/service')).json.event_listeners === 1, 'the stream of events');
});

test('the page that is shown is marked in the bar, and told who hears it', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: emud.baseUrl, expected: /404/ });
	for (const [hash, name, title] of [['', 'Instances'], ['#/new', 'Instances', 'New instance'], ['#/runs', 'Runs'], ['#/new-run', 'Runs', 'New run'], ['#/runs/1', 'Runs', 'Run 1'],
		['#/instances/nobody', 'Instances', 'nobody'], ['#/service', 'Service']]) {
		await page.evaluate((there) => void (there && (location.hash = there)), hash);
		await page.waitForFunction((wanted) => document.title.startsWith(wanted), `${title ?? name} `);
		assert.deepEqual(await page.locator('#pages [aria-current]').allTextContents(), [name], hash);
		if (hash) await page.locator('#announcer').filter({ hasText: `${title ?? name} – emud` }).waitFor({ state: 'attached' });
	}
});

test('events that come while a table of them is looked at are not read out, not even their count', async (t) => {
	const emud = await startEmud(t);
	await emud.client().put('/instances/idle', { json: { target: 'board', start: false }, expect: 201 });
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/idle/events` });
	const rows = page.locator('tr[data-event]');
	await rows.first().waitFor();
	await page.evaluate(() => {
		/** @type {any} */ (globalThis).told = [];
		new MutationObserver((records) => {
			for (const { target } of records) {
				const region = (target instanceof Element ? target : target.parentElement)?.closest('[role="status"], [role="alert"], [aria-live]');
				if (region && !region.closest('h1')) /** @type {any} */ (globalThis).told.push(region.textContent);
			}
		}).observe(document.body, { subtree: true, childList: true, characterData: true });
	});
	await emud.client().post('/instances/idle/start');
	await rows.filter({ hasText: 'running' }).first().waitFor();
	await page.getByText(/^\d+ events$/).waitFor();
	assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).told), []);
});

test('what never had an answer since the connection was lost ends when it is back: its button can be pressed again', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const { id } = (await client.post('/runs', { json: { target: 'board', file: firmware('hello'), pass: ['Hello'] } })).json;
	const page = await openPage(t, { url: 'about:blank', expected: /ERR_/ });
	await page.addInitScript(() => {
		const slow = setTimeout;
		/** @type {any} */ (globalThis).setTimeout = (/** @type {() => void} */ call, /** @type {number} */ ms) => slow(call, ms === 30_000 ? 300 : ms);
	});
	await page.route('**/rerun?*', () => {}, { times: 1 });
	await page.goto(`${emud.baseUrl}/#/runs/${id}`);
	const again = page.getByRole('button', { name: 'Run again' });
	await again.click();
	await page.locator('button[aria-disabled="true"]').filter({ hasText: 'Run again' }).waitFor();
	await emud.end('SIGKILL');
	await page.locator('#lost').waitFor();
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await page.locator('.notice').filter({ hasText: 'had no answer' }).waitFor();
	await again.click();
	await page.waitForURL(/#\/runs\/(?!1$)/);
});

test('a list that has no answer in time is told until emud is lost and back, and asked for again', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: 'about:blank', expected: /ERR_/ });
	await page.addInitScript(() => {
		const timeout = AbortSignal.timeout.bind(AbortSignal);
		AbortSignal.timeout = (ms) => timeout(ms / 20);
	});
	let isHeld = true;
	await page.route('**/v1/targets?*', (route) => (isHeld ? undefined : route.continue()));
	await page.goto(`${emud.baseUrl}/#/targets`);
	const notice = page.locator('.notice').filter({ hasText: 'emud does not answer' });
	await notice.waitFor();
	isHeld = false;
	await page.locator('tr[data-id="board"]').waitFor();
	assert.equal(await notice.count(), 1);
	await emud.end('SIGKILL');
	await page.locator('#lost').waitFor();
	assert.equal(await notice.count(), 1);
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await notice.waitFor({ state: 'detached' });
});

test('the API\'s documents show every call of the specification, are dark where the dashboard is, and lead back to it', async (t) => {
	const { operations } = await import('../lib/specification.mjs');
	const emud = await startEmud(t);
	const page = await openPage(t, { url: `${emud.baseUrl}/docs` });
	await page.locator('.opblock').first().waitFor();
	assert.equal(await page.locator('.opblock').count(), operations.length);
	await page.getByRole('link', { name: 'emud', exact: true }).click();
	// What is chosen before the modules are there is not heard.
	await page.getByText('No boards yet').waitFor();
	await page.getByLabel('Theme').selectOption('dark');
	await page.getByRole('link', { name: 'API' }).click();
	await page.locator('.opblock').first().waitFor();
	assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), 'rgb(28, 32, 34)');
	await page.getByRole('link', { name: 'Runs', exact: true }).click();
	await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
});
