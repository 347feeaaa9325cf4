// The tabs of an instance in a real browser: properties, logs, usage, events, details.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { mockEmulator, mockTarget } from '../lib/mock.mjs';
import { setHidden, shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const MARKUP = '<img src=x onerror=alert(1)>';
const SAY_MARKUP = ['sh', '-c', `echo '${MARKUP}'; read -r word; exec sleep 600`];

const { openPage } = shareBrowser();
const shared = shareEmud({
	pwEmu: mockEmulator(),
	targets: {
		mock: mockTarget(),
		'board-markup': makeBoard({}, { 'pre-start-cmds': { helper: SAY_MARKUP } }),
		'board-noisy': makeBoard({}, { 'pre-start-cmds': { helper: ['sh', '-c', 'trap "echo one more" USR1; yes "line of a log" | head -c 3000000; while :; do sleep 600 & wait $!; done'] } }),
	},
});

/**
 * @param {import('node:test').TestContext} t
 * @param {string} id
 * @param {string} tab
 * @param {{url?: string, expected?: RegExp, context?: import('playwright-core').BrowserContextOptions}} [options]
 */
const openTab = (t, id, tab, { url = shared.emud.baseUrl, ...options } = {}) => openPage(t, { url: `${url}/#/instances/${id}/${tab}`, ...options });

const treeItem = (/** @type {Page} */ page, /** @type {string} */ name) =>
	page.getByRole('treeitem').filter({ has: page.locator('.name').getByText(name, { exact: true }) });
const button = (/** @type {Page} */ page, /** @type {string | RegExp} */ name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const focusedName = (/** @type {Page} */ page) => page.evaluate(() => document.activeElement?.querySelector('.name')?.textContent);

/** @param {Page} page @param {string[]} path */
async function openObjects(page, path) {
	for (const name of path) await treeItem(page, name).click();
}

/** @param {string} id @param {string} path @param {string} name */
const readProperty = async (id, path, name) => (await shared.client.get(`/instances/${id}/property?${new URLSearchParams({ path, name })}`)).json.value;

test('a property is found in the tree, read, set, and an error stands at its field', async (t) => {
	await shared.client.startBoard('props', 'hello');
	const page = await openTab(t, 'props', 'properties', { expected: /422/ });
	await openObjects(page, ['machine']);
	await treeItem(page, 'dump-guest-core').click();
	const value = page.getByLabel('New value');
	await page.waitForFunction(() => document.querySelector('textarea')?.value === 'true');
	await value.fill('false');
	await button(page, 'Set').click();
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	assert.equal(await readProperty('props', '/machine', 'dump-guest-core'), false);
	assert.match((await treeItem(page, 'dump-guest-core').textContent()) ?? '', /false/);
	await shared.client.post('/instances/props/restart');
	await page.locator('output.value').filter({ hasText: 'true' }).waitFor();
	assert.equal(await page.getByRole('status').filter({ hasText: 'Set.' }).count(), 0);
	await value.fill('false');
	await button(page, 'Set').click();
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	await value.fill('nonsense');
	await button(page, 'Set').click();
	await page.getByText('This is no JSON').waitFor();
	await value.fill('"soon"');
	await button(page, 'Set').click();
	await page.getByText('expected: boolean').waitFor();
	assert.equal(await value.getAttribute('aria-invalid'), 'true');
	assert.match((await page.getByLabel('The same with curl').textContent()) ?? '', /-X PUT .*property\?path=%2Fmachine&name=dump-guest-core/);
	assert.equal(await readProperty('props', '/machine', 'dump-guest-core'), false);
});

test('what is typed while a value is set or read stays', async (t) => {
	await shared.client.startBoard('typed', 'hello');
	const page = await openTab(t, 'typed', 'properties');
	await openObjects(page, ['machine']);
	await treeItem(page, 'dump-guest-core').click();
	const value = page.getByLabel('New value');
	await page.waitForFunction(() => document.querySelector('textarea')?.value === 'true');
	/** @type {(go: unknown) => void} */
	let go = () => {};
	const held = new Promise((resolve) => (go = resolve));
	await page.route('**/property?*', async (route) => {
		if (route.request().method() === 'PUT') await held;
		await route.continue();
	});
	await value.fill('false');
	await Promise.all([page.waitForRequest((request) => request.method() === 'PUT'), button(page, 'Set').click()]);
	await value.fill('tr');
	go(null);
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	assert.equal(await value.inputValue(), 'tr');
	await shared.client.put('/instances/typed/property?path=/machine&name=dump-guest-core', { json: { value: true } });
	await button(page, 'Read again').click();
	await page.locator('output.value').filter({ hasText: 'true' }).waitFor();
	assert.equal(await value.inputValue(), 'tr');
});

test('the tree is walked by keyboard', async (t) => {
	await shared.client.startBoard('walked', 'hello');
	const page = await openTab(t, 'walked', 'properties');
	await treeItem(page, 'backend').focus();
	for (const [key, name] of [['ArrowDown', 'chardevs'], ['ArrowDown', 'machine'], ['End', 'type'], ['Home', 'backend'], ['m', 'machine']]) {
		await page.keyboard.press(key);
		assert.equal(await focusedName(page), name, key);
	}
	await page.keyboard.press('ArrowRight');
	await treeItem(page, 'unattached').waitFor();
	await page.keyboard.press('ArrowRight');
	assert.equal(await focusedName(page), 'peripheral');
	await page.keyboard.type('gra');
	assert.equal(await focusedName(page), 'graphics');
	await page.keyboard.press('Enter');
	await page.getByRole('heading', { name: 'graphics' }).waitFor();
	await page.keyboard.press('ArrowLeft');
	assert.equal(await focusedName(page), 'machine');
	await page.keyboard.press('ArrowLeft');
	assert.equal(await treeItem(page, 'machine').getAttribute('aria-expanded'), 'false');
	assert.equal(await page.locator('[role=treeitem][tabindex="0"]').count(), 1);
});

test('pinned properties stay with the target, refresh, and go', async (t) => {
	await shared.client.startBoard('pinned', 'hello');
	const page = await openTab(t, 'pinned', 'properties');
	await openObjects(page, ['machine']);
	await treeItem(page, 'dump-guest-core').click();
	await button(page, 'Pin').click();
	const row = page.getByRole('region', { name: 'Pinned properties' }).locator('tbody tr');
	await row.filter({ hasText: 'true' }).waitFor();
	await shared.client.put('/instances/pinned/property?path=/machine&name=dump-guest-core', { json: { value: false } });
	await row.filter({ hasText: 'false' }).waitFor();
	await page.reload();
	await row.filter({ hasText: 'false' }).waitFor();
	await button(page, 'Unpin dump-guest-core').click();
	await row.waitFor({ state: 'detached' });
});

test('an object is reached by its path, and what the emulator says of one that is not there stands at the field', async (t) => {
	await shared.client.startBoard('paths', 'hello');
	const page = await openTab(t, 'paths', 'properties', { expected: /404/ });
	await page.getByLabel('Object', { exact: true }).fill('/no/such');
	await button(page, 'Show object').click();
	await page.getByText('\'/no/such\' not found').waitFor();
	await page.getByLabel('Object', { exact: true }).fill('/machine/unattached/device[0]');
	await page.keyboard.press('Enter');
	await treeItem(page, 'realized').waitFor();
});

test('an emulator without a first object shows those that are asked for by path', async (t) => {
	await shared.client.put('/instances/rootless', { json: { target: 'mock' }, expect: 201 });
	const page = await openTab(t, 'rootless', 'properties', { expected: /404|422|502/ });
	await page.getByLabel('Object', { exact: true }).fill('/board');
	await button(page, 'Show object').click();
	await treeItem(page, 'speed').click();
	await page.getByLabel('New value').fill('9');
	await button(page, 'Set').click();
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	await treeItem(page, 'resets').click();
	await page.getByRole('heading', { name: 'resets' }).waitFor();
	await page.getByLabel('New value').fill('1');
	await button(page, 'Set').click();
	await page.getByText('speed can be set to an integer, nothing else').waitFor();
	assert.equal(await readProperty('rootless', '/board', 'speed'), 9);
});

test('properties wait for the next start, and show its objects', async (t) => {
	await shared.client.startBoard('later', 'hello');
	await shared.client.post('/instances/later/stop');
	const page = await openTab(t, 'later', 'properties');
	await page.getByText('Properties can be read while the instance runs.').waitFor();
	await button(page, 'Start').click();
	await treeItem(page, 'machine').waitFor();
});

test('logs come live, as text, for each process, and begin anew with a start', async (t) => {
	await shared.client.startBoard('logs', 'hello', { target: 'board-markup' });
	const page = await openTab(t, 'logs', 'logs');
	await page.getByRole('tab', { name: 'helper' }).click();
	const log = page.getByRole('region', { name: 'Log of helper' });
	await log.filter({ hasText: MARKUP }).waitFor();
	assert.equal(await page.locator('img').count(), 0);
	await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
	assert.match((await page.getByRole('link', { name: 'Download' }).getAttribute('href')) ?? '', /\/v1\/instances\/logs\/logs\/helper$/);
	// A page that nobody sees holds no connection.
	const isFollowing = (/** @type {import('playwright-core').Request} */ request) => request.url().endsWith('/logs/helper?follow=true');
	await Promise.all([page.waitForEvent('requestfailed', isFollowing), setHidden(page, true)]);
	await Promise.all([page.waitForEvent('request', isFollowing), setHidden(page, false)]);
	await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
	assert.equal(await log.textContent(), `${MARKUP}\n`);
	await shared.client.post('/instances/logs/stop');
	await page.getByRole('status').filter({ hasText: 'this is all' }).waitFor();
	await shared.client.post('/instances/logs/start');
	await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
	await page.waitForFunction((markup) => document.querySelector('.log')?.textContent === `${markup}\n`, MARKUP);
});

test('of a long log the page keeps the newest and says what it left out', async (t) => {
	await shared.client.startBoard('noisy', 'hello', { target: 'board-noisy' });
	const page = await openTab(t, 'noisy', 'logs');
	await page.getByRole('tab', { name: 'helper' }).click();
	await page.getByText(/are left out: download/).waitFor();
	await page.waitForFunction(() => (document.querySelector('.log')?.textContent ?? '').length > 200_000);
	const { length, isAtEnd } = await page.locator('.log').evaluate((log) =>
		({ length: log.textContent?.length ?? 0, isAtEnd: log.scrollTop + log.clientHeight >= log.scrollHeight - 4 }));
	assert.ok(length <= 256 * 1024, String(length));
	assert.ok(isAtEnd);
	process.kill((await shared.client.get('/instances/noisy')).json.processes.helper.pid, 'SIGUSR1');
	await page.waitForFunction(() => document.querySelector('.log')?.textContent?.endsWith('one more\n'));
	assert.ok(((await page.locator('.log').textContent()) ?? '').length > 200_000, 'what was before it stays');
});

test('CPU and memory are drawn, and told in words and as a table', async (t) => {
	await shared.client.startBoard('used', 'flood');
	const page = await openTab(t, 'used', 'usage');
	await page.getByText(/^CPU time of this start: \d/).waitFor();
	await page.getByText(/^Disk: .* KiB/).waitFor();
	await page.locator('.chart[aria-label^="CPU over"][aria-label*=" now, between "]').waitFor();
	const memory = page.locator('.chart[aria-label^="Memory over"]');
	assert.match((await memory.getAttribute('aria-label')) ?? '', /MiB now/);
	assert.equal(await page.locator('.chart canvas').count(), 2);
	const drawn = await memory.locator('canvas').evaluate((canvas) => {
		const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
		return /** @type {HTMLCanvasElement} */ (canvas).getContext('2d')?.getImageData(0, 0, width, height).data.some((byte) => byte > 0);
	});
	assert.ok(drawn);
	// The curve itself, in the colour that the theme gives it.
	const untilDrawnIn = (/** @type {number[]} */ colour) => page.waitForFunction((wanted) => {
		const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector('.chart[aria-label^="Memory over"] canvas'));
		const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).getImageData(0, 0, canvas.width, canvas.height);
		for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && wanted.every((value, index) => Math.abs(data[at + index] - value) < 8)) return true;
		return false;
	}, colour);
	await untilDrawnIn([0x1a, 0x63, 0x40]);
	await page.getByLabel('Theme').selectOption('Dark');
	await untilDrawnIn([0x74, 0xd3, 0xa2]);
	await page.emulateMedia({ colorScheme: 'dark' });
	await page.getByLabel('Theme').selectOption('System');
	await page.emulateMedia({ colorScheme: 'light' });
	await untilDrawnIn([0x1a, 0x63, 0x40]);
	await page.getByText('As a table').click();
	await page.locator('details tbody tr').first().filter({ hasText: 'MiB' }).waitFor();
	// Who comes later, or again, sees what was before.
	const oldest = await until(async () => (await shared.client.get('/instances/used/usage?samples=true')).json.samples[0], 'what is remembered');
	await page.reload();
	await page.getByText('As a table').click();
	const time = await page.evaluate((text) => new Date(text).toLocaleTimeString(), oldest.time);
	await page.waitForFunction((before) => [...document.querySelectorAll('details tbody th')].at(-1)?.textContent === before, time);
});

