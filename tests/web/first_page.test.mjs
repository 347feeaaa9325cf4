// The first page in a real browser, against the real emud.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { DEADLINE_MS } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync'],
	});
});
after(() => browser?.close());

// After the browser's: a hook that fails keeps later ones from running.
const shared = shareEmud();

/**
 * A page that fails the test at its end for any error, refused asset or breach of its policy.
 * @param {import('node:test').TestContext} t
 * @param {{url?: string, expected?: RegExp}} [options] expected: messages that are part of the test
 */
async function openPage(t, { url = shared.emud.baseUrl, expected = /^$/ } = {}) {
	const context = await browser.newContext();
	const page = await context.newPage();
	page.setDefaultTimeout(DEADLINE_MS);
	/** @type {string[]} */
	const faults = [];
	page.on('pageerror', (error) => faults.push(String(error)));
	page.on('console', (message) => {
		if (message.type() === 'error' && !expected.test(message.text())) faults.push(message.text());
	});
	t.after(async () => {
		await context.close();
		assert.deepEqual(faults, []);
	});
	await page.goto(url);
	return page;
}

const rowOf = (/** @type {import('playwright-core').Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);

/**
 * @param {import('playwright-core').Page} page
 * @param {string} text
 */
const untilConsoleShows = (page, text) =>
	page.waitForFunction((wanted) => document.querySelector('.xterm-rows')?.textContent?.includes(wanted), text);

/** @param {import('playwright-core').Page} page */
const consoleText = (page) => page.locator('.xterm-rows').textContent();

test('the page shows instances and their state', async (t) => {
	await shared.client.startBoard('shown', 'hello');
	const page = await openPage(t);
	const row = rowOf(page, 'shown');
	await row.waitFor();
	assert.equal(await row.locator('.state').textContent(), 'running');
	assert.equal(await row.locator('td').first().textContent(), 'board');
	assert.equal(await row.getByRole('button', { name: 'Start' }).isDisabled(), true);
	assert.equal(await row.getByRole('button', { name: 'Stop' }).isEnabled(), true);
});

test('actions act and the state follows', async (t) => {
	await shared.client.startBoard('acted', 'hello');
	const page = await openPage(t);
	const row = rowOf(page, 'acted');
	for (const [action, state] of [['Pause', 'paused'], ['Resume', 'running'], ['Stop', 'exited, stopped'], ['Start', 'running']]) {
		await row.getByRole('button', { name: action }).click();
		await row.locator('.state').filter({ hasText: new RegExp(`^${state}`) }).waitFor();
	}
	assert.equal((await shared.client.get('/instances/acted')).json.start_number, 2);
});

test('deleting asks first', async (t) => {
	await shared.client.startBoard('asked', 'hello');
	const page = await openPage(t);
	const row = rowOf(page, 'asked');
	await row.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
	assert.equal((await shared.client.get('/instances/asked')).json.state, 'running');
	await row.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await row.waitFor({ state: 'detached' });
	await shared.client.refused(404, 'not_found', 'GET', '/instances/asked');
});

test('the console is live both ways', async (t) => {
	await shared.client.startBoard('typed', 'echo');
	await shared.client.post('/instances/typed/channels/serial0/input', { body: 'before. ' });
	const page = await openPage(t);
	await rowOf(page, 'typed').getByRole('button', { name: 'Console' }).click();
	await untilConsoleShows(page, 'before. ');
	await page.keyboard.type('from the keyboard');
	await untilConsoleShows(page, 'before. from the keyboard');
	await shared.client.waitForOutput('typed', 'before. from the keyboard');
});

test('the console goes on where it was when emud is killed and comes back', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('resumed', 'echo');
	const page = await openPage(t, { url: emud.baseUrl, expected: /WebSocket|ERR_CONNECTION/ });
	await rowOf(page, 'resumed').getByRole('button', { name: 'Console' }).click();
	await page.getByRole('status').filter({ hasText: /^connected$/ }).waitFor();
	await page.keyboard.type('one ');
	await untilConsoleShows(page, 'one ');
	await emud.end('SIGKILL');
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await page.getByRole('status').filter({ hasText: /^connected$/ }).waitFor();
	await page.keyboard.type('two');
	await untilConsoleShows(page, 'one two');
	assert.equal((await consoleText(page))?.match(/one/g)?.length, 1);
});

