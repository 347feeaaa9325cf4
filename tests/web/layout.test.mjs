// What stands on a page stays where it is while the rest comes; no page is wider than its window; what changes by itself is not read out in floods.
/* global Element, MutationObserver, requestAnimationFrame */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { MOCK_DRIVER, mockTarget } from '../lib/mock.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { beginRun, runFirmware } from '../lib/runs.mjs';

/** @typedef {import('playwright-core').Page} Page */

const LONG_ID = `${'long-name-'.repeat(6)}end`;
const LONG_TARGET = 'a-target-with-a-very-long-name-that-somebody-has-thought-of-once';
/** Beyond it people notice (web.dev calls 0.1 good): a page that is shown at once has none. */
const SHIFT_MOST = 0.02;

const { openPage } = shareBrowser();
const shared = shareEmud({ pwEmu: { emulators: { mock: { driver: [MOCK_DRIVER] } } }, targets: { mock: mockTarget(), [LONG_TARGET]: { mock: mockTarget().mock } } });
const elf = (/** @type {string} */ name) => readFileSync(firmware(name));

/** Its address, and what comes last. @type {[string, string][]} */
const PAGES = [
	['/instances', 'td.number:nth-of-type(5):not(:empty)'], [`/instances/${LONG_ID}`, '.xterm-rows'],
	['/instances/still/properties', '[role="treeitem"]'], ['/instances/still/debug', '.panel form'], ['/instances/still/logs', '.panel .log'], ['/instances/still/usage', '.totals span'],
	['/instances/still/events', '.panel tbody tr'], [`/instances/${LONG_ID}/details`, '.panel dl'], ['/instances/nobody', '.panel a'], ['/new', 'option[value="board"]'],
	[`/new?target=${LONG_TARGET}`, 'option[value="board"]'], ['/new?target=no-machine', 'option[value="board"]'], ['/new-run?target=no-machine', 'option[value="board"]'],
	['/runs', 'main tbody tr'], ['/runs/1', '.run-log > div'], ['/runs/1/tests', '.panel summary'],
	['/runs/1/events', '.panel tbody tr'], ['/new-run', 'option[value="board"]'], ['/new?target=board', 'option[value="board-two"]'], ['/targets', 'tr[data-id="board"]'],
	['/files', '.files tbody tr'], ['/service', 'section[aria-label="Limits"] dl'],
];

test('a lab with long names', async () => {
	const { client } = shared;
	await client.startBoard('still', 'hello', { labels: { rack: 'north' } });
	await client.put(`/instances/${LONG_ID}`, { json: { target: LONG_TARGET, labels: { ['k'.repeat(40)]: 'a long value that goes on and on and on and on and on' } }, expect: 201 });
	await runFirmware(client, elf('cases'), { label: ['team:boot', `commit:${'4f1c'.repeat(10)}`] });
});

/** Sums up how far what is in sight moves, with the worst of it in words. */
function watchShifts() {
	const sum = /** @type {any} */ (globalThis);
	sum.shift = 0;
	sum.shifts = [];
	new PerformanceObserver((list) => {
		for (const entry of /** @type {any[]} */ (list.getEntries())) {
			if (entry.hadRecentInput) continue;
			sum.shift += entry.value;
			const [{ node, previousRect, currentRect }] = entry.sources;
			sum.shifts.push(`${entry.value.toFixed(4)}: ${(node?.outerHTML ?? node?.textContent ?? '').slice(0, 80)} from ${JSON.stringify(previousRect)} to ${JSON.stringify(currentRect)}`);
		}
	}).observe({ type: 'layout-shift', buffered: true });
}

/** Once what is laid out now has been painted. @param {Page} page @returns {Promise<{shift: number, shifts: string[]}>} */
const readShifts = (page) => page.evaluate(() => new Promise((resolve) => {
	requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
		const { shift, shifts } = /** @type {any} */ (globalThis);
		resolve({ shift, shifts });
	})));
}));

