// The list of runs in a real browser: what it knows of those that events tell of.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { beginRun, boardOf, runFirmware, untilBoardGone } from '../lib/runs.mjs';
import { exit, print, read, script } from '../lib/script.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();

const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);

/** Lets a run go on that waits for a byte. @param {string} run */
async function press(run) {
	const { id } = await boardOf(shared.client, run);
	await shared.client.post(`/instances/${id}/channels/serial0/input`, { body: '\r' });
}

/** Runs that end at once: their emulator does not start. @param {number} count @param {string} of their label @returns {Promise<string[]>} newest first */
async function makeRuns(count, of, client = shared.client) {
	const ids = [];
	for (; count > 0; count--) {
		const json = { target: 'board', file: firmware('hello'), args: ['-no-such-option'], pass: ['x'], labels: { of } };
		ids.unshift((await client.post('/runs', { json, headers: { accept: 'application/json' } })).json.id);
	}
	return ids;
}

/** All that the page asks of runs from now on. @param {Page} page */
function watchAsked(page) {
	/** @type {string[]} */
	const asked = [];
	page.on('request', (request) => {
		const { pathname, search } = new URL(request.url());
		if (pathname.startsWith('/v1/runs') && !search.includes('state=queued')) asked.push(pathname + search);
	});
	return asked;
}

const shownIds = (/** @type {Page} */ page) => page.locator('tr[data-id]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')));

test('a run that began and ended while another view was shown is told whole', async (t) => {
	const { client } = shared;
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/runs` });
	// The list has come: of what begins now, events alone tell.
	await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
	await page.getByRole('link', { name: 'Service', exact: true }).click();
	const run = await beginRun(client, script([read(1), print('PASSED\n')]), { fail: 'PAS+ED', label: 'seen:late' });
	await page.getByText('1 running').first().waitFor();
	await press(run.id);
	await untilBoardGone(client, run.id);
	await page.getByText('1 running').first().waitFor({ state: 'detached' });
	await page.getByRole('link', { name: 'Runs', exact: true }).click();
	const row = rowOf(page, run.id);
	await row.getByText('seen=late').waitFor();
	await row.getByText('127.0.0.1').waitFor();
	await row.getByText('which matches “PAS+ED”').waitFor();
	await page.getByLabel('Label').fill('seen=late');
	await page.locator('main').getByText(/^1 run$/).waitFor();
});

test('a run that ends while it is watched says why in full, however many newer ones there are', async (t) => {
	const { client } = shared;
	const old = await beginRun(client, script([read(1), exit(3)]), { label: 'age:old' });
	const newer = await beginRun(client, script([read(1), print('PASSED\n')]), { fail: 'PAS+ED', label: 'age:new' });
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/files` });
	// As if there were very many: the newest alone come by the list.
	await page.route('**/v1/runs?limit=*', async (route) => {
		const response = await route.fetch();
		const { runs } = await response.json();
		await route.fulfill({ response, json: { runs: runs.slice(0, 1), next_cursor: null } });
	});
	await page.reload();
	await page.getByRole('link', { name: 'Runs', exact: true }).click();
	await rowOf(page, newer.id).getByText('age=new').waitFor();
	assert.equal(await rowOf(page, old.id).count(), 0);
	// The one that was known whole while it went on.
	await press(newer.id);
	await rowOf(page, newer.id).getByText('It printed “PASSED”, which matches “PAS+ED” after').waitFor();
	await press(old.id);
	await rowOf(page, old.id).getByText('The guest ended itself with code 3.').waitFor();
	await rowOf(page, old.id).getByText('age=old').waitFor();
});

