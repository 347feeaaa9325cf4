// The list of runs in a real browser: what it knows of those that events tell of.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { beginRun, boardOf, untilBoardGone } from '../lib/runs.mjs';
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