for (const [name, width, height] of /** @type {[string, number, number][]} */ ([['a phone', 390, 844], ['a laptop', 1280, 800]])) {
	test(`nothing jumps while a page comes, on ${name}`, async (t) => {
		const page = await openPage(t, { url: 'about:blank', expected: /404|ERR_/, context: { viewport: { width, height } } });
		await page.addInitScript(watchShifts);
		/** @type {Record<string, string[]>} */
		const found = {};
		let most = 0;
		for (const [hash, sign] of PAGES) {
			await page.goto('about:blank');
			await page.goto(`${shared.emud.baseUrl}/#${hash}`);
			await page.locator(sign).first().waitFor({ state: 'attached' });
			const { shift, shifts } = await readShifts(page);
			most = Math.max(most, shift);
			if (shift >= SHIFT_MOST) found[hash] = shifts;
		}
		t.diagnostic(`at most ${most.toFixed(4)}`);
		assert.deepEqual(found, {});
	});
}

test('no page scrolls sideways as a whole at 320 pixels, and its bar leaves room', async (t) => {
	const page = await openPage(t, { url: shared.emud.baseUrl, expected: /404/, context: { viewport: { width: 320, height: 640 } } });
	/** @type {Record<string, number>} */
	const wide = {};
	for (const [hash, sign] of PAGES) {
		await page.goto(`${shared.emud.baseUrl}/#${hash}`);
		await page.locator(sign).first().waitFor({ state: 'attached' });
		const width = await page.evaluate(() => document.documentElement.scrollWidth);
		if (width > 320) wide[hash] = width;
	}
	assert.deepEqual(wide, {});
	assert.ok(await page.locator('.bar').evaluate((bar) => bar.getBoundingClientRect().height) <= 120);
});

test('nothing jumps while a run and a board go on', async (t) => {
	const page = await openPage(t, { url: 'about:blank', expected: /ERR_/, context: { viewport: { width: 1280, height: 800 } } });
	await page.addInitScript(watchShifts);
	const { client } = shared;
	const run = await beginRun(client, elf('echo'), { pass: 'PASSED' });
	await page.goto(`${shared.emud.baseUrl}/#/runs/${run.id}`);
	await page.getByRole('link', { name: 'Its board' }).waitFor();
	await client.post(`/instances/run-${run.id}/channels/serial0/input`, { body: 'PASSED' });
	await page.locator('.verdict[data-verdict="passed"]').waitFor();
	const ended = await readShifts(page);
	await page.goto('about:blank');
	await page.goto(`${shared.emud.baseUrl}/#/instances/still`);
	await page.locator('.xterm-rows').waitFor();
	for (const [action, state] of [['pause', /^paused/], ['resume', /^running/], ['stop', /^exited/], ['start', /^running/]]) {
		await client.post(`/instances/still/${action}`);
		await page.locator('h1 .state').filter({ hasText: state }).waitFor();
	}
	const acted = await readShifts(page);
	t.diagnostic(`run ${ended.shift.toFixed(4)}, board ${acted.shift.toFixed(4)}`);
	assert.ok(ended.shift < SHIFT_MOST, ended.shifts.join('\n'));
	assert.ok(acted.shift < SHIFT_MOST, acted.shifts.join('\n'));
});

test('many instances that come, start and go are not read out one by one', async (t) => {
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/instances` });
	await page.locator('tr[data-id="still"] .line').filter({ hasText: 'Hello' }).waitFor();
	await page.evaluate(() => {
		/** @type {any} */ (globalThis).told = [];
		const live = '[role="status"], [role="alert"], [aria-live]';
		new MutationObserver((records) => {
			for (const { target } of records) {
				const region = (target instanceof Element ? target : target.parentElement)?.closest(live);
				if (region) /** @type {any} */ (globalThis).told.push(region.textContent);
			}
		}).observe(document.body, { subtree: true, childList: true, characterData: true });
	});
	const ids = Array.from({ length: 20 }, (_, index) => `flood-${index}`);
	await Promise.all(ids.map((id) => shared.client.put(`/instances/${id}`, { json: { target: 'mock' }, expect: 201 })));
	for (const id of ids) await page.locator(`tr[data-id="${id}"] .state`).filter({ hasText: 'running' }).waitFor();
	await Promise.all(ids.map((id) => shared.client.delete(`/instances/${id}`)));
	await page.locator('tr[data-id^="flood-"]').first().waitFor({ state: 'detached' });
	assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).told), []);
	await page.getByLabel('Filter').fill('still');
	await page.locator('#announcer').filter({ hasText: /^1 of \d+ instances$/ }).waitFor({ state: 'attached' });
});
