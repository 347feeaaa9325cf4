// Consoles in a real browser, against the real emud.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { test } from 'node:test';

import { untilConsoleShows, untilLive } from '../lib/console_page.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { print, repeat, script } from '../lib/script.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();

/** @param {import('node:test').TestContext} t @param {string} id @param {Partial<import('../lib/page.mjs').PageOptions>} [options] */
const openConsole = (t, id, options) => openPage(t, { url: `${shared.emud.baseUrl}/#/instances/${id}`, ...options });
const rows = (/** @type {Page} */ page) => page.locator('.xterm-rows > div').allTextContents();
/** Lines that are broken by the terminal's width only are one. */
const consoleText = async (/** @type {Page} */ page) => (await rows(page)).join('\n');
/** What is told, but cannot be read as a whole. @param {Page} page */
const cutStatus = (page) => page.locator('.panel [role="status"]').evaluateAll((all) =>
	all.filter((status) => status.scrollWidth > status.clientWidth && status.clientWidth > 0).map((status) => status.textContent));

test('the console is live both ways, from its first byte on', async (t) => {
	await shared.client.startBoard('typed', 'echo');
	await shared.client.post('/instances/typed/channels/serial0/input', { body: 'before. ' });
	const page = await openConsole(t, 'typed');
	await untilConsoleShows(page, 'before. ');
	await page.keyboard.type('from the keyboard');
	await untilConsoleShows(page, 'before. from the keyboard');
	await shared.client.waitForOutput('typed', 'before. from the keyboard');
});

test('Enter sends what is chosen, and the local echo shows what is typed', async (t) => {
	await shared.client.startBoard('ended-by', 'ignore_input');
	const page = await openConsole(t, 'ended-by');
	await untilLive(page);
	await page.getByLabel('Local echo').check();
	await page.locator('.xterm-helper-textarea').focus();
	await page.keyboard.type('only herr');
	await page.keyboard.press('Backspace');
	await page.keyboard.type('e');
	await untilConsoleShows(page, 'only here');
	await shared.client.startBoard('echoes', 'echo');
	const other = await openConsole(t, 'echoes');
	await untilLive(other);
	for (const ending of ['LF', 'CR', 'CRLF']) {
		await other.getByLabel('Enter sends').selectOption(ending);
		await other.locator('.xterm-helper-textarea').focus();
		await other.keyboard.press('Enter');
		await other.keyboard.type(ending);
		await untilConsoleShows(other, ending);
	}
	const output = await shared.client.waitForOutput('echoes', 'CRLF');
	assert.match(output.toString(), /\nLF\rCR\r\nCRLF/);
});

test('control keys go to the board, and what is pasted comes whole', async (t) => {
	await shared.client.startBoard('controlled', 'echo');
	const page = await openConsole(t, 'controlled', { context: { permissions: ['clipboard-read', 'clipboard-write'] } });
	await untilLive(page);
	await page.getByLabel('Enter sends').selectOption('CR');
	await page.locator('.xterm-helper-textarea').focus();
	for (const key of ['Control+c', 'Control+]', 'Control+d', 'Control+v', 'Tab', 'Escape', 'ArrowUp', 'F1', 'Backspace']) await page.keyboard.press(key);
	const keys = '\x03\x1d\x04\x16\t\x1b\x1b[A\x1bOP\x7f';
	const pasted = `${Array.from({ length: 1000 }, (_, number) => `line ${number}`).join('\n')} end`;
	await page.evaluate((text) => navigator.clipboard.writeText(text), pasted);
	await page.keyboard.press('Control+Shift+V');
	const output = await shared.client.waitForOutput('controlled', ' end');
	assert.ok(output.toString() === keys + pasted.replaceAll('\n', '\r'), `${output.length} bytes came`);
});

