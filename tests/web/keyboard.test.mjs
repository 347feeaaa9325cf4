// The page by keyboard alone, in a real browser against real QEMU: what Tab reaches, every action, and a focus that is never lost.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { untilConsoleShows } from '../lib/console_page.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { focusedName, tabTo, untilFocused, walkPage } from '../lib/keys.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { beginRun, runFirmware } from '../lib/runs.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();
const elf = (/** @type {string} */ name) => readFileSync(firmware(name));
const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);
const untilState = (/** @type {Page} */ page, /** @type {RegExp} */ state) => page.locator('h1 .state').filter({ hasText: state }).waitFor();

/** @param {import('node:test').TestContext} t @param {string} hash @param {RegExp} [expected] */
const open = (t, hash, expected) => openPage(t, { url: `${shared.emud.baseUrl}/#${hash}`, expected });

/** @param {Page} page @param {...string} keys */
async function press(page, ...keys) {
	for (const key of keys) await page.keyboard.press(key);
}

/** To where it is, and Enter there. @param {Page} page @param {string} name */
async function act(page, name) {
	await tabTo(page, name);
	await press(page, 'Enter');
}

/** Enter opens the browser's own choice of files. @param {Page} page @param {string} name @param {string} file */
async function chooseFile(page, name, file) {
	const choosing = page.waitForEvent('filechooser');
	await act(page, name);
	await (await choosing).setFiles(file);
}

/** Its address, and what is there once it is. @type {[string, string][]} */
const PAGES = [
	['/instances', 'tr[data-id="walked"]'], ['/instances/walked', '.xterm-rows'], ['/instances/walked/properties', '[role="treeitem"]'], ['/instances/walked/debug', '.panel form'],
	['/instances/walked/logs', '.panel .log'], ['/instances/walked/usage', '.panel summary'], ['/instances/walked/events', '.panel tbody tr'], ['/instances/walked/details', '.panel dl'],
	['/instances/nobody', '.panel a'], ['/new', 'option[value="board"]'], ['/runs', 'main tbody tr'], ['/runs/1', '.run-log > div'], ['/runs/1/tests', '.panel summary'],
	['/runs/1/details', '.panel dl'], ['/new-run', 'option[value="board"]'], ['/targets', 'tr[data-id="board"]'], ['/files', '.files tbody tr'], ['/service', 'section[aria-label="Limits"] dl'],
];
const BOTH_WAYS = ['/instances', '/new'];

test('on every page Tab reaches all that can be acted on, in sight and with a focus that shows', async (t) => {
	const { client } = shared;
	await client.startBoard('walked', 'hello', { labels: { rack: 'north' } });
	await client.put('/instances/made', { json: { target: 'no-machine', start: false }, expect: 201 });
	await runFirmware(client, elf('cases'));
	const page = await open(t, '/instances', /404/);
	/** @type {Record<string, string[]>} */
	const found = {};
	// What stands at the foot of a small window hides nothing either.
	await rowOf(page, 'walked').waitFor();
	await page.setViewportSize({ width: 640, height: 400 });
	await tabTo(page, 'Choose all that are shown');
	await press(page, 'Space');
	found.chosen = await walkPage(page);
	await page.setViewportSize({ width: 1280, height: 720 });
	for (const [hash, sign] of PAGES) {
		const isThere = page.url().endsWith(`#${hash}`);
		await page.evaluate(() => document.querySelector('main > *')?.setAttribute('data-before', ''));
		await page.goto(`${shared.emud.baseUrl}/#${hash}`);
		// The view before it may have what is a sign of this one; and the focus goes to a new view when that is there, amid a walk if need be.
		if (!isThere) await page.locator('main > [data-before]').waitFor({ state: 'detached' });
		await page.locator(sign).first().waitFor({ state: 'attached' });
		found[hash] = await walkPage(page, { isBackToo: BOTH_WAYS.includes(hash) });
	}
	assert.deepEqual(Object.entries(found).filter(([, faults]) => faults.length), []);
});

