// The dashboard in Firefox, in what depends on the browser: what Chromium's tests hold of the page itself is not asked again.

/* global DataTransfer, history */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test as testAlways } from 'node:test';

import { untilConsoleShows, untilLive } from '../lib/console_page.mjs';
import { findViolations } from '../lib/axe.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { FIREFOX, whyNotFirefox } from '../lib/firefox.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser, signIn } from '../lib/page.mjs';
import { runFirmware } from '../lib/runs.mjs';

/** @typedef {import('playwright-core').Page} Page */

const skip = whyNotFirefox();
const { openPage } = skip ? { openPage: () => Promise.reject(new Error(skip)) } : shareBrowser(FIREFOX);
const shared = shareEmud();
/** @param {string} name @param {(t: import('node:test').TestContext) => Promise<void>} body */
const test = (name, body) => void testAlways(name, { skip }, body);

/** @param {import('node:test').TestContext} t @param {string} path @param {RegExp} [expected] */
const open = (t, path, expected) => openPage(t, { url: `${shared.emud.baseUrl}/#${path}`, expected });
const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);
const untilState = (/** @type {Page} */ page, /** @type {string} */ id, /** @type {string} */ state) =>
	rowOf(page, id).locator('.state').filter({ hasText: state }).waitFor();
const ground = (/** @type {Page} */ page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** By its address, as a link does. @param {Page} page @param {string} path */
async function goTo(page, path) {
	await page.evaluate((to) => void (document.location.hash = to), path);
	await page.waitForURL(`**/#${path}`);
}

/** Its heading, and what is there once all of it is. @type {Record<string, [RegExp, string]>} */
const PAGES = {
	'/instances': [/^Instances$/, 'tr[data-id="board-1"]'],
	'/new': [/^New instance$/, 'option[value="board"]'],
	'/instances/board-1': [/^board-1 running$/, '.xterm-rows'],
	'/instances/board-1/properties': [/^board-1 running$/, '[role="tree"] li, [role="treeitem"]'],
	'/instances/board-1/debug': [/^board-1 running$/, '[role="tabpanel"] form'],
	'/instances/board-1/logs': [/^board-1 running$/, '[role="tabpanel"] [role="tabpanel"]'],
	'/instances/board-1/usage': [/^board-1 running$/, '[role="tabpanel"] canvas'],
	'/instances/board-1/events': [/^board-1 running$/, '[role="tabpanel"] time'],
	'/instances/board-1/details': [/^board-1 running$/, '[role="tabpanel"] dl'],
	'/runs': [/^Runs$/, 'tr[data-id="1"]'],
	'/runs/1': [/^Run 1 passed$/, 'mark'],
	'/runs/1/tests': [/^Run 1 passed$/, '[role="tabpanel"] > *'],
	'/runs/1/details': [/^Run 1 passed$/, '[role="tabpanel"] dl'],
	'/runs/1/events': [/^Run 1 passed$/, '[role="tabpanel"] time'],
	'/new-run': [/^New run$/, 'option[value="board"]'],
	'/targets': [/^Targets$/, 'tr[data-id="board"]'],
	'/files': [/^Files$/, 'text=stored.elf'],
	'/service': [/^Service$/, 'section[aria-label="Limits"] dl'],
};

test('every page is there, without a complaint, and accessible where it is dark', async (t) => {
	await shared.client.startBoard('board-1', 'hello');
	await shared.client.request('POST', '/files?name=stored.elf', { body: readFileSync(firmware('passed')), expect: 201 });
	await runFirmware(shared.client, readFileSync(firmware('passed')), { pass: 'PASSED' });
	const page = await open(t, '/instances');
	for (const [path, [heading, sign]] of Object.entries(PAGES)) {
		await goTo(page, path);
		await page.locator('h1').filter({ hasText: heading }).waitFor();
		await page.locator(sign).first().waitFor({ state: 'attached' });
		if (['/instances', '/instances/board-1'].includes(path)) assert.deepEqual(await findViolations(page), [], path);
	}
	await page.getByRole('link', { name: 'API' }).click();
	await page.locator('.opblock').first().waitFor();
	await page.goto(`${shared.emud.baseUrl}/#/service`);
	await page.getByRole('heading', { level: 1, name: 'Service' }).waitFor();
	assert.equal(await ground(page), 'rgb(18, 22, 20)');
	await page.getByLabel('Theme').selectOption('light');
	assert.equal(await ground(page), 'rgb(246, 248, 247)');
	await page.reload();
	await page.getByRole('heading', { level: 1, name: 'Service' }).waitFor();
	assert.equal(await ground(page), 'rgb(246, 248, 247)');
	assert.equal(await page.getByLabel('Theme').inputValue(), 'light');
});

test('tabs share one stream of events, which brings what happens to both', async (t) => {
	await shared.client.startBoard('seen', 'hello');
	const first = await open(t, '/instances');
	await rowOf(first, 'seen').locator('.line').filter({ hasText: 'Hello' }).waitFor();
	const second = await first.context().newPage();
	await second.goto(shared.emud.baseUrl);
	await rowOf(second, 'seen').locator('.line').filter({ hasText: 'Hello' }).waitFor();
	const listeners = async () => (await shared.client.get('/service')).json.event_listeners;
	await until(async () => await listeners() === 1, 'one stream, with that of the page before let go');
	await shared.client.post('/instances/seen/pause');
	for (const page of [first, second]) await untilState(page, 'seen', 'paused');
	await first.close();
	await shared.client.post('/instances/seen/resume');
	await untilState(second, 'seen', 'running');
	await second.evaluate(() => void (/** @type {any} */ (globalThis).isSamePage = true));
	await second.goto(`${shared.emud.baseUrl}/docs`);
	await until(async () => await listeners() === 0, 'the stream to be let go by a page that is left');
	await shared.client.post('/instances/seen/pause');
	// From the browser's memory: a way back that playwright does not see, so its locators would wait for ever.
	await second.evaluate(() => void setTimeout(() => history.back()));
	await second.waitForFunction(() => document.querySelector('tr[data-id="seen"] .state')?.textContent === 'paused');
	assert.equal(await second.evaluate(() => /** @type {any} */ (globalThis).isSamePage), true);
	await second.close();
	await until(async () => await listeners() === 0, 'the stream to be let go with its last tab');
});

test('a console shows what was and what is typed, is searched and copied, and begins anew with another start', async (t) => {
	await shared.client.startBoard('typed', 'echo');
	await shared.client.post('/instances/typed/channels/serial0/input', { body: 'before \x1b[38;2;12;200;34min colour\x1b[0m ' });
	const page = await open(t, '/instances/typed');
	await untilConsoleShows(page, 'before in colour');
	const coloured = page.locator('.xterm-rows span').filter({ hasText: 'in colour' });
	assert.equal(await coloured.evaluate((cell) => getComputedStyle(cell).color), 'rgb(12, 200, 34)');
	await page.keyboard.type('from the keyboard: ä€');
	await untilConsoleShows(page, 'before in colour from the keyboard: ä€');
	await page.keyboard.press('Control+Shift+F');
	await page.keyboard.type('keyboard');
	await page.keyboard.press('Enter');
	await page.locator('.xterm-selection > div').first().waitFor({ state: 'attached' });
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await page.getByText('Copied 8 characters.').waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
	assert.equal(download.suggestedFilename(), 'typed-serial0.log');
	await page.locator('.xterm-helper-textarea').focus();
	await page.keyboard.press('Shift+Tab');
	assert.equal(await page.evaluate(() => document.activeElement?.closest('.screen')), null);
	await page.getByRole('button', { name: 'Stop' }).click();
	await page.getByRole('status').filter({ hasText: 'ended' }).waitFor();
	await shared.client.post('/instances/typed/start', { json: { file: firmware('passed') } });
	await untilConsoleShows(page, 'PASSED');
	assert.doesNotMatch(await page.locator('.xterm-rows').textContent() ?? '', /before/);
});

test('a lost server is told; when it is back all is caught up, and a console has lost and doubled no byte', async (t) => {
	await shared.client.startBoard('counts', 'counter');
	const page = await open(t, '/instances/counts', /NS_ERROR|connection to .*ws:/);
	const list = await page.context().newPage();
	await list.goto(shared.emud.baseUrl);
	await untilConsoleShows(page, '10');
	await page.evaluate(() => void (/** @type {any} */ (globalThis).isSamePage = true));
	await shared.emud.end('SIGKILL');
	for (const each of [page, list]) await each.getByRole('alert').filter({ hasText: 'emud does not answer' }).waitFor();
	shared.emud.options.listen = `127.0.0.1:${shared.emud.port}`;
	await shared.emud.start();
	await shared.client.put('/instances/came', { json: { target: 'board', start: false }, expect: 201 });
	await untilState(list, 'came', 'created');
	await list.locator('#lost').waitFor({ state: 'hidden' });
	await untilLive(page);
	await page.getByRole('button', { name: 'Pause' }).click();
	await page.locator('h1 .state').filter({ hasText: 'paused' }).waitFor();
	const output = (await shared.client.get('/instances/counts/channels/serial0/output')).text.replaceAll('\r', '').trimEnd();
	await untilConsoleShows(page, output.split('\n').at(-1) ?? '');
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await page.getByText(`Copied ${output.length} characters.`).waitFor();
	await goTo(page, '/new');
	await page.getByLabel('Arguments').focus();
	await page.keyboard.press('Control+V');
	assert.equal(await page.getByLabel('Arguments').inputValue(), output);
	assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).isSamePage), true);
});

