// The tab of an instance that debugs it, in a real browser: gdb commands and what is told of them, another image.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const MARKUP = '<img src=x onerror=alert(1)>';

const { openPage } = shareBrowser();
const shared = shareEmud();

/** @param {import('node:test').TestContext} t @param {string} id @param {{expected?: RegExp}} [options] */
const openDebug = (t, id, options) => openPage(t, { url: `${shared.emud.baseUrl}/#/instances/${id}/debug`, ...options });
const button = (/** @type {Page} */ page, /** @type {string} */ name) => page.getByRole('button', { name, exact: true });
const chooseTab = (/** @type {Page} */ page, /** @type {string} */ name) => page.getByRole('tab', { name }).click();

/** Calls of gdb wait. @param {Page} page @returns lets the first of them through, once it was made, or answers it with that problem */
async function holdCalls(page) {
	/** @type {import('playwright-core').Route[]} */
	const held = [];
	await page.route('**/gdb', (route) => void held.push(route));
	return async (/** @type {{code: string, errors: {pointer: string, detail: string}[]} | undefined} */ problem = undefined) => {
		const route = await until(() => held.shift() ?? false, 'a call of gdb');
		await (problem ? route.fulfill({ status: 422, json: problem }) : route.continue());
	};
}

test('gdb commands run, what they print is text, and those of before come back', async (t) => {
	await shared.client.startBoard('gdb', 'hello');
	const page = await openDebug(t, 'gdb', { expected: /422/ });
	const { gdb } = (await shared.client.get('/instances/gdb')).json;
	assert.equal(await page.getByLabel('The command for gdb').textContent(), `gdb-multiarch -ex 'target remote ${gdb.remote}'`);
	const commands = page.getByRole('textbox', { name: 'gdb commands' });
	await commands.fill(`info registers pc\necho ${MARKUP}\\n\nno-such-command`);
	await page.keyboard.press('Control+Enter');
	const result = page.getByRole('list', { name: 'Answers of gdb' }).locator('li').first();
	await result.filter({ hasText: 'exit code 1' }).waitFor();
	assert.match((await result.getByLabel('What gdb printed').textContent()) ?? '', /^pc +0x[\s\S]*<img src=x/m);
	assert.match((await result.getByLabel('Errors and warnings').textContent()) ?? '', /Undefined command: "no-such-command"/);
	assert.equal(await page.locator('img').count(), 0);
	await commands.fill('shell id');
	await button(page, 'Run').click();
	await page.getByText('"shell id" is refused').waitFor();
	await commands.fill('');
	await page.keyboard.press('ArrowUp');
	assert.match(await commands.inputValue(), /^info registers pc/);
	assert.match((await page.getByRole('form', { name: 'gdb commands' }).getByLabel('The same with curl').textContent()) ?? '', /\/v1\/instances\/gdb\/gdb$/);
});

test('an answer of gdb stands in sight, under the commands that were run', async (t) => {
	await shared.client.startBoard('answers', 'hello');
	const page = await openDebug(t, 'answers');
	const commands = page.getByRole('textbox', { name: 'gdb commands' });
	const letThrough = await holdCalls(page);
	await commands.fill('info registers pc');
	await page.keyboard.press('Control+Enter');
	await commands.fill('info registers lr');
	await letThrough();
	const result = page.getByRole('list', { name: 'Answers of gdb' }).locator('li').first();
	await result.getByLabel('What gdb printed').filter({ hasText: /^pc/m }).waitFor();
	assert.equal(await result.locator('code').textContent(), 'info registers pc');
	await page.waitForFunction(() => {
		const place = document.querySelector('.results pre')?.getBoundingClientRect();
		return place && place.top > 0 && Math.min(place.bottom, place.top + 60) < globalThis.innerHeight;
	});
	await page.keyboard.press('ArrowUp');
	assert.equal(await commands.inputValue(), 'info registers pc');
	await page.keyboard.press('ArrowDown');
	assert.equal(await commands.inputValue(), 'info registers lr');
	await result.getByRole('button', { name: 'Take again' }).click();
	assert.equal(await commands.inputValue(), 'info registers pc');
	assert.ok(await commands.evaluate((field) => field === document.activeElement));
});