test('the table: the way past the bar, the theme, filters, one instance and many', async (t) => {
	const { client } = shared;
	for (const id of ['key-1', 'key-2']) await client.startBoard(id, 'hello');
	const page = await open(t, '/instances');
	await rowOf(page, 'key-1').waitFor();
	await press(page, 'Tab');
	assert.equal(await focusedName(page), 'Skip to content');
	await press(page, 'Enter');
	assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
	await tabTo(page, 'Theme System Light Dark', 'Shift+Tab');
	await page.keyboard.type('Dark');
	assert.equal(await page.evaluate(() => document.documentElement.style.colorScheme), 'dark');
	await act(page, 'running');
	assert.equal(await page.getByLabel('Filter').inputValue(), 'state:running');
	await press(page, 'Space');
	await tabTo(page, 'Filter', 'Shift+Tab');
	await page.keyboard.type('key-');
	await rowOf(page, 'walked').waitFor({ state: 'detached' });
	await tabTo(page, 'Choose key-1');
	await press(page, 'Space');
	await tabTo(page, 'Choose key-2');
	await press(page, 'Space');
	await tabTo(page, 'Stop', 'Shift+Tab');
	await press(page, 'Enter');
	for (const id of ['key-1', 'key-2']) await rowOf(page, id).locator('.state').filter({ hasText: 'exited' }).waitFor();
	await page.getByRole('status').filter({ hasText: 'Stop: done with 2 instances.' }).waitFor();
	await tabTo(page, 'Dismiss', 'Shift+Tab');
	await press(page, 'Enter');
	assert.equal(await focusedName(page), 'Skip to content', 'back to where it came from');
	await tabTo(page, 'Choose key-2');
	await press(page, 'Space');
	await tabTo(page, 'Delete', 'Shift+Tab');
	await press(page, 'Enter');
	await untilFocused(page, 'Cancel');
	await press(page, 'Escape');
	await untilFocused(page, 'Delete');
	await press(page, 'Enter', 'Tab', 'Tab', 'Tab');
	assert.ok(await page.evaluate(() => document.activeElement?.closest('dialog') ?? document.activeElement === document.body), 'Tab does not go behind the question');
	await tabTo(page, 'Delete');
	await press(page, 'Enter');
	await rowOf(page, 'key-1').waitFor({ state: 'detached' });
	await until(async () => ['Choose all that are shown', 'Table of instances'].includes(await focusedName(page)), 'the focus to stay, where the buttons were');
	await act(page, 'Delete key-2');
	await act(page, 'Delete');
	await page.getByText('No instance fits the filter.').waitFor();
	await untilFocused(page, 'Filter');
});

test('an instance: its actions, tabs, console, start with something else, and its end', async (t) => {
	await shared.client.startBoard('one', 'echo');
	const page = await open(t, '/instances/one', /404/);
	await untilFocused(page, 'Terminal input');
	await page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
	await page.keyboard.type('to the board');
	await press(page, 'Tab');
	await page.keyboard.type('after a tab');
	await untilConsoleShows(page, 'after a tab');
	await press(page, 'Control+Shift+F');
	await untilFocused(page, 'Search the output');
	await page.keyboard.type('board');
	await press(page, 'Enter', 'Shift+Enter', 'Escape');
	await untilFocused(page, 'Terminal input');
	await press(page, 'Shift+Tab');
	assert.notEqual(await focusedName(page), 'Terminal input');
	for (const [action, state, next] of /** @type {[string, RegExp, string][]} */ ([['Pause', /^paused/, 'Stop'], ['Resume', /^running/, 'Stop'], ['Stop', /^exited/, 'Start'], ['Start', /^running/, 'Stop']])) {
		await tabTo(page, action, 'Shift+Tab');
		await press(page, 'Enter');
		await untilState(page, state);
		await untilFocused(page, next);
	}
	await act(page, 'Reset');
	await untilFocused(page, 'Reset');
	await tabTo(page, 'Restart', 'Shift+Tab');
	await press(page, 'Enter');
	await until(async () => (await shared.client.get('/instances/one')).json.start_number === 3, 'another start');
	await untilState(page, /^running/);
	await untilFocused(page, 'Stop');
	await act(page, 'Restart with …');
	await until(async () => page.evaluate(() => document.activeElement?.closest('dialog') !== null), 'the dialog to have the focus');
	await press(page, 'Escape');
	await untilFocused(page, 'Restart with …');
	await tabTo(page, 'Consoles');
	for (const [key, tab] of [['ArrowRight', 'Properties'], ['End', 'Details'], ['ArrowRight', 'Consoles'], ['ArrowLeft', 'Details'], ['Home', 'Consoles']]) {
		await press(page, key);
		assert.equal(await focusedName(page), tab);
	}
	await tabTo(page, 'Delete', 'Shift+Tab');
	await press(page, 'Enter');
	await act(page, 'Delete');
	await page.waitForURL('**/#/instances');
	await until(() => page.evaluate(() => document.activeElement?.id === 'main'), 'the focus to go on with the page');
});

