// The table of instances in a real browser, against the real emud.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();

/** @param {import('node:test').TestContext} t @param {{query?: string, expected?: RegExp}} [options] */
const openTable = (t, { query = '', expected } = {}) => openPage(t, { url: `${shared.emud.baseUrl}/#/instances${query}`, expected });
const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);
const cellOf = (/** @type {Page} */ page, /** @type {string} */ id, /** @type {string} */ name) =>
	rowOf(page, id).locator('td').nth(['Choose', 'Target', 'State', 'Up for', 'CPU', 'Memory', 'Last line'].indexOf(name));
const untilState = (/** @type {Page} */ page, /** @type {string} */ id, /** @type {RegExp} */ state) =>
	rowOf(page, id).locator('.state').filter({ hasText: state }).waitFor();
const shownIds = (/** @type {Page} */ page) => page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')));
const button = (/** @type {Page} */ page, /** @type {string} */ name) => page.getByRole('button', { name, exact: true });

test('an instance is shown with its state, how long it is up, what it needs and the last it said', async (t) => {
	await shared.client.startBoard('shown', 'hello');
	const page = await openTable(t);
	await untilState(page, 'shown', /^running$/);
	assert.equal(await cellOf(page, 'shown', 'Target').textContent(), 'board');
	await cellOf(page, 'shown', 'Last line').filter({ hasText: 'Hello' }).waitFor();
	await cellOf(page, 'shown', 'Memory').filter({ hasText: /^\d+(\.\d)? MiB$/ }).waitFor();
	await cellOf(page, 'shown', 'Up for').filter({ hasText: /^\d+ s$/ }).waitFor();
	assert.equal(await cellOf(page, 'shown', 'Up for').locator('time').getAttribute('title'), (await shared.client.get('/instances/shown')).json.started_at);
	assert.equal(await button(page, 'Start shown').count(), 0, 'what does not fit is not offered');
	assert.equal(await button(page, 'Stop shown').isEnabled(), true);
});

test('instances that come and go do so in the table, in their place', async (t) => {
	const page = await openTable(t, { query: '?q=order-' });
	for (const number of [2, 10, 1]) await shared.client.put(`/instances/order-${number}`, { json: { target: 'board', start: false }, expect: 201 });
	await until(async () => (await shownIds(page)).length === 3, 'three rows');
	assert.deepEqual(await shownIds(page), ['order-1', 'order-2', 'order-10']);
	await shared.client.delete('/instances/order-2');
	await rowOf(page, 'order-2').waitFor({ state: 'detached' });
	await page.reload();
	await rowOf(page, 'order-10').waitFor();
	assert.deepEqual(await shownIds(page), ['order-1', 'order-10']);
});

test('actions act, the state follows, and the focus stays with the instance', async (t) => {
	await shared.client.startBoard('acted', 'hello');
	const page = await openTable(t);
	await untilState(page, 'acted', /^running$/);
	for (const [action, state, next] of [['Pause', /^paused/, 'Stop acted'], ['Resume', /^running/, 'Stop acted'], ['Stop', /^exited, stopped/, 'Start acted'], ['Start', /^running/, 'Stop acted']]) {
		await button(page, `${action} acted`).focus();
		await page.keyboard.press('Enter');
		await untilState(page, 'acted', /** @type {RegExp} */ (state));
		const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
		assert.equal(focused, next, `after ${action}`);
	}
	assert.equal((await shared.client.get('/instances/acted')).json.start_number, 2);
});

test('deleting asks first', async (t) => {
	await shared.client.startBoard('asked', 'hello');
	const page = await openTable(t);
	await button(page, 'Delete asked').click();
	await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
	assert.equal((await shared.client.get('/instances/asked')).json.state, 'running');
	await button(page, 'Delete asked').click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await rowOf(page, 'asked').waitFor({ state: 'detached' });
	await shared.client.refused(404, 'not_found', 'GET', '/instances/asked');
});