test('events tell what happened, by whom, newest first, and go on live', async (t) => {
	await shared.client.startBoard('told', 'hello');
	const page = await openTab(t, 'told', 'events');
	const rows = page.locator('.events tbody tr');
	await rows.filter({ hasText: 'created: board' }).waitFor();
	await shared.client.post('/instances/told/pause');
	await rows.first().filter({ hasText: 'paused, after running' }).waitFor();
	const texts = await rows.allTextContents();
	assert.match(texts.at(-1) ?? '', /created: board/);
	assert.match(texts[0], /127\.0\.0\.1$/);
	assert.match((await rows.first().locator('time').getAttribute('title')) ?? '', /^\d{4}-.*Z$/);
	await shared.client.post('/instances/told/stop');
	await rows.first().filter({ hasText: /^.*exited: stopped/ }).waitFor();
	const { json } = await shared.client.get('/events?instance=told');
	assert.equal(await rows.count(), json.events.length);
});

test('the newest events are there at once, older ones when the end comes into view, and new ones move nothing that is read', async (t) => {
	await shared.client.startBoard('often', 'hello');
	for (let i = 0; i < 120; i++) await shared.client.post('/instances/often/reset');
	const page = await openTab(t, 'often', 'events');
	const rows = page.locator('.events tbody tr');
	const count = page.locator('.panel .tools p');
	await count.filter({ hasText: '100 events, the newest' }).waitFor();
	assert.equal(await rows.count(), 100);
	const settled = page.evaluate(() => new Promise((resolve) => globalThis.addEventListener('scrollend', () => resolve(null), { once: true })));
	await page.keyboard.press('End');
	await Promise.all([settled, count.filter({ hasText: /^123 events$/ }).waitFor()]);
	assert.match((await rows.last().textContent()) ?? '', /created: board/);
	const place = await page.evaluateHandle(() => {
		globalThis.scrollTo({ top: 2000, behavior: 'instant' });
		const read = [...document.querySelectorAll('.events tbody tr')].find((row) => row.getBoundingClientRect().top > globalThis.innerHeight / 2);
		return { top: () => read?.getBoundingClientRect().top ?? NaN };
	});
	const top = await place.evaluate((read) => read.top());
	await shared.client.post('/instances/often/pause');
	await count.filter({ hasText: /^124 events$/ }).waitFor();
	assert.match((await rows.first().textContent()) ?? '', /paused, after running/);
	// The window is moved when it is next painted.
	await page.waitForFunction(([read, before]) => Math.abs(read.top() - before) <= 1, /** @type {const} */ ([place, top]));
	await page.getByLabel('Show').selectOption('Changes of state');
	await count.filter({ hasText: /^3 events$/ }).waitFor();
	assert.match((await rows.allTextContents()).join(), /paused, after running.*running, after starting.*starting, for the 1st time/);
	await shared.client.post('/instances/often/reset');
	await shared.client.post('/instances/often/resume');
	await rows.first().filter({ hasText: 'running, after paused' }).waitFor();
	assert.equal(await rows.count(), 4);
});

