// A state directory that is chosen in the form; what pw emu runs there is taken over.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { shareYard } from '../lib/adoption.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';

const { openPage } = shareBrowser();
const { yard, shared } = shareYard();

/** @param {import('node:test').TestContext} t @param {Record<string, string>} prefill @param {RegExp} [expected] */
const openForm = (t, prefill, expected) => openPage(t, { url: `${shared.emud.baseUrl}/#/new?${new URLSearchParams(prefill)}`, expected });
const create = (/** @type {import('playwright-core').Page} */ page) => page.getByRole('button', { name: /^Create/ }).click();

test('what pw emu runs in a directory is taken over, with no more than that named', async (t) => {
	const pw = await yard.start('taken');
	const page = await openForm(t, {});
	await page.getByLabel('Name').fill('taken');
	await page.getByLabel('State directory').fill(pw.directory);
	await create(page);
	await page.waitForURL('**/#/instances/taken');
	await page.locator('h1 .state', { hasText: /^running$/ }).waitFor();
	await page.goto(`${shared.emud.baseUrl}/#/instances/taken/details`);
	await page.getByText('qemu, started by pw emu').waitFor();
	assert.deepEqual((await shared.client.get('/instances/taken')).json.adopted, true);
});

test('another one is kept in the directory that is named', async (t) => {
	const directory = path.join(yard.root, 'chosen');
	const page = await openForm(t, { target: 'board', id: 'chosen', file: firmware('hello'), path: directory });
	await create(page);
	await page.waitForURL('**/#/instances/chosen');
	await shared.client.waitForOutput('chosen', 'Hello');
	assert.ok(existsSync(path.join(directory, 'serial0.out')));
});

test('one that may not be chosen, or in which pw emu runs nothing, is told at its field', async (t) => {
	const page = await openForm(t, { target: 'board', path: '/etc' }, /403|409/);
	const field = page.getByLabel('State directory');
	/** @param {RegExp} words */
	const untilRefused = async (words) => {
		await create(page);
		await page.getByText(words).waitFor();
		assert.equal(await field.getAttribute('aria-invalid'), 'true');
	};
	await untilRefused(/^\/etc lies below none of the roots for state directories/);
	await page.getByLabel('Target').selectOption('');
	await field.fill(yard.makeDirectory('empty'));
	await untilRefused(/holds no handles.json: pw emu has started nothing there/);
	await field.fill('');
	await create(page);
	await page.getByText('Choose a target.').waitFor();
	assert.equal(await field.getAttribute('aria-invalid'), null);
});