test('the console goes on where it was when emud is killed and comes back', async (t) => {
	const emud = await startEmud(t);
	await emud.client().startBoard('resumed', 'echo');
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/resumed`, expected: /WebSocket|ERR_CONNECTION|ERR_INCOMPLETE|404/ });
	await untilLive(page);
	await page.keyboard.type('one ');
	await untilConsoleShows(page, 'one ');
	await emud.end('SIGKILL');
	await page.getByRole('alert').filter({ hasText: 'emud does not answer' }).waitFor();
	await page.getByRole('status').filter({ hasText: 'What is typed now is not sent.' }).waitFor();
	await page.keyboard.type('xyz');
	await page.getByRole('status').filter({ hasText: /^Not sent: 3 typed characters.$/ }).waitFor();
	assert.deepEqual(await cutStatus(page), []);
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await untilLive(page);
	await page.locator('#lost').waitFor({ state: 'hidden' });
	const untold = page.getByRole('status').filter({ hasText: /^3 characters typed before were not sent.$/ });
	await untold.waitFor();
	await page.keyboard.type('two');
	await untold.waitFor({ state: 'detached' });
	await untilConsoleShows(page, 'one two');
	assert.equal((await consoleText(page)).match(/one/g)?.length, 1);
});

test('a terminal that did not come once is had by loading the page again; one that goes on failing is told in its place', async (t) => {
	await shared.client.startBoard('missing', 'hello');
	const page = await openPage(t, { url: 'about:blank', expected: /502/ });
	let failures = 1;
	await page.route('**/components/terminal.js', (route) => (failures-- > 0 ? route.fulfill({ status: 502 }) : route.continue()));
	await page.goto(`${shared.emud.baseUrl}/#/instances/missing`);
	await untilConsoleShows(page, 'Hello');
	failures = 2;
	await page.goto('about:blank');
	await page.goto(`${shared.emud.baseUrl}/#/instances/missing`);
	await page.getByRole('tabpanel').getByRole('alert').filter({ hasText: 'emud did not send this page. To ask again, choose it again.' }).waitFor();
});

test('the console of a board that starts again begins anew', async (t) => {
	await shared.client.startBoard('restarted', 'hello');
	const page = await openConsole(t, 'restarted');
	await untilConsoleShows(page, 'Hello');
	await shared.client.post('/instances/restarted/stop');
	await page.getByRole('status').filter({ hasText: 'ended' }).waitFor();
	await shared.client.post('/instances/restarted/start', { json: { file: firmware('passed') } });
	await untilConsoleShows(page, 'PASSED');
	assert.doesNotMatch(await consoleText(page), /Hello/);
});

test('a board with two consoles has a tab for each', async (t) => {
	await shared.client.startBoard('two', 'two_serials', { target: 'board-two' });
	const page = await openConsole(t, 'two');
	await untilLive(page);
	const first = await (await shared.client.get('/instances/two/channels/serial0/output')).text;
	const second = await (await shared.client.get('/instances/two/channels/serial1/output')).text;
	await untilConsoleShows(page, first.trim().split(/\s*\n/)[0]);
	await page.getByRole('tab', { name: 'serial1' }).click();
	await untilConsoleShows(page, second.trim().split(/\s*\n/)[0]);
});

test('the output is searched, copied and downloaded', async (t) => {
	await shared.client.startBoard('sought', 'echo');
	await shared.client.post('/instances/sought/channels/serial0/input', { body: 'first needle\r\nsecond needle\r\nneedle in the hay\r\n' });
	const page = await openConsole(t, 'sought', { context: { permissions: ['clipboard-read', 'clipboard-write'] } });
	await untilConsoleShows(page, 'needle in the hay');
	await page.keyboard.press('Control+Shift+F');
	await page.keyboard.type('needle');
	await page.keyboard.press('Enter');
	const untilChosen = (/** @type {string} */ line) => page.waitForFunction((wanted) => {
		const top = (/** @type {Element | null | undefined} */ of) => Math.round(of?.getBoundingClientRect().top ?? NaN);
		const row = [...document.querySelectorAll('.xterm-rows > div')].find(({ textContent }) => textContent?.includes(wanted));
		return top(document.querySelector('.xterm-selection > div')) === top(row);
	}, line);
	await untilChosen('in the hay');
	await page.keyboard.press('Enter');
	await untilChosen('second');
	await page.keyboard.press('Shift+Enter');
	await untilChosen('in the hay');
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await page.getByRole('status').filter({ hasText: /^Copied/ }).waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'needle');
	await page.getByLabel('Search the output').fill('no such words');
	await page.keyboard.press('Enter');
	await page.getByRole('status').filter({ hasText: 'Not found in what is here.' }).waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
	assert.equal(download.suggestedFilename(), 'sought-serial0.log');
	assert.match(readFileSync(await download.path(), 'utf8'), /needle in the hay/);
});