test('many are acted on at once: those that are chosen, shown, and in a state that fits', async (t) => {
	for (const id of ['many-1', 'many-2', 'other-1']) await shared.client.startBoard(id, 'hello');
	await shared.client.put('/instances/many-3', { json: { target: 'board', start: false }, expect: 201 });
	const page = await openTable(t, { query: '?q=many-' });
	await rowOf(page, 'many-3').waitFor();
	const top = async () => (await rowOf(page, 'many-1').boundingBox())?.y;
	const before = await top();
	await page.getByLabel('Choose all that are shown').check();
	assert.equal(await top(), before, 'the table jumps when something is chosen');
	const bulk = page.getByRole('group', { name: 'Actions on the chosen instances' });
	await bulk.getByText('3 chosen').waitFor();
	await bulk.getByRole('button', { name: 'Pause' }).click();
	for (const id of ['many-1', 'many-2']) await untilState(page, id, /^paused/);
	assert.equal((await shared.client.get('/instances/other-1')).json.state, 'running');
	assert.equal((await shared.client.get('/instances/many-3')).json.state, 'created');
	await bulk.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('dialog').getByText('Delete 3 instances?').waitFor();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await page.getByText('No instance fits the filter.').waitFor();
	await bulk.waitFor({ state: 'hidden' });
});

test('what is told does not lie over the actions on the chosen', async (t) => {
	await shared.client.startBoard('covered', 'hello', { start: false });
	const page = await openTable(t, { query: '?q=covered' });
	const bulk = page.getByRole('group', { name: 'Actions on the chosen instances' });
	const notice = page.getByRole('status').filter({ hasText: 'None of the chosen can pause now.' });
	for (const [width, height] of [[1280, 760], [700, 760], [390, 844], [320, 640]]) {
		await page.setViewportSize({ width, height });
		await page.reload();
		await rowOf(page, 'covered').getByRole('checkbox').check();
		await bulk.getByRole('button', { name: 'Pause' }).click();
		await notice.waitFor();
		const [over, under] = [await notice.boundingBox(), await bulk.boundingBox()];
		assert.ok(over && under && over.y >= 0 && over.y + over.height <= under.y, `at ${width}: ${JSON.stringify([over, under])}`);
	}
});

test('the filter takes words, states, targets and labels, and is part of the address', async (t) => {
	await shared.client.startBoard('sift-1', 'hello', { labels: { rack: 'north' } });
	await shared.client.put('/instances/sift-2', { json: { target: 'board-two', start: false, labels: { rack: 'south' } }, expect: 201 });
	const page = await openTable(t, { query: '?q=sift-' });
	await rowOf(page, 'sift-2').waitFor();
	const filter = page.getByLabel('Filter', { exact: true });
	for (const [text, ids] of /** @type {[string, string[]][]} */ ([
		['sift-', ['sift-1', 'sift-2']], ['sift- state:created', ['sift-2']], ['sift- target:board-two', ['sift-2']],
		['label:rack=north', ['sift-1']], ['SIFT-1', ['sift-1']], ['sift- state:failed', []],
	])) {
		await filter.fill(text);
		assert.deepEqual(await shownIds(page), ids, text);
		assert.equal(new URL(page.url()).hash, `#/instances?q=${encodeURIComponent(text)}`);
	}
	await filter.fill('sift-');
	const chip = button(page, 'created');
	await chip.click();
	assert.deepEqual([await shownIds(page), await chip.getAttribute('aria-pressed')], [['sift-2'], 'true']);
	await chip.click();
	assert.deepEqual([await shownIds(page), await chip.getAttribute('aria-pressed')], [['sift-1', 'sift-2'], 'false']);
});

test('a refused start is told in the emulator\'s words, where it failed', async (t) => {
	await shared.client.put('/instances/refused-start', { json: { target: 'no-machine', start: false }, expect: 201 });
	const page = await openTable(t);
	await button(page, 'Start refused-start').click();
	await rowOf(page, 'refused-start').locator('.line.fault').filter({ hasText: 'unsupported machine type' }).waitFor();
	await untilState(page, 'refused-start', /^failed to start$/);
	assert.equal(await page.getByRole('alert').filter({ hasText: 'unsupported' }).count(), 0);
});

test('what is refused at once is told', async (t) => {
	await shared.client.startBoard('denied', 'hello', { start: false });
	const page = await openTable(t, { expected: /422/ });
	await rowOf(page, 'denied').waitFor();
	await page.route('**/instances/denied/start*', (route) => route.fulfill({ status: 422, json: { code: 'file_not_found', detail: 'its file is gone' } }));
	await button(page, 'Start denied').click();
	await page.getByRole('alert').filter({ hasText: 'denied: its file is gone' }).waitFor();
});

