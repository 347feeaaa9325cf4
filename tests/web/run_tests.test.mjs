// The test cases of a run in a real browser: very many of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { runFirmware } from '../lib/runs.mjs';
import { exit, print, script } from '../lib/script.mjs';

const { openPage } = shareBrowser();
const shared = shareEmud();
const CASES = 1100;

test('of very many test cases more are shown when they are asked for, and all are found', async (t) => {
	const lines = Array.from({ length: CASES }, (_, index) => `ok ${index + 1} - case-${index + 1}\n`);
	const { id } = await runFirmware(shared.client, script([print(`TAP version 13\n1..${CASES}\n${lines.join('')}`), exit(0)]));
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/runs/${id}/tests` });
	const rows = page.locator('table.tests tbody tr');
	const more = page.getByRole('button', { name: 'Show more' });
	await page.getByText(`${CASES} passed`, { exact: true }).waitFor();
	for (const shown of [500, 1000]) {
		assert.equal(await rows.count(), shown);
		await more.click();
	}
	assert.equal(await rows.count(), CASES);
	assert.equal(await rows.last().getByRole('rowheader').textContent(), `case-${CASES}`);
	assert.ok(await more.isHidden());
	await page.getByLabel('Filter test cases').fill(`case-${CASES}`);
	await page.getByText(`1 of ${CASES} (${CASES} passed)`).waitFor();
	assert.equal(await rows.count(), 1);
	await page.getByLabel('Filter test cases').fill('case');
	await more.waitFor();
	assert.equal(await rows.count(), 500, 'others begin anew');
});