test('properties: the tree by arrow keys, a value set, pinned and no longer so', async (t) => {
	await shared.client.startBoard('keyed', 'hello');
	const page = await open(t, '/instances/keyed/properties');
	await page.getByRole('treeitem').first().waitFor();
	await tabTo(page, 'backend');
	await page.keyboard.type('mach');
	await untilFocused(page, 'machine');
	await press(page, 'ArrowRight');
	await page.locator('[aria-expanded="true"]').waitFor();
	await press(page, 'ArrowRight');
	assert.notEqual(await focusedName(page), 'machine');
	await press(page, 'ArrowLeft', 'ArrowLeft', 'ArrowRight');
	await page.locator('[aria-expanded="true"]').waitFor();
	await page.keyboard.type('dump-guest');
	await press(page, 'Enter');
	await page.waitForFunction(() => document.querySelector('textarea')?.value === 'true');
	await tabTo(page, 'New value');
	await press(page, 'Control+A');
	await page.keyboard.type('false');
	await act(page, 'Set');
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	await tabTo(page, 'Pin', 'Shift+Tab');
	await press(page, 'Enter');
	await untilFocused(page, 'Unpin');
	await tabTo(page, 'Unpin dump-guest-core', 'Shift+Tab');
	await press(page, 'Enter');
	await page.getByRole('region', { name: 'Pinned properties' }).waitFor({ state: 'hidden' });
	await until(() => focusedName(page), 'the focus to stay on the page');
});

test('debug: the command to copy, commands for gdb, and an image', async (t) => {
	await shared.client.startBoard('traced', 'hello');
	const page = await open(t, '/instances/traced/debug');
	await page.locator('.panel form').first().waitFor();
	await act(page, 'Copy');
	await page.getByText(/Copied|Press Ctrl/).first().waitFor();
	await tabTo(page, 'gdb commands');
	await page.keyboard.type('info registers pc');
	await press(page, 'Control+Enter');
	await page.getByLabel('What gdb printed').waitFor();
	assert.equal(await focusedName(page), 'gdb commands');
	await chooseFile(page, 'Choose a firmware file', firmware('echo'));
	await page.getByText(/ELF32 for ARM/).waitFor();
	await act(page, 'Load');
	await page.getByText('The image is loaded').waitFor();
	await until(() => focusedName(page), 'the focus to stay on the page');
});

