// The list of runs in a real browser: what it knows of those that events tell of.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
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