test('an action on many asks for a few at a time, tells how far it is, and is not begun again meanwhile', async (t) => {
	const ids = [1, 2, 3, 4, 5].map((number) => `held-${number}`);
	for (const id of ids) await shared.client.startBoard(id, 'hello');
	const page = await openTable(t, { query: '?q=held-' });
	await rowOf(page, ids[4]).waitFor();
	/** @type {import('playwright-core').Route[]} */
	const asked = [];
	let isHeld = true;
	await page.route('**/instances/held-*/stop*', (route) => (isHeld ? void asked.push(route) : route.continue()));
	await page.getByLabel('Choose all that are shown').check();
	const bulk = page.getByRole('group', { name: 'Actions on the chosen instances' });
	const stop = bulk.getByRole('button', { name: 'Stop' });
	await stop.focus();
	await page.keyboard.press('Enter');
	await bulk.getByText('Stop: 0 of 5 …').waitFor();
	await page.keyboard.press('Enter');
	assert.deepEqual(await stop.evaluate((button) => [button.ariaDisabled, document.activeElement === button]), ['true', true]);
	await until(() => asked.length === 3, 'three requests');
	for (const route of asked) assert.equal(new URL(route.request().url()).searchParams.get('wait'), 'false');
	await asked[0].continue();
	await bulk.getByText('Stop: 1 of 5 …').waitFor();
	await until(() => asked.length === 4, 'the next request');
	isHeld = false;
	for (const route of asked.slice(1)) await route.continue();
	await page.getByRole('status').filter({ hasText: 'Stop: done with 5 instances.' }).waitFor();
	await bulk.getByText('5 chosen').waitFor();
	assert.deepEqual(await stop.evaluate((button) => [button.ariaDisabled, document.activeElement === button]), [null, true]);
	for (const id of ids) await untilState(page, id, /^exited, stopped$/);
});

test('who leaves while many are acted on finds it under way when he is back, and does not begin it again', async (t) => {
	const ids = [1, 2, 3, 4].map((number) => `left-${number}`);
	for (const id of ids) await shared.client.startBoard(id, 'hello');
	const page = await openTable(t, { query: '?q=left-' });
	await rowOf(page, ids[3]).waitFor();
	/** @type {import('playwright-core').Route[]} */
	const asked = [];
	let isHeld = true;
	await page.route('**/instances/left-*/restart*', (route) => {
		asked.push(route);
		return isHeld ? undefined : route.continue();
	});
	await page.getByLabel('Choose all that are shown').check();
	const bulk = page.getByRole('group', { name: 'Actions on the chosen instances' });
	const restart = bulk.getByRole('button', { name: 'Restart' });
	await restart.click();
	await until(() => asked.length === 3, 'three requests');
	await page.getByRole('link', { name: 'Targets' }).click();
	await page.locator('tr[data-id="board"]').waitFor();
	await page.goBack();
	await bulk.getByText('Restart: 0 of 4 …').waitFor();
	await page.getByLabel('Choose all that are shown').check();
	assert.equal(await restart.getAttribute('aria-disabled'), 'true');
	await restart.click({ force: true });
	isHeld = false;
	await asked[0].continue();
	await bulk.getByText('Restart: 2 of 4 …').waitFor();
	for (const route of asked.slice(1, 3)) await route.continue();
	await page.getByRole('status').filter({ hasText: 'Restart: done with 4 instances.' }).waitFor();
	await bulk.getByText('4 chosen').waitFor();
	assert.equal(await restart.getAttribute('aria-disabled'), null);
	assert.equal(asked.length, 4);
	for (const id of ids) assert.equal((await shared.client.get(`/instances/${id}`)).json.start_number, 2);
});

