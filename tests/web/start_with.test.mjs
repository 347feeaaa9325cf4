// Starts of an instance with something else than it had, in a real browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();

/** @param {import('node:test').TestContext} t @param {string} id */
const openDetails = (t, id) => openPage(t, { url: `${shared.emud.baseUrl}/#/instances/${id}/details` });
const stateOf = (/** @type {Page} */ page) => page.locator('h1 .state');
const button = (/** @type {Page} */ page, /** @type {string} */ name) => page.getByRole('button', { name, exact: true });

test('a board starts with another firmware, other arguments, and paused', async (t) => {
	await shared.client.startBoard('with', 'hello');
	const page = await openDetails(t, 'with');
	await button(page, 'Restart with …').click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Upload').check();
	await dialog.getByLabel('Choose a firmware file').setInputFiles(firmware('echo'));
	await dialog.getByLabel('Arguments').fill('-name\nother');
	await dialog.getByLabel('Then').selectOption('Paused');
	assert.match((await dialog.getByLabel('The same with curl').last().textContent()) ?? '', /"args":\["-name","other"\],"paused":true/);
	await dialog.getByRole('button', { name: 'Restart' }).click();
	await dialog.waitFor({ state: 'detached' });
	await stateOf(page).filter({ hasText: 'paused' }).waitFor();
	const { file, args, start_number: startNumber } = (await shared.client.get('/instances/with')).json;
	assert.deepEqual([args, startNumber], [['-name', 'other'], 2]);
	const { files } = (await shared.client.get('/files')).json;
	const stored = files.find((/** @type {{sha256: string}} */ { sha256 }) => sha256 === file.sha256);
	assert.equal(stored.size, readFileSync(firmware('echo')).length);
	await page.keyboard.press('Escape');
	await button(page, 'Restart with …').click();
	await page.keyboard.press('Escape');
	await dialog.waitFor({ state: 'detached' });
});

test('a restart with nothing but a pause leaves arguments that no line can hold as they are', async (t) => {
	const args = ['-name', 'first\n second', '-append', ''];
	await shared.client.startBoard('lines', 'hello', { args });
	const page = await openDetails(t, 'lines');
	await button(page, 'Restart with …').click();
	const dialog = page.getByRole('dialog');
	const line = dialog.getByLabel('The same with curl').last();
	assert.doesNotMatch((await line.textContent()) ?? '', /args/);
	await dialog.getByLabel('Then').selectOption('Paused');
	assert.match((await line.textContent()) ?? '', /-d '\{"paused":true\}'/);
	await dialog.getByRole('button', { name: 'Restart' }).click();
	await dialog.waitFor({ state: 'detached' });
	await stateOf(page).filter({ hasText: 'paused' }).waitFor();
	assert.deepEqual((await shared.client.get('/instances/lines')).json.args, args);
	await button(page, 'Restart with …').click();
	await dialog.getByLabel('Arguments').fill('-name\n"first\\n third"\n"');
	await dialog.getByRole('button', { name: 'Restart' }).click();
	await dialog.getByText('Line 3: what begins with a quote is JSON').waitFor();
	await dialog.getByLabel('Arguments').fill('-name\n"first\\n third"');
	await dialog.getByRole('button', { name: 'Restart' }).click();
	await dialog.waitFor({ state: 'detached' });
	assert.deepEqual((await shared.client.get('/instances/lines')).json.args, ['-name', 'first\n third']);
});