test('what gdb had printed when its time was over is shown with the error', async (t) => {
	await shared.client.startBoard('slow', 'hello');
	const page = await openDebug(t, 'slow', { expected: /504/ });
	await page.getByLabel('At most, in seconds').fill('2');
	await page.getByRole('textbox', { name: 'gdb commands' }).fill('print 6 * 7\ncontinue');
	const answers = page.getByRole('list', { name: 'Answers of gdb' }).locator('li');
	// A loaded machine may not have come to print anything.
	await until(async () => {
		const before = await answers.count();
		await button(page, 'Run').click();
		await answers.nth(before).waitFor();
		return /\$1 = 42/.test(await answers.first().textContent() ?? '');
	}, 'a gdb that prints in time');
	assert.match(await answers.first().textContent() ?? '', /^print 6 \* 7\ncontinuenot done, /);
	await page.getByRole('alert').filter({ hasText: 'gdb did not end in time' }).waitFor();
});

test('what was typed, asked and answered is there again after another tab, and an answer meanwhile is told', async (t) => {
	await shared.client.startBoard('away', 'hello');
	const page = await openDebug(t, 'away', { expected: /422/ });
	const letThrough = await holdCalls(page);
	const commands = page.getByRole('textbox', { name: 'gdb commands' });
	const timeout = page.getByLabel('At most, in seconds');
	await timeout.fill('20');
	await commands.fill('print 6 * 7');
	await page.keyboard.press('Control+Enter');
	await commands.fill('print 1\n\nshell id');
	await chooseTab(page, 'Details');
	await commands.waitFor({ state: 'detached' });
	await chooseTab(page, 'Debug');
	await page.getByRole('status').filter({ hasText: 'gdb is at it' }).waitFor();
	assert.deepEqual([await commands.inputValue(), await timeout.inputValue()], ['print 1\n\nshell id', '20']);
	await chooseTab(page, 'Details');
	await commands.waitFor({ state: 'detached' });
	await letThrough();
	await page.locator('#notices').getByText('gdb has answered on away.').waitFor();
	await chooseTab(page, 'Debug');
	await page.getByLabel('What gdb printed').filter({ hasText: '$1 = 42' }).waitFor();
	await page.getByRole('link', { name: 'Files' }).click();
	await commands.waitFor({ state: 'detached' });
	await page.goBack();
	await commands.press('Control+Enter');
	await page.getByRole('link', { name: 'Files' }).click();
	await commands.waitFor({ state: 'detached' });
	await letThrough();
	await page.locator('#notices').getByText(/^gdb on away: .*"shell id" is refused/).waitFor();
	await page.goBack();
	await page.getByRole('form', { name: 'gdb commands' }).getByText('"shell id" is refused').waitFor();
	assert.equal(await page.locator('#notices .notice[data-kind="error"]').count(), 1);
	await commands.fill('');
	await page.keyboard.press('ArrowUp');
	assert.equal(await commands.inputValue(), 'print 6 * 7');
});

test('what is wrong with a call of gdb stands at its field, by the line that was run though another is typed by then', async (t) => {
	await shared.client.startBoard('faults', 'hello');
	const page = await openDebug(t, 'faults', { expected: /422/ });
	const letThrough = await holdCalls(page);
	const commands = page.getByRole('textbox', { name: 'gdb commands' });
	await commands.fill('print 1\n\nshell id');
	await page.keyboard.press('Control+Enter');
	await commands.fill('print 2');
	const errors = ['commands/1', 'executable', 'timeout'].map((name) => ({ pointer: `/${name}`, detail: `wrong: ${name}` }));
	await letThrough({ code: 'invalid_value', errors });
	const faultOf = (/** @type {string} */ label) => page.locator('.gdb .field').filter({ has: page.getByLabel(label, { exact: true }) }).locator('.fault');
	await faultOf('gdb commands').filter({ hasText: /^Line 3: wrong: commands\/1$/ }).waitFor();
	assert.deepEqual(await Promise.all(['Symbols', 'At most, in seconds'].map((label) => faultOf(label).textContent())), ['wrong: executable', 'wrong: timeout']);
});