test('an ended run is run again from the list; a number of five digits stands in one line', async (t) => {
	const { id } = await runFirmware(shared.client, readFileSync(firmware('hello')), { pass: 'Hello', label: 'of:again' });
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/runs?label=of=again` });
	await rowOf(page, id).waitFor();
	assert.equal(await page.getByRole('button', { name: `Cancel run ${id}` }).count(), 0);
	const name = rowOf(page, id).getByRole('rowheader').getByRole('link');
	await name.evaluate((link) => (link.textContent = 'Run 12345'));
	assert.equal(await name.evaluate((link) => link.getClientRects().length), 1);
	// A double click makes one.
	await page.getByRole('button', { name: `Run again: run ${id}` }).evaluate((button) => {
		for (let count = 0; count < 2; count++) /** @type {HTMLElement} */ (button).click();
	});
	await page.getByText(new RegExp(`^Run \\d+ repeats run ${id}\\.$`)).waitFor();
	const { runs } = (await shared.client.get('/runs?label=of:again')).json;
	assert.equal(runs.length, 2);
	await rowOf(page, runs[0].id).getByText('passed', { exact: true }).waitFor();
});

test('on a phone all of a run is in sight', async (t) => {
	const { id } = await runFirmware(shared.client, readFileSync(firmware('passed')), { pass: 'PASSED', label: 'of:phone' });
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/runs`, context: { viewport: { width: 390, height: 844 } } });
	await rowOf(page, id).getByRole('button', { name: `Run again: run ${id}` }).waitFor();
	const boxes = await rowOf(page, id).evaluate((row) => [...row.children].map((cell) => cell.getBoundingClientRect()).map(({ left, right, width }) => ({ left, right, width })));
	assert.equal(boxes.length, 9);
	for (const { left, right, width } of boxes) assert.ok(left >= 0 && right <= 390 && width > 0, JSON.stringify(boxes));
});

test('on a phone the message of a test case is in sight', async (t) => {
	const { id } = await runFirmware(shared.client, readFileSync(firmware('cases')));
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/runs/${id}/tests?failed=true`, context: { viewport: { width: 390, height: 844 } } });
	const message = page.locator('table.tests summary').filter({ hasText: 'ring_test.cc' });
	await message.waitFor();
	const box = await message.boundingBox();
	assert.ok(box && box.x >= 0 && box.x + box.width <= 390, JSON.stringify(box));
});

test('of a run that ends the list asks for this one; of many at once it asks for a list', async (t) => {
	const page = await openPage(t, { url: 'about:blank' });
	const searched = page.waitForResponse(/limit=100$/);
	await page.goto(`${shared.emud.baseUrl}/#/runs?label=of=asked`);
	await searched;
	const [first] = await makeRuns(1, 'asked');
	await rowOf(page, first).waitFor();
	const asked = watchAsked(page);
	const [second] = await makeRuns(1, 'asked');
	await rowOf(page, second).waitFor();
	assert.deepEqual([...new Set(asked)], [`/v1/runs/${second}`]);
	/** @type {import('playwright-core').Route[]} */
	const held = [];
	let isHeld = true;
	await page.route(/\/v1\/runs\/\d+$/, (route) => {
		// The second is asked for twice, where its end overtakes the first answer.
		const isLater = Number(route.request().url().split('/').at(-1)) > Number(second);
		return isHeld && isLater ? void held.push(route) : route.continue();
	});
	await page.getByLabel('Label').fill('');
	const [third] = await makeRuns(1, 'asked');
	await until(() => held.length === 1, 'the question for one');
	const many = await makeRuns(9, 'asked');
	for (const id of many) await rowOf(page, id).getByText('not started', { exact: true }).waitFor();
	asked.length = 0;
	isHeld = false;
	await held[0].continue();
	for (const id of [third, ...many]) await rowOf(page, id).getByText('of=asked').waitFor();
	assert.deepEqual(asked, ['/v1/runs?limit=109']);
});

/**
 * As if there were very many: the page keeps the newest four and twelve of those before them, and asks for two at a time.
 * @param {import('node:test').TestContext} t
 * @param {import('../lib/emud.mjs').Emud} emud
 * @param {string} of
 */