test('tens of thousands of events stay a table of some, by keyboard too, with a way back to the newest', async (t) => {
	await shared.client.startBoard('long', 'hello');
	const page = await openTab(t, 'long', 'details');
	await page.route(/\/v1\/events\?instance=long&/, (route) => {
		const query = new URL(route.request().url()).searchParams;
		const from = Number(query.get('cursor') ?? 20001) - 1;
		const events = Array.from({ length: Math.min(from, Number(query.get('limit'))) }, (_, index) => (
			{ id: from - index, time: '2026-01-01T00:00:00.000Z', type: 'instance.reset', actor: `number ${from - index}`, instance: 'long', data: {} }));
		return route.fulfill({ json: { events, next_cursor: from > events.length ? String(from - events.length + 1) : null, dropped: null, first_id: 1, last_id: 20000 } });
	});
	await page.getByRole('tab', { name: 'Events' }).click();
	const rows = page.locator('.events tbody tr');
	const newest = button(page, 'The newest ones');
	await rows.first().filter({ hasText: 'number 20000' }).waitFor();
	assert.equal(await newest.isVisible(), false);
	await button(page, 'Older ones').focus();
	await until(async () => {
		await page.keyboard.press('Enter');
		return newest.isVisible();
	}, 'more than are held');
	assert.equal(await rows.count(), 2000);
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Older ones');
	assert.doesNotMatch((await rows.first().textContent()) ?? '', /number 20000/);
	await newest.click();
	await rows.first().filter({ hasText: 'number 20000' }).waitFor();
	assert.equal(await rows.count(), 100);
	assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Table of events');
	assert.ok(await rows.first().evaluate((row) => row.getBoundingClientRect().top >= 0), 'they are in view');
});