test('what was typed for gdb before another start, or for another instance of the name, is not kept', async (t) => {
	await shared.client.startBoard('anew', 'hello');
	const page = await openDebug(t, 'anew', { expected: /404/ });
	const commands = page.getByRole('textbox', { name: 'gdb commands' });
	const starts = page.locator('dt:text-is("Starts") + dd');
	const typeAndLeave = async () => {
		await commands.fill('info registers pc');
		await chooseTab(page, 'Details');
		await starts.waitFor();
	};
	await typeAndLeave();
	await shared.client.post('/instances/anew/restart');
	await starts.filter({ hasText: '2' }).waitFor();
	await chooseTab(page, 'Debug');
	assert.equal(await commands.inputValue(), '');
	await typeAndLeave();
	await shared.client.delete('/instances/anew');
	await shared.client.startBoard('anew', 'hello', { labels: { of: 'now' } });
	await shared.client.post('/instances/anew/restart');
	await page.getByText('of=now').first().waitFor();
	await starts.filter({ hasText: '2' }).waitFor();
	await chooseTab(page, 'Debug');
	assert.equal(await commands.inputValue(), '');
});

test('gdb gets the symbols of what the board runs, or those that were asked for', async (t) => {
	await shared.client.startBoard('symbols', 'hello');
	const page = await openDebug(t, 'symbols');
	const symbols = page.getByLabel('Symbols');
	assert.equal(await symbols.inputValue(), firmware('hello'));
	const told = page.getByText(/^It runs sha256:[0-9a-f]{64}, until it starts again.$/);
	const loadEcho = async () => {
		await page.getByLabel('Choose a firmware file').setInputFiles(firmware('echo'));
		await button(page, 'Load').click();
		await told.waitFor();
	};
	await loadEcho();
	const loaded = await symbols.inputValue();
	assert.match(loaded, /^sha256:[0-9a-f]{64}$/);
	assert.ok((await page.getByRole('form', { name: 'gdb commands' }).getByLabel('The same with curl').textContent())?.includes(loaded));
	await chooseTab(page, 'Logs');
	await chooseTab(page, 'Debug');
	await told.waitFor();
	assert.equal(await symbols.inputValue(), loaded);
	await button(page, 'Restart with …').click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Path on the server').first().check();
	await dialog.getByLabel('Path on the server').last().fill(firmware('counter'));
	await dialog.getByRole('button', { name: 'Restart', exact: true }).click();
	await dialog.waitFor({ state: 'detached' });
	await told.waitFor({ state: 'hidden' });
	assert.equal(await symbols.inputValue(), firmware('counter'));
	await symbols.fill(firmware('passed'));
	await loadEcho();
	assert.equal(await symbols.inputValue(), firmware('passed'));
});

test('a board stands still after gdb when asked to', async (t) => {
	await shared.client.startBoard('still', 'counter');
	const page = await openDebug(t, 'still');
	await page.getByRole('textbox', { name: 'gdb commands' }).fill('info registers pc');
	await page.getByLabel('Leave the board standing still').check();
	await button(page, 'Run').click();
	await page.locator('h1 .state').filter({ hasText: 'paused' }).waitFor();
});

test('an uploaded image replaces what the board runs; one for another machine does not', async (t) => {
	await shared.client.startBoard('loaded', 'hello');
	const page = await openDebug(t, 'loaded', { expected: /422/ });
	await button(page, 'Load').click();
	await page.getByText('Choose a firmware.').waitFor();
	await page.getByLabel('Choose a firmware file').setInputFiles(firmware('hello', 'riscv32-virt'));
	await page.getByText('the target takes ARM').waitFor();
	await button(page, 'Load').click();
	await page.waitForFunction(() => document.querySelector('form[aria-label="Load"] .fault:not([hidden])'));
	await page.getByLabel('Choose a firmware file').setInputFiles(firmware('echo'));
	await button(page, 'Load').click();
	await page.getByText('The image is loaded').waitFor();
	await shared.client.post('/instances/loaded/channels/serial0/input', { body: 'echoed' });
	await shared.client.waitForOutput('loaded', 'echoed');
});