async function openShortList(t, emud, of) {
	const page = await openPage(t, { url: 'about:blank' });
	let lists = 0;
	for (const [file, was, is] of [['lib/store.js', 'RUNS_KEPT = 1000;', 'RUNS_KEPT = 4;'], ['views/runs.js', 'DROPPED_MOST = 1000;', 'DROPPED_MOST = 12;']])
		await page.route(`**/ui/${file}`, async (route) => {
			const response = await route.fetch();
			const text = await response.text();
			assert.ok(text.includes(was));
			await route.fulfill({ response, body: text.replace(was, is) });
		});
	await page.route('**/v1/runs?limit=200', async (route) => {
		const response = await route.fetch();
		const { runs } = await response.json();
		lists++;
		await route.fulfill({ response, json: { runs: runs.slice(0, 4), next_cursor: null } });
	});
	// The list begins anew with the second one, which comes when the stream of events has begun: what is asked before finds nothing.
	await page.route(/limit=100/, (route) => (lists < 2 ? route.fulfill({ json: { runs: [], next_cursor: null } }) :
		route.continue({ url: route.request().url().replace('limit=100', 'limit=2') })));
	await page.goto(`${emud.baseUrl}/#/runs?label=of=${of}`);
	await page.locator('main').getByText('4 runs, and older ones').waitFor();
	return page;
}

/** The list may begin anew once more meanwhile. @param {Page} page @param {number} count */
const loadAll = (page, count) => until(async () => {
	const isMore = await page.locator('main button', { hasText: 'Load older ones' }).evaluate((/** @type {HTMLButtonElement} */ more) => {
		if (!more.hidden) more.click();
		return !more.hidden;
	});
	return !isMore && (await shownIds(page)).length === count;
}, `${count} runs`);

test('older runs than those at hand are loaded on demand', async (t) => {
	const ids = await makeRuns(9, 'older');
	const page = await openShortList(t, shared.emud, 'older');
	await loadAll(page, 9);
	assert.deepEqual(await shownIds(page), ids);
});

test('older runs that are asked for while the newest are searched for anew come after them', async (t) => {
	const ids = await makeRuns(7, 'amid');
	const page = await openShortList(t, shared.emud, 'amid');
	/** @type {import('playwright-core').Route[]} */
	const held = [];
	await page.route(/state=ended/, (route) => (held.length ? route.fallback() : void held.push(route)));
	await page.getByLabel('State', { exact: true }).selectOption('ended');
	await until(() => held.length, 'the search');
	let askedEarly = 0;
	page.on('request', (request) => void (askedEarly += Number(request.url().includes('cursor='))));
	await page.getByRole('button', { name: 'Load older ones' }).click();
	await page.evaluate(() => fetch('/v1/version'));
	assert.equal(askedEarly, 0, 'a page behind another list');
	await held[0].fallback();
	await until(async () => (await shownIds(page)).length === 6, 'six runs');
	assert.deepEqual(await shownIds(page), ids.slice(0, 6));
});

test('runs that are no longer among the newest stay in the list, and those that are deleted go', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_runs: 13 } } });
	const client = emud.client();
	const old = await makeRuns(8, 'kept', client);
	const page = await openShortList(t, emud, 'kept');
	/** @type {string[]} */
	const newer = [];
	const makeNewer = async (/** @type {number} */ count) => {
		for (; count > 0; count--) {
			newer.unshift(...await makeRuns(1, 'kept', client));
			await rowOf(page, newer[0]).waitFor();
		}
	};
	const filterAnew = async () => {
		await page.getByLabel('Words').fill('none has that');
		await page.locator('main').getByText(/^0 runs/).waitFor();
		await page.getByLabel('Words').fill('');
	};
	await makeNewer(1);
	await loadAll(page, 9);
	await makeNewer(4);
	await filterAnew();
	assert.deepEqual(await shownIds(page), [...newer, ...old]);
	await makeNewer(6);
	await rowOf(page, old[2]).waitFor({ state: 'detached' });
	await filterAnew();
	assert.deepEqual(await shownIds(page), [...newer, ...old.slice(0, 2)]);
});

test('a list that has grown by very many begins anew, and has all of them on demand', async (t) => {
	const old = await makeRuns(4, 'grown');
	const page = await openShortList(t, shared.emud, 'grown');
	const newer = await makeRuns(13, 'grown');
	await rowOf(page, old[0]).waitFor({ state: 'detached' });
	await loadAll(page, 17);
	assert.deepEqual(await shownIds(page), [...newer, ...old]);
});