test('events go on where they were when emud is killed and comes back', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('back', 'hello');
	const page = await openTab(t, 'back', 'events', { url: emud.baseUrl, expected: /ERR_|Failed to load/ });
	const rows = page.locator('.events tbody tr');
	await rows.filter({ hasText: 'created: board' }).waitFor();
	await emud.end('SIGKILL');
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await client.post('/instances/back/pause');
	await rows.first().filter({ hasText: 'paused, after running' }).waitFor();
	assert.equal(await rows.count(), (await client.get('/events?instance=back')).json.events.length);
});

test('what is opened while emud is down is there when it is back', async (t) => {
	const emud = await startEmud(t);
	await emud.client().startBoard('down', 'hello');
	const first = await openTab(t, 'down', 'details', { url: emud.baseUrl, expected: /ERR_|Failed to load/ });
	const tabs = await Promise.all(['Logs', 'Properties', 'Usage'].map(async (name) => {
		const page = await first.context().newPage();
		await page.goto(first.url());
		const content = {
			Logs: page.getByRole('status').filter({ hasText: 'Live' }), Properties: treeItem(page, 'machine'), Usage: page.getByText(/^CPU time of this start: \d/),
		}[name];
		const open = (/** @type {string} */ tab) => page.getByRole('tab', { name: tab }).click();
		await open(name);
		await content?.waitFor();
		await open('Details');
		return { name, page, open, content };
	}));
	await emud.end('SIGKILL');
	emud.options.listen = `127.0.0.1:${emud.port}`;
	for (const { name, page, open } of tabs) {
		await page.locator('#lost').waitFor();
		await Promise.all([page.waitForEvent('requestfailed', (request) => request.url().includes(`/down/${name.toLowerCase()}`)), open(name)]);
	}
	await emud.start();
	for (const { page, content } of tabs) {
		await content?.waitFor();
		assert.deepEqual(await page.locator('.notice').allTextContents(), []);
	}
});

