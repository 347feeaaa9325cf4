// Every page by axe-core's rules of WCAG 2.2 AA, in both themes and on a phone; screenshots are kept in BUILD/screenshots.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { findViolations } from '../lib/axe.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { BUILD, firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();
const SCREENSHOTS = path.join(BUILD, 'screenshots');

/** Its address, and what is there once it is. @type {Record<string, [string, string]>} */
const PAGES = {
	instances: ['#/instances', 'tr[data-id="board-1"]'],
	consoles: ['#/instances/board-1', '.xterm-rows'],
	properties: ['#/instances/board-1/properties', '[role="tree"] li, [role="treeitem"]'],
	debug: ['#/instances/board-1/debug', '.panel > *'],
	logs: ['#/instances/board-1/logs', '.panel > *'],
	usage: ['#/instances/board-1/usage', '.panel > *'],
	events: ['#/instances/board-1/events', '.panel > *'],
	details: ['#/instances/board-1/details', '.panel dl'],
	gone: ['#/instances/nobody', '.panel a'],
	new: ['#/new', 'option[value="board"]'],
	runs: ['#/runs', 'main table tbody tr'],
	run: ['#/runs/1', 'main h1'],
	'new-run': ['#/new-run', 'form'],
	targets: ['#/targets', 'tr[data-id="board"]'],
	files: ['#/files', 'main h1'],
	service: ['#/service', 'section[aria-label="Limits"] dl'],
};

/** Something of everything. */
async function fillLab() {
	const { client } = shared;
	mkdirSync(SCREENSHOTS, { recursive: true });
	await client.startBoard('board-1', 'hello', { labels: { rack: 'north' } });
	await client.startBoard('board-2', 'echo');
	await client.put('/instances/board-3', { json: { target: 'no-machine', start: false }, expect: 201 });
	await client.post('/runs', { json: { target: 'board', file: firmware('passed'), pass: ['PASSED'], fail: ['FAILED'] } });
}

test('a lab with something of everything', fillLab);

/** @param {Page} page @param {string} name */
async function goTo(page, name) {
	const [hash, sign] = PAGES[name];
	await page.goto(`${shared.emud.baseUrl}/${hash}`);
	await page.locator(sign).first().waitFor({ state: 'attached' });
}

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
	test(`every page is accessible, ${colorScheme}`, async (t) => {
		const page = await openPage(t, { url: shared.emud.baseUrl, context: { colorScheme, viewport: { width: 1280, height: 800 } }, expected: /404/ });
		/** @type {Record<string, string[]>} */
		const faults = {};
		for (const name of Object.keys(PAGES)) {
			await goTo(page, name);
			const violations = await findViolations(page);
			if (violations.length) faults[name] = violations;
			await page.screenshot({ path: path.join(SCREENSHOTS, `${name}-${colorScheme}.png`) });
		}
		assert.deepEqual(faults, {});
	});
}

test('no page is wider than a phone', async (t) => {
	const page = await openPage(t, { url: shared.emud.baseUrl, context: { viewport: { width: 390, height: 844 } }, expected: /404/ });
	/** @type {Record<string, number>} */
	const wide = {};
	for (const name of Object.keys(PAGES)) {
		await goTo(page, name);
		const width = await page.evaluate(() => document.documentElement.scrollWidth);
		if (width > 390) wide[name] = width;
		await page.screenshot({ path: path.join(SCREENSHOTS, `${name}-phone.png`) });
	}
	assert.deepEqual(wide, {});
});