test('the console of a board that starts again begins anew', async (t) => {
	await shared.client.startBoard('restarted', 'hello');
	const page = await openPage(t);
	await rowOf(page, 'restarted').getByRole('button', { name: 'Console' }).click();
	await untilConsoleShows(page, 'Hello');
	await shared.client.post('/instances/restarted/stop');
	await page.getByRole('status').filter({ hasText: 'ended' }).waitFor();
	await shared.client.post('/instances/restarted/start', { json: { file: firmware('passed') } });
	await untilConsoleShows(page, 'PASSED');
	assert.doesNotMatch((await consoleText(page)) ?? '', /Hello/);
});

test('what a board prints is text, never markup', async (t) => {
	await shared.client.startBoard('markup', 'echo');
	await shared.client.post('/instances/markup/channels/serial0/input', { body: '<img src=x onerror=alert(1)>' });
	const page = await openPage(t);
	await rowOf(page, 'markup').getByRole('button', { name: 'Console' }).click();
	await untilConsoleShows(page, '<img src=x');
	assert.equal(await page.locator('img').count(), 0);
});

test('the whole page works by keyboard', async (t) => {
	const emud = await startEmud(t);
	await emud.client().startBoard('keys', 'echo');
	const page = await openPage(t, { url: emud.baseUrl });
	await rowOf(page, 'keys').waitFor();
	const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
	for (let presses = 0; (await focused()) !== 'Console'; presses++) {
		assert.ok(presses < 10, 'the console button cannot be reached by Tab');
		await page.keyboard.press('Tab');
	}
	await page.keyboard.press('Enter');
	await page.getByRole('status').filter({ hasText: /^connected$/ }).waitFor();
	await page.keyboard.type('typed');
	await untilConsoleShows(page, 'typed');
	await page.keyboard.press('Shift+Tab');
	assert.equal(await page.evaluate(() => document.activeElement?.closest('#console-screen')), null);
});

test('a refused start is told in the emulator\'s words', async (t) => {
	await shared.client.put('/instances/refused-start', { json: { target: 'no-machine', start: false }, expect: 201 });
	const page = await openPage(t, { expected: /502/ });
	await rowOf(page, 'refused-start').getByRole('button', { name: 'Start' }).click();
	await page.getByRole('alert').filter({ hasText: 'unsupported machine type' }).waitFor();
	await rowOf(page, 'refused-start').locator('.state[data-state="failed"]').waitFor();
});

test('a token is asked for once, and again when it is wrong', async (t) => {
	const emud = await startEmud(t, { tokens: 'browser-token-4711\n' });
	await emud.client({ token: 'browser-token-4711' }).startBoard('guarded', 'echo');
	const page = await openPage(t, { url: emud.baseUrl, expected: /401/ });
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Token').fill('wrong');
	await dialog.getByRole('button', { name: 'Sign in' }).click();
	await dialog.getByText('That token is not known here.').waitFor();
	await dialog.getByLabel('Token').fill('browser-token-4711');
	await dialog.getByLabel('Token').press('Enter');
	await rowOf(page, 'guarded').getByRole('button', { name: 'Console' }).click();
	await page.getByRole('status').filter({ hasText: /^connected$/ }).waitFor();
	await page.reload();
	await rowOf(page, 'guarded').waitFor();
	assert.equal(await dialog.count(), 0);
});

test('the documents show every call of the specification', async (t) => {
	const { operations } = await import('../lib/specification.mjs');
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/docs` });
	await page.locator('.opblock').first().waitFor();
	assert.equal(await page.locator('.opblock').count(), operations.length);
});

test('the page can be read in light and dark', async (t) => {
	const page = await openPage(t);
	const luminance = async (/** @type {'light' | 'dark'} */ colorScheme) => {
		await page.emulateMedia({ colorScheme });
		return page.evaluate(() => {
			const { color, backgroundColor } = getComputedStyle(document.body);
			const [text, ground] = [color, backgroundColor].map((value) => Number(/\d+/.exec(value)?.[0]));
			return { text, ground };
		});
	};
	const light = await luminance('light');
	assert.ok(light.ground - light.text > 150, JSON.stringify(light));
	const dark = await luminance('dark');
	assert.ok(dark.text - dark.ground > 150, JSON.stringify(dark));
});