test('details tell everything, as text, and the command as it was', async (t) => {
	await shared.client.startBoard('details', 'hello', { labels: { note: MARKUP }, args: ['-name', 'a "b" <c>', '-append', 'x\x1b[201~\ny'] });
	const page = await openTab(t, 'details', 'details');
	const { command, channels, path: directory, processes } = (await shared.client.get('/instances/details')).json;
	await page.getByText(`note=${MARKUP}`, { exact: true }).waitFor();
	assert.equal(await page.locator('img').count(), 0);
	const line = (await page.getByLabel('The exact command').textContent()) ?? '';
	assert.ok(line.startsWith(command[0]) && line.includes(`-name 'a "b" <c>' -append $'x\\x1b[201~\\x0ay'`), line);
	const { host, port } = channels.serial0;
	assert.equal(await page.getByLabel('How to connect to serial0').textContent(), `nc ${host} ${port}`);
	await page.getByText(directory, { exact: true }).waitFor();
	await page.getByText(firmware('hello'), { exact: true }).waitFor();
	await page.getByRole('row', { name: new RegExp(`${Object.values(processes)[0].pid}`) }).waitFor();
	await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
	await page.locator('.curl').first().getByRole('button', { name: 'Copy' }).click();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
});

test('a stored firmware is told by its name, too', async (t) => {
	const { sha256 } = (await shared.client.post('/files?name=blinky.elf', { body: readFileSync(firmware('hello')), expect: 201 })).json;
	await shared.client.put('/instances/named', { json: { target: 'board', file: { sha256 }, start: false }, expect: 201 });
	const page = await openTab(t, 'named', 'details');
	await page.getByRole('link', { name: `blinky.elf, sha256:${sha256}` }).waitFor();
});