test('while boards are slow to stop the rest of the page goes on', async (t) => {
	const emud = await startEmud(t, { server: { limits: { stop_timeout: 60 } } });
	const client = emud.client();
	const ids = Array.from({ length: 7 }, (_, index) => `hung-${index}`);
	const boards = await Promise.all(ids.map((id) => client.startBoard(id, 'hello')));
	const pids = boards.flatMap(({ processes }) => Object.values(processes).map(({ pid }) => pid));
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances` });
	await rowOf(page, ids[6]).waitFor();
	for (const pid of pids) process.kill(pid, 'SIGSTOP');
	await page.getByLabel('Choose all that are shown').check();
	await page.getByRole('group', { name: 'Actions on the chosen instances' }).getByRole('button', { name: 'Stop' }).click();
	// None waits for another one's end.
	for (const id of ids) await untilState(page, id, /^stopping$/);
	await page.getByText('Stop: 0 of 7 …').waitFor();
	await page.getByRole('link', { name: 'Targets' }).click();
	await page.locator('tr[data-id="board"]').waitFor();
	for (const pid of pids) process.kill(pid, 'SIGCONT');
	await page.getByRole('status').filter({ hasText: 'Stop: done with 7 instances.' }).waitFor();
	for (const id of ids) assert.equal((await client.get(`/instances/${id}`)).json.state, 'exited');
});

test('of a crash the row tells the reason, and the whole of it on hover', async (t) => {
	await shared.client.startBoard('crashed', 'lockup');
	const page = await openTable(t, { query: '?q=crashed' });
	await untilState(page, 'crashed', /^failed, crashed, SIGABRT$/);
	const line = cellOf(page, 'crashed', 'Last line');
	assert.match(await line.textContent() ?? '', /^fatal: Lockup/);
	assert.match(await line.getAttribute('title') ?? '', /R00=/);
	await page.setViewportSize({ width: 1280, height: 720 });
	assert.ok(await cellOf(page, 'crashed', 'State').evaluate((cell) => cell.scrollWidth <= cell.clientWidth), 'the state is cut');
	await page.getByRole('link', { name: 'crashed' }).click();
	assert.match(await page.getByLabel('What went wrong').locator('strong').textContent() ?? '', /^fatal: Lockup/);
});

test('how long a board is up is told by emud\'s clock, and counts on', async (t) => {
	await shared.client.startBoard('counted', 'hello');
	for (const minutes of [-10, 10]) {
		const page = await openTable(t, { query: '?q=counted' });
		await page.clock.install({ time: Date.now() + minutes * 60_000 });
		await page.reload();
		const uptime = cellOf(page, 'counted', 'Up for');
		await uptime.filter({ hasText: /^[1-9]\d* s$/ }).waitFor();
		const first = await uptime.textContent();
		await uptime.filter({ hasNotText: first ?? '' }).waitFor();
	}
});

test('who deletes an instance on its page comes to the list, unless he has gone on to another page', async (t) => {
	for (const id of ['leaves', 'lingers']) await shared.client.startBoard(id, 'hello');
	const deleteIt = async (/** @type {Page} */ page) => {
		await button(page, 'Delete').click();
		await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	};
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/instances/leaves`, expected: /404/ });
	await deleteIt(page);
	await page.waitForURL('**/#/instances');
	/** @type {import('playwright-core').Route | null} */
	let asked = null;
	await page.route('**/instances/lingers?*', (route) => (route.request().method() === 'DELETE' ? void (asked = route) : route.continue()));
	await page.goto(`${shared.emud.baseUrl}/#/instances/lingers`);
	await deleteIt(page);
	const route = await until(() => /** @type {import('playwright-core').Route | null} */ (asked), 'the request');
	await page.goto(`${shared.emud.baseUrl}/#/new`);
	await page.getByRole('heading', { name: 'New instance' }).waitFor();
	const answered = page.waitForResponse('**/instances/lingers?*');
	await route.continue();
	await answered;
	await until(async () => !(await shared.client.get('/instances')).json.instances.some((/** @type {{id: string}} */ { id }) => id === 'lingers'), 'it to go');
	await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
	assert.equal(new URL(page.url()).hash, '#/new');
});

