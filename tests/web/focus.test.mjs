// Where the focus goes in a real browser when what has it goes.

/* global requestAnimationFrame */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { focusedName, tabTo, untilFocused } from '../lib/keys.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { beginRun, boardOf, runFirmware } from '../lib/runs.mjs';

const { openPage } = shareBrowser();
const shared = shareEmud();
const elf = (/** @type {string} */ name) => readFileSync(firmware(name));

test('it never comes by itself to what cannot be undone, though that stands nearest', async (t) => {
	const older = await runFirmware(shared.client, elf('passed'), { pass: 'PASSED' });
	const { id } = await beginRun(shared.client, elf('echo'));
	const { id: board } = await boardOf(shared.client, id);
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/instances` });
	// As if there were very many: the page knows the newest alone, and those before when they are asked for.
	await page.route('**/v1/runs?*limit=*', async (route) => {
		const { searchParams } = new URL(route.request().url());
		const response = await route.fetch({ url: `${shared.emud.baseUrl}/v1/runs` });
		const { runs } = await response.json();
		const json = searchParams.has('cursor') ? { runs: runs.slice(1), next_cursor: null } : { runs: runs.slice(0, 1), next_cursor: searchParams.get('limit') === '100' ? 'older' : null };
		await route.fulfill({ response, json });
	});
	await page.reload();
	await page.locator(`tr[data-id="${board}"]`).waitFor();
	await page.getByRole('link', { name: 'Runs', exact: true }).click();
	await page.getByRole('button', { name: `Cancel run ${id}` }).waitFor();
	await page.getByRole('button', { name: 'Load older ones' }).focus();
	assert.deepEqual([await focusedName(page), await page.locator('tr[data-id]').count()], ['Load older ones', 1]);
	await page.keyboard.press('Enter');
	await page.locator(`tr[data-id="${older.id}"]`).waitFor();
	await untilFocused(page, `Run ${id}`);
});

test('it stays where it is while the page learns more: on a link that is true still, and at the browser\'s own controls', async (t) => {
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/docs`, expected: /404/ });
	let release = () => {};
	const released = new Promise((resolve) => { release = () => resolve(undefined); });
	await page.route('**/v1/instances?*', (route) => released.then(() => route.continue()));
	await page.goto(`${shared.emud.baseUrl}/#/instances/late/details`);
	await tabTo(page, 'All instances');
	const link = await page.locator('.panel a').elementHandle();
	const asked = page.waitForResponse('**/v1/instances/late');
	release();
	await within((await asked).finished(), 'the answer');
	const isFocused = () => page.evaluate(async (one) => {
		await new Promise((drawn) => { requestAnimationFrame(() => setTimeout(drawn)); });
		return document.activeElement === one;
	}, link);
	assert.equal(await isFocused(), true);

	await page.keyboard.press('Tab');
	await until(() => page.evaluate(() => document.activeElement === document.body), 'the focus to leave the page');
	await shared.client.startBoard('late', 'hello');
	await page.locator('h1 .state').filter({ hasText: 'running' }).waitFor();
	await page.locator('.panel dl').first().waitFor();
	assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'BODY');
});