test('files are chosen and dropped, and an instance comes of one by the form', async (t) => {
	const page = await open(t, '/files');
	await page.getByLabel('Choose files to upload').setInputFiles([firmware('hello'), firmware('echo')]);
	await page.getByText('hello.elf is stored.').waitFor();
	await page.getByText('echo.elf is stored.').waitFor();
	const transfer = await page.evaluateHandle(() => {
		const data = new DataTransfer();
		data.items.add(new File(['dropped'], 'dropped.bin'));
		return data;
	});
	await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
	await page.getByText('dropped.bin is stored.').waitFor();
	await goTo(page, '/new');
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	await page.getByLabel('Target').selectOption('board');
	await page.getByLabel('Choose a firmware file').setInputFiles(firmware('passed'));
	await page.getByText(/passed\.elf, .* KiB, ELF32 for ARM, entry 0x/).waitFor();
	await page.getByLabel('Name', { exact: true }).fill('formed');
	await page.getByRole('button', { name: /^Create/ }).click();
	await untilConsoleShows(page, 'PASSED');
});

test('a run by the form is followed to its verdict', async (t) => {
	const page = await open(t, '/new-run');
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	await page.getByLabel('Target', { exact: true }).selectOption('board');
	await page.getByLabel('Choose a firmware file').setInputFiles(firmware('passed'));
	await page.getByLabel('It has passed when this is printed').fill('PASSED');
	await page.getByRole('button', { name: 'Run', exact: true }).click();
	await page.locator('h1 .verdict').filter({ hasText: /^passed$/ }).waitFor();
	await page.getByRole('region', { name: 'Output of the run' }).locator('mark').filter({ hasText: /^PASSED$/ }).waitFor();
});

test('a token is asked for once, and again when it is wrong', async (t) => {
	const emud = await startEmud(t, { tokens: 'browser-token-4711\n' });
	await emud.client({ token: 'browser-token-4711' }).startBoard('guarded', 'echo');
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/guarded`, expected: /status of 401/ });
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Token').fill('wrong');
	await dialog.getByRole('button', { name: 'Sign in' }).click();
	await dialog.getByText('That token is not known here.').waitFor();
	await signIn(page, 'browser-token-4711');
	await untilLive(page);
	await page.reload();
	await untilLive(page);
	assert.equal(await dialog.count(), 0);
});
