// Where the focus goes in a real browser when what has it goes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { focusedName, untilFocused } from '../lib/keys.mjs';
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