test('the console is reached and left by keyboard', async (t) => {
	await shared.client.startBoard('keys', 'echo');
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/instances?q=keys` });
	await page.getByRole('link', { name: 'keys' }).waitFor();
	const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
	for (let presses = 0; (await focused()) !== 'keys'; presses++) {
		assert.ok(presses < 30, 'the instance cannot be reached by Tab');
		await page.keyboard.press('Tab');
	}
	await page.keyboard.press('Enter');
	await untilLive(page);
	await page.locator('.xterm-helper-textarea:focus').waitFor({ state: 'attached' });
	await page.keyboard.type('typed');
	await untilConsoleShows(page, 'typed');
	await page.keyboard.press('Shift+Tab');
	assert.equal(await page.evaluate(() => document.activeElement?.closest('.screen')), null);
	await page.getByRole('tab', { name: 'Consoles' }).focus();
	for (const tab of ['Properties', 'Debug']) {
		await page.keyboard.press('ArrowRight');
		assert.equal(await focused(), tab);
	}
	await page.keyboard.press('Home');
	await untilLive(page);
	assert.equal(await focused(), 'Consoles');
});

test('a console that floods leaves the page at work', async (t) => {
	await shared.client.startBoard('flooding', 'flood');
	const page = await openConsole(t, 'flooding');
	await untilLive(page);
	// How long the page is not at the user's: the longest turn of two seconds.
	const longest = await page.evaluate(() => new Promise((resolve) => {
		let last = performance.now();
		let gap = 0;
		const end = last + 2000;
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => {
			const now = performance.now();
			gap = Math.max(gap, now - last);
			last = now;
			if (now > end) resolve(gap);
			else port2.postMessage(null);
		};
		port2.postMessage(null);
	}));
	t.diagnostic(`the longest turn took ${Math.round(longest)} ms`);
	assert.ok(longest < 3000, `the page froze for ${longest} ms`);
	await page.getByRole('button', { name: 'Stop' }).click();
	await page.locator('h1 .state[data-state="exited"]').waitFor();
});

test('a page that is behind lets no more come until it has shown what it has', async (t) => {
	await shared.client.startBoard('behind', 'flood');
	await shared.client.waitForOffset('behind', 2 * 1024 * 1024);
	const page = await openPage(t, { url: 'about:blank' });
	// The terminal shows what it is given from one turn to the next: it gets none.
	await page.addInitScript(() => {
		const begin = globalThis.setTimeout;
		const held = /** @type {(() => void)[]} */ ([]);
		/** @type {any} */ (globalThis).held = held;
		/** @type {any} */ (globalThis).setTimeout = (/** @type {() => void} */ act, /** @type {number} */ ms = 0) =>
			(ms === 0 && /** @type {any} */ (globalThis).held ? held.push(act) : begin(act, ms));
	});
	const opened = page.waitForEvent('websocket');
	await page.goto(`${shared.emud.baseUrl}/#/instances/behind`);
	await (await opened).waitForEvent('close');
	await Promise.all([page.waitForEvent('websocket'), page.evaluate(() => {
		const { held } = /** @type {any} */ (globalThis);
		/** @type {any} */ (globalThis).held = null;
		for (const act of held) act();
	})]);
	await untilLive(page);
	await shared.client.post('/instances/behind/stop');
});

test('an instance that goes is told, and one of its name that comes is shown', async (t) => {
	await shared.client.startBoard('again', 'hello');
	const page = await openConsole(t, 'again', { expected: /404/ });
	await untilConsoleShows(page, 'Hello');
	await shared.client.delete('/instances/again');
	await page.getByText('There is no instance of this name').waitFor();
	await shared.client.startBoard('again', 'passed');
	await untilConsoleShows(page, 'PASSED');
});