test('a run: the form with steps and labels, its output, again, cancelled', async (t) => {
	const page = await open(t, '/new-run');
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	await tabTo(page, 'Target');
	await page.keyboard.type('board');
	await tabTo(page, 'Upload');
	await press(page, 'ArrowDown', 'ArrowDown');
	await tabTo(page, 'Path on the server');
	await press(page, 'Tab');
	await page.keyboard.type(firmware('passed'));
	await tabTo(page, 'It has passed when this is printed');
	await page.keyboard.type('PASSED');
	await act(page, 'Add a step');
	await untilFocused(page, 'Wait for this pattern');
	await act(page, 'Remove this step');
	await untilFocused(page, 'Add a step');
	await act(page, 'Add a label');
	await page.keyboard.type('by');
	await press(page, 'Tab');
	await page.keyboard.type('hand');
	await act(page, 'Run');
	await page.waitForURL(/#\/runs\/\d+$/);
	await page.locator('.verdict[data-verdict="passed"]').waitFor();
	await act(page, 'End');
	await act(page, 'Output of the run');
	await press(page, 'Home');
	await tabTo(page, 'Deciding line', 'Shift+Tab');
	await press(page, 'Enter');
	await tabTo(page, 'Run again', 'Shift+Tab');
	await press(page, 'Enter');
	await page.getByText('repeats').waitFor();
});

test('the history of runs: one cancelled, one found, its report and its test cases', async (t) => {
	const page = await open(t, '/runs');
	const run = await beginRun(shared.client, elf('echo'));
	await rowOf(page, run.id).waitFor();
	await act(page, `Cancel run ${run.id}`);
	await rowOf(page, run.id).getByText('canceled', { exact: true }).waitFor();
	await until(() => focusedName(page), 'the focus to stay on the page');
	await tabTo(page, 'Words', 'Shift+Tab');
	await page.keyboard.type('code 1');
	await tabTo(page, 'Run 1');
	await press(page, 'Enter');
	await page.locator('h1').filter({ hasText: 'Run 1 failed' }).waitFor();
	const downloading = page.waitForEvent('download');
	await act(page, 'JUnit');
	assert.match((await downloading).suggestedFilename(), /^run-1\.xml$/);
	await tabTo(page, 'Output');
	await press(page, 'ArrowRight');
	await tabTo(page, 'Failed only');
	await press(page, 'Space');
	await page.locator('.tests tbody tr').nth(1).waitFor({ state: 'detached' });
});

test('files, targets and the service: uploaded, fetched, deleted, found, read again', async (t) => {
	const page = await open(t, '/files');
	await page.locator('.files tbody tr').first().waitFor();
	await chooseFile(page, 'Choose files to upload', firmware('counter'));
	const row = page.locator('.files tr').filter({ hasText: 'counter.elf' });
	await row.waitFor();
	const downloading = page.waitForEvent('download');
	await act(page, 'Download: counter.elf');
	await downloading;
	await act(page, 'Delete: counter.elf');
	await act(page, 'Delete');
	await row.waitFor({ state: 'detached' });
	await until(() => focusedName(page), 'the focus to stay on the page');
	await tabTo(page, 'Targets', 'Shift+Tab');
	await press(page, 'Enter');
	await rowOf(page, 'board-two').waitFor();
	await tabTo(page, 'Filter');
	await page.keyboard.type('board-two');
	await rowOf(page, 'board').waitFor({ state: 'detached' });
	await act(page, 'New instance of board-two');
	await page.waitForURL('**/#/new?target=board-two');
	await page.getByRole('heading', { level: 1, name: 'New instance' }).waitFor();
	await tabTo(page, 'Service', 'Shift+Tab');
	await press(page, 'Enter');
	await page.locator('section[aria-label="Limits"] dl').waitFor();
	await act(page, 'Reload configuration');
	await page.getByText('The new configuration is in force').waitFor();
	await untilFocused(page, 'Reload configuration');
});

test('the question for a token is answered by keyboard', async (t) => {
	const emud = await startEmud(t, { tokens: 'browser-token-4711\n' });
	const page = await openPage(t, { url: emud.baseUrl, expected: /401/ });
	await untilFocused(page, 'Token');
	await page.keyboard.type('wrong');
	await act(page, 'Sign in');
	await page.getByText('That token is not known here.').waitFor();
	await untilFocused(page, 'Token');
	await page.keyboard.type('browser-token-4711');
	await press(page, 'Enter');
	await page.getByRole('heading', { name: 'No boards yet' }).waitFor();
});