test('a button is busy while its request is under way: a second click asks for nothing', async (t) => {
	await shared.client.startBoard('twice', 'hello');
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/instances/twice/details` });
	let asked = 0;
	page.on('request', (request) => void (asked += Number(request.url().includes('/twice/restart'))));
	await button(page, 'Restart').dblclick();
	await until(async () => (await shared.client.get('/instances/twice')).json.start_number === 2, 'the restart');
	await page.locator('h1 .state').filter({ hasText: /^running$/ }).waitFor();
	assert.equal(asked, 1);
	assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0);
	await button(page, 'Restart').click();
	await until(async () => (await shared.client.get('/instances/twice')).json.start_number === 3, 'a restart when it is ready again');
});

test('names are text, never markup, and lead to their pages', async (t) => {
	await shared.client.startBoard('marked', 'echo', { labels: { note: '<img src=x onerror=alert(1)>' } });
	await shared.client.post('/instances/marked/channels/serial0/input', { body: '<img src=x onerror=alert(2)>\n' });
	const page = await openTable(t);
	await cellOf(page, 'marked', 'Last line').filter({ hasText: '<img src=x' }).waitFor();
	await page.getByRole('link', { name: 'marked' }).click();
	await page.getByText('note=<img src=x').first().waitFor();
	assert.equal(await page.locator('img').count(), 0);
});

test('an empty service shows how to begin, and its command does begin', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: emud.baseUrl });
	await page.getByRole('heading', { name: 'No boards yet' }).waitFor();
	const command = page.getByLabel('The same with curl').filter({ hasText: '"target":"board"' });
	await command.waitFor();
	const made = JSON.parse(execFileSync('sh', ['-c', `${await command.textContent()} -sS`], { encoding: 'utf8' }));
	await rowOf(page, made.id).waitFor();
	assert.equal(await page.getByRole('heading', { name: 'No boards yet' }).isVisible(), false);
});

test('columns keep their place as values come', async (t) => {
	await shared.client.startBoard('steady', 'hello', { start: false });
	const page = await openTable(t, { query: '?q=steady' });
	await rowOf(page, 'steady').waitFor();
	const edges = () => page.locator('thead th').evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().left));
	const before = await edges();
	await button(page, 'Start steady').click();
	await cellOf(page, 'steady', 'Memory').filter({ hasText: /./ }).waitFor();
	assert.deepEqual(await edges(), before);
});

test('what went wrong is told in the emulator\'s own words, and labels stand with the name', async (t) => {
	await shared.client.put('/instances/wrong', { json: { target: 'board', args: ['-no-such-option'], labels: { team: 'radio', rev: 'B2' } }, expect: 502 });
	const page = await openTable(t);
	await untilState(page, 'wrong', /^failed/);
	assert.match(await cellOf(page, 'wrong', 'Last line').textContent() ?? '', /-no-such-option: invalid option/);
	assert.equal(await rowOf(page, 'wrong').locator('.labels').textContent(), 'team=radio rev=B2');
	await page.getByRole('link', { name: 'wrong' }).click();
	await page.getByLabel('What went wrong').filter({ hasText: '-no-such-option: invalid option' }).waitFor();
});

test('a table that is still being drawn is chosen whole, filtered and ordered as one that is drawn', async (t) => {
	const ids = Array.from({ length: 120 }, (_, index) => `crowd-${index}`);
	await Promise.all(ids.map((id) => shared.client.put(`/instances/${id}`, { json: { target: 'board', start: false }, expect: 201 })));
	const page = await openTable(t, { query: '?q=crowd-' });
	await rowOf(page, 'crowd-0').waitFor();
	const drawing = await page.evaluate(() => {
		const search = /** @type {HTMLInputElement} */ (document.querySelector('input[type=search]'));
		const type = (/** @type {string} */ text) => {
			search.value = text;
			search.dispatchEvent(new Event('input'));
			return document.querySelectorAll('tbody tr').length;
		};
		const drawn = [type('crowd-11'), type('crowd-')];
		/** @type {HTMLInputElement} */ (document.querySelector('thead input')).click();
		return drawn;
	});
	assert.deepEqual(drawing[0], 11);
	assert.ok(drawing[1] < ids.length, `${drawing[1]} rows at once`);
	await page.getByText('120 chosen').waitFor();
	await until(async () => (await shownIds(page)).length === ids.length, 'all rows');
	assert.deepEqual(await shownIds(page), ids);
	assert.equal(await page.locator('tbody input:checked').count(), ids.length);
	await rowOf(page, 'crowd-119').getByRole('checkbox').uncheck();
	await page.getByText('119 chosen').waitFor();
});