test('what earlier starts printed is chosen by their number, while they are kept', async (t) => {
	const { client } = shared;
	await client.startBoard('starts', 'echo');
	/** @param {number} number */
	const print = async (number) => {
		await client.post('/instances/starts/channels/serial0/input', { body: `this is start ${number}. ` });
		await client.waitForOutput('starts', `start ${number}. `);
	};
	await print(1);
	const page = await openConsole(t, 'starts');
	const start = page.getByLabel('Start', { exact: true });
	await untilConsoleShows(page, 'this is start 1. ');
	assert.deepEqual([await start.isDisabled(), await start.locator('option').allTextContents()], [true, ['Start 1']]);
	await client.post('/instances/starts/restart');
	await print(2);
	await untilConsoleShows(page, 'this is start 2. ');
	await start.selectOption('Start 1');
	await untilConsoleShows(page, 'this is start 1. ');
	assert.ok(!(await consoleText(page)).includes('start 2'));
	await page.getByText('Start 1, bytes 0 to 17. Typing shows the newest.').waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
	assert.equal(download.suggestedFilename(), 'starts-serial0-start1.log');
	assert.equal(readFileSync(await download.path(), 'latin1'), 'this is start 1. ');
	// Who reads an old one is not torn away by a new one.
	await client.post('/instances/starts/restart');
	await print(3);
	await start.locator('option').filter({ hasText: 'Start 3' }).waitFor({ state: 'attached' });
	assert.deepEqual(await start.locator('option').allTextContents(), ['Start 3', 'Start 2', 'Start 1']);
	assert.ok((await consoleText(page)).includes('this is start 1. '));
	await start.selectOption('Start 2');
	await untilConsoleShows(page, 'this is start 2. ');
	for (const name of ['First', 'Earlier', 'Later', 'Newest']) assert.equal(await page.getByRole('button', { name, exact: true }).isDisabled(), true, name);
	await page.locator('.xterm-helper-textarea').focus();
	await page.keyboard.type('typed');
	await untilConsoleShows(page, 'this is start 3. typed');
	assert.equal(await start.inputValue(), '3');
	await untilLive(page);
	await start.selectOption('Start 1');
	await untilConsoleShows(page, 'this is start 1. ');
	await start.selectOption('Start 3');
	await untilConsoleShows(page, 'this is start 3. typed');
	await untilLive(page);
});

/** Prints more than a page of history. */
const LONG = script([print('first line\n'), ...Array.from({ length: 4000 }, () => [repeat('x', 700), print('\n')]).flat(), print('last line\n')]);

test('of a long earlier start the end is shown first, and its parts are paged through within it', async (t) => {
	const { client } = shared;
	await client.startBoard('long-before', 'echo');
	await client.post('/instances/long-before/stop');
	const { sha256 } = (await client.post('/files', { body: LONG, expect: 201 })).json;
	await client.post('/instances/long-before/start', { json: { file: { sha256 } } });
	await client.waitForOutput('long-before', 'last line');
	await client.post('/instances/long-before/restart', { json: { file: firmware('hello') } });
	const page = await openConsole(t, 'long-before');
	await untilConsoleShows(page, 'Hello');
	const button = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true });
	await page.getByLabel('Start', { exact: true }).selectOption('Start 2');
	await untilConsoleShows(page, 'last line');
	assert.deepEqual([await button('Later').isDisabled(), await button('Newest').isDisabled()], [true, true]);
	// By keyboard: a button that has no more to give hands the focus on.
	await button('First').press('Enter');
	await untilConsoleShows(page, 'first line');
	assert.deepEqual([await button('First').isDisabled(), await button('Earlier').isDisabled()], [true, true]);
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Later');
	for (let pages = 0; !(await button('Later').isDisabled()); pages++) {
		assert.ok(pages < 10);
		const before = await page.getByText(/^Start 2, bytes/).textContent();
		await button('Later').click();
		await until(async () => (await page.getByText(/^Start 2, bytes/).textContent()) !== before, 'the next page');
	}
	const { length } = (await client.get('/instances/long-before/channels/serial0/output?start_number=2')).body;
	await page.getByText(`to ${length.toLocaleString('en-US')}. Typing shows the newest.`).waitFor();
	await button('Earlier').click();
	await until(async () => !(await button('Newest').isDisabled()), 'the page before');
	await button('Newest').press('Enter');
	await untilConsoleShows(page, 'last line');
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'First');
	assert.equal(await page.getByLabel('Start', { exact: true }).inputValue(), '2');
});

test('a start whose output is kept no more says so, and what is shown stays', async (t) => {
	const { client } = shared;
	await client.startBoard('forgets', 'hello');
	await client.post('/instances/forgets/restart');
	const page = await openConsole(t, 'forgets', { expected: /404/ });
	await untilConsoleShows(page, 'Hello');
	const { path: dir } = (await client.get('/instances/forgets')).json;
	const start = page.getByLabel('Start', { exact: true });
	await start.locator('option').filter({ hasText: 'Start 1' }).waitFor({ state: 'attached' });
	rmSync(`${dir}/starts/1`, { recursive: true });
	await start.selectOption('Start 1');
	await page.getByText('no output of serial0 of start 1 is kept').waitFor();
	assert.equal(await start.inputValue(), '2');
	await untilLive(page);
	await untilConsoleShows(page, 'Hello');
});