test('a start that failed is told in the emulator\'s words', async (t) => {
	await shared.client.put('/instances/refused', { json: { target: 'no-machine' }, expect: 502 });
	const page = await openTab(t, 'refused', 'details', { expected: /502/ });
	await page.getByLabel('Last words of the emulator').filter({ hasText: 'unsupported machine type' }).waitFor();
	await button(page, 'Start with …').click();
	const dialog = page.getByRole('dialog');
	await dialog.getByRole('button', { name: 'Start', exact: true }).click();
	await dialog.getByText('unsupported machine type').waitFor();
});

test('another instance of the same name, made while emud was not heard, has nothing of the one before', async (t) => {
	const emud = await startEmud(t);
	const address = `127.0.0.1:${emud.port}`;
	await emud.client().startBoard('same', 'hello', { labels: { of: 'before' } });
	const page = await openTab(t, 'same', 'debug', { url: emud.baseUrl, expected: /ERR_/ });
	const commands = page.getByRole('textbox', { name: 'gdb commands' });
	await commands.fill('info registers pc');
	await emud.end();
	await page.getByRole('alert').filter({ hasText: 'emud does not answer' }).waitFor();
	await emud.start();
	await emud.client().delete('/instances/same');
	await emud.client().startBoard('same', 'hello', { labels: { of: 'now' } });
	await emud.end();
	emud.options.listen = address;
	await emud.start();
	await page.getByText('of=now').waitFor();
	await until(async () => (await commands.inputValue()) === '', 'a tab of its own');
});

test('tabs are chosen by keyboard, each has its address', async (t) => {
	await shared.client.startBoard('tabbed', 'hello');
	const page = await openTab(t, 'tabbed', 'details');
	await page.getByRole('tab', { name: 'Details' }).focus();
	for (const name of ['Events', 'Usage', 'Logs', 'Debug', 'Properties']) {
		await page.keyboard.press('ArrowLeft');
		await page.locator('[role=tab][aria-selected=true]', { hasText: name }).first().waitFor();
		await page.waitForURL(`**/#/instances/tabbed/${name.toLowerCase()}`);
	}
});