test('who pages in a start that another one ends stays in it, up to its end', async (t) => {
	const { client } = shared;
	await client.request('POST', '/files', { body: LONG });
	const { files } = (await client.get('/files')).json;
	const { sha256 } = files.find((/** @type {{size: number}} */ { size }) => size === LONG.length);
	await client.put('/instances/paged', { json: { target: 'board', file: { sha256 } }, expect: 201 });
	await client.waitForOutput('paged', 'last line');
	const page = await openConsole(t, 'paged');
	const button = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true });
	const place = page.getByText(/^Start 1, bytes/);
	await untilConsoleShows(page, 'last line');
	await button('First').click();
	await untilConsoleShows(page, 'first line');
	await client.post('/instances/paged/restart', { json: { file: firmware('hello') } });
	await client.waitForOutput('paged', 'Hello');
	await page.getByLabel('Start', { exact: true }).locator('option').filter({ hasText: 'Start 2' }).waitFor({ state: 'attached' });
	const whole = (await client.get('/instances/paged/channels/serial0/output?start_number=1')).body;
	for (let pages = 0; !(await button('Later').isDisabled()); pages++) {
		assert.ok(pages < 10);
		const before = await place.textContent();
		await button('Later').click();
		await until(async () => (await place.textContent()) !== before, 'the next page');
	}
	await page.getByText(`to ${whole.length.toLocaleString('en-US')}. Typing shows the newest.`).waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
	assert.ok(readFileSync(await download.path()).equals(whole));
	await button('Earlier').click();
	await until(async () => !(await button('Newest').isDisabled()), 'the page before');
	await button('Newest').click();
	await untilConsoleShows(page, 'last line');
	await page.locator('.xterm-helper-textarea').focus();
	await page.keyboard.type('x');
	await untilConsoleShows(page, 'Hello');
});

test('an earlier start that is chosen before the newest output is there is shown', async (t) => {
	const { client } = shared;
	await client.startBoard('hasty', 'hello');
	await client.waitForOutput('hasty', 'Hello');
	const page = await openPage(t, { url: 'about:blank' });
	/** @type {import('playwright-core').Route[]} */
	const held = [];
	let isHeld = true;
	for (const what of ['**/ui/components/terminal.js', '**/output?offset=-1&limit=1']) await page.route(what, (route) => (isHeld ? void held.push(route) : route.continue()));
	await page.goto(`${shared.emud.baseUrl}/#/instances/hasty`);
	await until(() => held.length === 1, 'the terminal to be asked for');
	// How many starts are kept is asked then.
	const told = page.waitForResponse('**/v1/service');
	await client.post('/instances/hasty/restart', { json: { file: firmware('echo') } });
	await told;
	await held[0].continue();
	await until(() => held.length === 2, 'the newest output to be asked for');
	await page.getByLabel('Start', { exact: true }).selectOption('Start 1');
	isHeld = false;
	await held[1].continue();
	await page.getByText(/^Start 1, bytes 0 to/).waitFor();
	await untilConsoleShows(page, 'Hello');
});

test('a start that is shown while it is forgotten can be copied, and no more be downloaded', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_starts: 1 } } });
	const client = emud.client();
	t.after(() => client.close());
	await client.startBoard('forgotten', 'hello');
	await client.waitForOutput('forgotten', 'Hello');
	await client.post('/instances/forgotten/restart');
	const page = await openPage(t, { url: `${emud.baseUrl}/#/instances/forgotten` });
	await page.getByLabel('Start', { exact: true }).selectOption('Start 1');
	await page.getByText(/^Start 1, bytes 0 to/).waitFor();
	await client.post('/instances/forgotten/restart');
	await page.getByText('emud keeps the output of this start no more: what is here can be copied.').waitFor();
	assert.equal(await page.getByText('Download', { exact: true }).getAttribute('href'), null);
	assert.deepEqual(await page.getByLabel('Start', { exact: true }).locator('option').allTextContents(), ['Start 3', 'Start 2', 'Start 1']);
	await untilConsoleShows(page, 'Hello');
});
