// Runs in a real browser, on the real emud and QEMU: what came of them, live output, test cases, the form.
/* global requestAnimationFrame */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { FIRMWARE_DIR, firmware } from '../lib/firmware.mjs';
import { setHidden, shareBrowser } from '../lib/page.mjs';
import { beginRun, boardOf, runFirmware, untilPrinted } from '../lib/runs.mjs';
import { pause, print, read, repeat, script } from '../lib/script.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();
const shell = promisify(execFile);
const elf = (/** @type {string} */ name) => readFileSync(firmware(name));
const ended = /** @type {Record<string, any>} */ ({});

/**
 * @param {import('node:test').TestContext} t
 * @param {string} hash
 * @param {{url?: string, expected?: RegExp}} [options]
 */
const open = (t, hash, { url = shared.emud.baseUrl, expected } = {}) => openPage(t, { url: `${url}/#${hash}`, expected });
const rowOf = (/** @type {Page} */ page, /** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);
const verdictOf = (/** @type {Page} */ page) => page.locator('h1 .verdict');
const logOf = (/** @type {Page} */ page) => page.getByRole('region', { name: 'Output of the run' });
const untilVerdict = (/** @type {Page} */ page, /** @type {string} */ verdict) => verdictOf(page).filter({ hasText: new RegExp(`^${verdict}$`) }).waitFor();
const untilLogShows = (/** @type {Page} */ page, /** @type {string} */ text) => logOf(page).filter({ hasText: text }).waitFor();
const fileInput = (/** @type {Page} */ page) => page.getByLabel('Choose a firmware file');

/** @param {import('../lib/client.mjs').Client} client @param {string} run @param {string} text typed into its console */
async function type(client, run, text) {
	const { id } = await boardOf(client, run);
	await client.post(`/instances/${id}/channels/serial0/input`, { body: text });
}

test('no runs yet: how to begin is shown, and a first one appears by itself', async (t) => {
	const page = await open(t, '/runs');
	await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
	const line = page.getByLabel('A run with curl', { exact: true });
	await line.filter({ hasText: 'target=board&' }).waitFor();
	assert.equal(await line.textContent(), `curl --fail-with-body -T fw.elf '${shared.emud.baseUrl}/runs?target=board&pass=PASSED&fail=FAILED&timeout=60&strict=true'`);
	ended.passed = await runFirmware(shared.client, elf('passed'), { pass: 'PASSED', label: ['team:boot', 'commit:4f1c'] });
	const row = rowOf(page, ended.passed.id);
	await row.getByText('passed', { exact: true }).waitFor();
	// What no event tells.
	await row.getByText('commit=4f1c').waitFor();
	await row.getByText('127.0.0.1').waitFor();
	assert.ok(await page.getByRole('heading', { name: 'No runs yet' }).isHidden());
});

test('every verdict has its word and its reason', async (t) => {
	const { client } = shared;
	const waiting = await beginRun(client, elf('hello'), {});
	ended.failed = await runFirmware(client, elf('passed'), { fail: 'PAS+ED', pass: 'never' });
	ended.crashed = await runFirmware(client, elf('lockup'), { pass: 'never' });
	ended.timed_out = await runFirmware(client, elf('hello'), { timeout: 0.3 });
	ended.not_started = await runFirmware(client, elf('hello'), { target: 'no-machine' });
	ended.cases = await runFirmware(client, elf('cases'));
	const page = await open(t, '/runs');
	const expected = {
		failed: ['failed', 'It printed “PASSED”, which matches “PAS+ED”'], crashed: ['crashed', 'The emulator crashed (SIGABRT).'],
		timed_out: ['timed out', 'Nothing decided it within 300 ms.'], not_started: ['not started', 'The board did not start. qemu-system-arm: unsupported machine type'],
		cases: ['failed', 'The guest ended itself with code 1.'],
	};
	for (const [name, [word, why]] of Object.entries(expected)) {
		const row = rowOf(page, ended[name].id);
		await row.getByText(word, { exact: true }).waitFor();
		assert.ok((await row.locator('.why').textContent())?.startsWith(why), `${name}: ${await row.textContent()}`);
	}
	await rowOf(page, waiting.id).getByText('running', { exact: true }).waitFor();
	await page.getByRole('button', { name: `Cancel run ${waiting.id}` }).click();
	await rowOf(page, waiting.id).getByText('canceled', { exact: true }).waitFor();
	assert.equal((await client.get(`/runs/${waiting.id}`)).json.verdict, 'canceled');
	const ids = await page.locator('tr[data-id]').evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('data-id'))));
	assert.deepEqual(ids, [...ids].sort((one, other) => other - one), 'newest first');
});

test('a run that did not start is told in the words of the emulator', async (t) => {
	const page = await open(t, `/runs/${ended.not_started.id}`);
	await untilVerdict(page, 'not started');
	await page.getByLabel('What is told of it').filter({ hasText: 'unsupported machine type' }).waitFor();
	await page.getByText('It printed nothing.').waitFor();
});

test('output comes live, and what decided is marked as text, whatever it looks like', async (t) => {
	const { client } = shared;
	const steps = [print('ready <img src=x onerror=alert(1)>\n'), read(1), print('\xe4\xf6\xfc <b>PASS'), pause(20), print('ED</b> done\nmore\n')];
	const run = await beginRun(client, script(steps), { pass: 'PASSED</b> done\\n', label: 'html:<script>' });
	const page = await open(t, `/runs/${run.id}`);
	await untilLogShows(page, 'ready <img src=x onerror=alert(1)>');
	await untilVerdict(page, 'running');
	const board = page.getByRole('link', { name: 'Its board' });
	assert.match(await board.getAttribute('href') ?? '', /^#\/instances\/run-/);
	assert.equal(await page.title(), `Run ${run.id}: running – emud`);
	await type(client, run.id, '\r');
	await untilVerdict(page, 'passed');
	assert.equal(await page.title(), `Run ${run.id}: passed – emud`);
	const mark = logOf(page).locator('mark');
	await mark.waitFor();
	assert.equal(await mark.textContent(), 'PASSED</b> done\n');
	assert.match(await logOf(page).locator('span.deciding').textContent() ?? '', /^äöü <b>$/);
	assert.equal(await page.locator('main b, main img, main i, main script').count(), 0);
	assert.ok(await board.isHidden());
	await page.getByText('html=<script>').first().waitFor();
});

test('a page that nobody sees follows nothing, and goes on at the byte where it was when it is looked at', async (t) => {
	const { client } = shared;
	const run = await beginRun(client, script([print('one\n'), read(1), print('two\n'), read(1), print('PASSED\n')]), { pass: 'PASSED' });
	const page = await open(t, `/runs/${run.id}`);
	await untilLogShows(page, 'one');
	const isFollowing = (/** @type {import('playwright-core').Request} */ request) => request.url().includes('follow=true');
	const ended = page.waitForEvent('requestfailed', isFollowing);
	await setHidden(page, true);
	await ended;
	await type(client, run.id, '\r');
	await untilPrinted(client, run.id, 'two');
	const live = page.getByText('Live', { exact: true });
	const resumed = page.waitForRequest(isFollowing);
	await setHidden(page, false);
	assert.match((await resumed).url(), /offset=4$/);
	await live.waitFor();
	await untilLogShows(page, 'two');
	// One that is opened behind another.
	const other = await page.context().newPage();
	await other.addInitScript(() => Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }));
	/** @type {string[]} */
	const asked = [];
	other.on('request', (request) => isFollowing(request) && asked.push(request.url()));
	await other.goto(page.url());
	await untilVerdict(other, 'running');
	await other.getByRole('button', { name: 'End', exact: true }).waitFor();
	assert.deepEqual(asked, []);
	assert.equal(await other.locator('.tools').getByRole('status').textContent(), '');
	await setHidden(other, false);
	await untilLogShows(other, 'two');
	await type(client, run.id, '\r');
	for (const each of [page, other]) {
		await untilVerdict(each, 'passed');
		await logOf(each).locator('mark').waitFor();
		assert.equal(await logOf(each).textContent(), 'one\ntwo\nPASSED\n');
	}
});

test('test cases are a table that can be filtered, and a report to download', async (t) => {
	const page = await open(t, `/runs/${ended.cases.id}`);
	await page.getByText('The guest ended itself with code 1.').waitFor();
	assert.equal(await page.title(), `Run ${ended.cases.id}: failed – emud`);
	await page.getByRole('link', { name: '1 of 3 test cases failed.' }).click();
	const rows = page.locator('table.tests tbody tr');
	await rows.filter({ hasText: 'Wraps' }).waitFor();
	assert.equal(await rows.count(), 1);
	await page.getByLabel('Failed only').uncheck();
	await rows.nth(2).waitFor();
	assert.deepEqual(await rows.locator('.result').allTextContents(), ['passed', 'failed', 'skipped']);
	await page.getByText('1 passed, 1 failed, 1 skipped').waitFor();
	await page.getByLabel('Failed only').check();
	assert.equal(await rows.count(), 1);
	assert.match(await rows.textContent() ?? '', /^RingWrapsfailed12 ms/);
	const message = page.getByLabel('Message of Wraps');
	assert.ok(await message.isHidden());
	await rows.locator('summary').click();
	assert.match(await message.textContent() ?? '', /Expected: size\(\) < 4 && "wrapped"/);
	await page.getByLabel('Failed only').uncheck();
	await page.getByLabel('Filter test cases').fill('uart');
	assert.equal(await rows.count(), 1);
	assert.ok(page.url().endsWith(`/runs/${ended.cases.id}/tests?q=uart`));
	await page.reload();
	await rows.first().waitFor();
	assert.equal(await rows.count(), 1, 'the address leads to the same');
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'JUnit' }).click()]);
	assert.equal(download.suggestedFilename(), `run-${ended.cases.id}.xml`);
	assert.match(readFileSync(await download.path(), 'utf8'), /<testcase [^>]*name="Wraps"/);
});

test('details and events tell what made it, and what happened to it and its board', async (t) => {
	const page = await open(t, `/runs/${ended.passed.id}/details`);
	const command = page.getByLabel('The exact command', { exact: true });
	await command.waitFor();
	assert.match(await command.textContent() ?? '', /-machine lm3s6965evb/);
	await page.getByText(`sha256:${ended.passed.file.sha256}`).waitFor();
	await page.getByLabel('Configuration of the target').getByText('"machine": "lm3s6965evb"').waitFor();
	await page.getByRole('tab', { name: 'Events' }).click();
	await page.getByText('passed: pass pattern').waitFor();
	await page.getByText(`board run-${ended.passed.id}: deleted`).waitFor();
});

test('run again makes another run of the same, and goes there', async (t) => {
	const page = await open(t, `/runs/${ended.passed.id}`);
	await untilVerdict(page, 'passed');
	const again = page.getByRole('button', { name: 'Run again', exact: true });
	/** @type {string[]} */
	const asked = [];
	page.on('request', (request) => request.method() === 'POST' && asked.push(request.url()));
	await again.dblclick();
	await page.waitForFunction((before) => !document.location.hash.endsWith(before), `/${ended.passed.id}`);
	await page.getByRole('link', { name: `run ${ended.passed.id}` }).waitFor();
	await untilVerdict(page, 'passed');
	await page.getByText('commit=4f1c').waitFor();
	await logOf(page).locator('mark').filter({ hasText: /^PASSED$/ }).waitFor();
	assert.equal(asked.length, 1, 'a double click makes one run');
});

test('who asked for a run again and went elsewhere stays there', async (t) => {
	const page = await open(t, `/runs/${ended.crashed.id}`);
	/** @type {(go: unknown) => void} */
	let go = () => {};
	const held = new Promise((resolve) => (go = resolve));
	await page.route('**/rerun?*', async (route) => {
		await held;
		await route.continue();
	});
	await untilVerdict(page, 'crashed');
	const again = page.getByRole('button', { name: 'Run again', exact: true });
	await again.press('Enter');
	await page.locator('[aria-disabled="true"]').and(again).waitFor();
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Run again');
	await page.evaluate(() => (document.location.hash = '#/new-run'));
	const pattern = page.getByLabel('It has passed when this is printed');
	await pattern.fill('typed');
	const answered = page.waitForResponse('**/rerun?*');
	go(null);
	const { id } = await (await answered).json();
	await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
	assert.match(page.url(), /#\/new-run$/);
	assert.equal(await pattern.inputValue(), 'typed');
	await shared.client.delete(`/runs/${id}`, { expect: 200 });
});

test('filters are kept in the address', async (t) => {
	const page = await open(t, '/runs');
	await rowOf(page, ended.passed.id).waitFor();
	await page.getByLabel('Verdict', { exact: true }).selectOption('failed');
	await rowOf(page, ended.passed.id).waitFor({ state: 'detached' });
	assert.deepEqual(await page.locator('td.verdict').allTextContents(), ['failed', 'failed']);
	await page.getByLabel('Words').fill('code 1');
	await rowOf(page, ended.failed.id).waitFor({ state: 'detached' });
	assert.match(page.url(), /#\/runs\?verdict=failed&text=code\+1$/);
	await page.reload();
	await rowOf(page, ended.cases.id).waitFor();
	assert.equal(await page.locator('tr[data-id]').count(), 1);
	await page.getByLabel('Words').fill('');
	await page.getByLabel('Verdict', { exact: true }).selectOption('');
	await page.getByLabel('Label').fill('team=boot');
	await rowOf(page, ended.passed.id).waitFor();
	assert.equal(await page.locator('tr[data-id]').count(), 2, 'it, and the one that repeats it');
	await page.getByLabel('Target', { exact: true }).selectOption('no-machine');
	await page.locator('main').getByText('0 runs').waitFor();
});

test('a form error stands at its field, and what is mended runs; the curl line does the same', async (t) => {
	const page = await open(t, '/new-run?timeout=0', { expected: /status of 422/ });
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	const run = page.getByRole('button', { name: 'Run', exact: true });
	await run.click();
	await page.getByText('Choose a target.').waitFor();
	await page.getByLabel('Target', { exact: true }).selectOption('board');
	await fileInput(page).setInputFiles(firmware('passed'));
	const pass = page.getByLabel('It has passed when this is printed');
	await pass.fill('fine\nü(bad\nlast');
	await run.click();
	await page.getByText('Line 2: missing closing parenthesis, at offset 6').or(page.getByLabel('Timeout', { exact: true }).and(page.locator('[aria-invalid]'))).first().waitFor();
	await page.getByLabel('Timeout', { exact: true }).fill('20');
	await run.click();
	await page.getByText('Line 2: missing closing parenthesis, at offset 6').waitFor();
	assert.equal(await pass.getAttribute('aria-invalid'), 'true');
	assert.equal(await pass.evaluate((area) => /** @type {any} */ (area).selectionStart), 'fine\nü(bad'.length, 'the cursor goes where it lies');
	await pass.fill('PASSED');
	const line = page.getByLabel('The same with curl').nth(1);
	const strict = await line.textContent() ?? '';
	assert.match(strict, /^curl --fail-with-body -T passed\.elf '.*\?target=board&pass=PASSED&timeout=20&strict=true'$/);
	await run.click();
	await page.waitForURL(/#\/runs\/\d+$/);
	await untilVerdict(page, 'passed');
	const { stdout } = await shell('sh', ['-c', strict.replace('curl', 'curl -sS')], { cwd: FIRMWARE_DIR });
	assert.match(stdout, /PASSED/);
});

test('a run is edited and run again; its input is typed when its prompt comes', async (t) => {
	const { client } = shared;
	const file = path.join(FIRMWARE_DIR, 'echo.elf');
	const { json } = await client.post('/runs', { json: { target: 'board', file, pass: ['never'], timeout: 0.2, labels: { a: 'b' } } });
	const page = await open(t, `/runs/${json.id}`, { expected: /status of 4/ });
	await untilVerdict(page, 'timed out');
	await page.getByRole('link', { name: 'Edit and run again' }).click();
	const pass = page.getByLabel('It has passed when this is printed');
	await pass.fill('typed');
	assert.equal(await page.getByLabel('Path on the server').nth(1).inputValue(), file);
	await page.getByLabel('Timeout', { exact: true }).fill('20');
	// The first stays empty.
	for (let count = 0; count < 2; count++) await page.getByRole('button', { name: 'Add a step' }).click();
	const send = page.getByLabel('Then send').nth(1);
	await send.fill('ty\\q');
	await page.getByRole('button', { name: 'Run', exact: true }).click();
	await page.getByText('Step 2: \\q stands for nothing').waitFor();
	await send.fill('ty\\x70ed\\n');
	await page.getByRole('button', { name: 'Run', exact: true }).click();
	await page.waitForURL(/#\/runs\/\d+$/);
	await untilVerdict(page, 'passed');
	const again = (await client.get(`/runs/${new URL(page.url()).hash.split('/').at(-1)}`)).json;
	assert.deepEqual([again.input, again.labels, again.file.path], [[{ send_base64: btoa('typed\n') }], { a: 'b' }, file]);
	await page.getByRole('tab', { name: 'Details' }).click();
	await page.getByText('sends typed\\n').waitFor();
});

test('a run whose words no line can hold is edited, and what was not touched is sent as it was', async (t) => {
	const { client } = shared;
	const words = { pass: ['Hello\nnever printed'], args: ['-name', 'a\nb'], input: [{ expect: 'one\ntwo', send: 'x' }], labels: { a: 'b\nc' } };
	const { json } = await client.post('/runs', { json: { target: 'board', file: firmware('hello'), timeout: 0.2, ...words } });
	const page = await open(t, `/runs/${json.id}`);
	await untilVerdict(page, 'timed out');
	await page.getByRole('link', { name: 'Edit and run again' }).click();
	const fail = page.getByLabel('It has failed when this is printed');
	await fail.fill('"never"');
	const line = page.getByLabel('The same with curl').first();
	await line.filter({ hasText: JSON.stringify(words.pass) }).waitFor();
	assert.equal(await page.getByLabel('Wait for this pattern').getAttribute('readonly'), '');
	const pass = page.getByLabel('It has passed when this is printed');
	await pass.fill('"Hello\\nnever');
	await line.filter({ hasText: /^# what begins with a quote is JSON/ }).waitFor();
	await page.getByRole('button', { name: 'Run', exact: true }).click();
	await page.getByText('Line 1: what begins with a quote is JSON').waitFor();
	await pass.fill(JSON.stringify(words.pass[0]));
	await page.getByRole('button', { name: 'Run', exact: true }).click();
	await page.waitForURL(/#\/runs\/\d+$/);
	await untilVerdict(page, 'timed out');
	const { pass: patterns, fail: others, args, input, labels } = (await client.get(`/runs/${new URL(page.url()).hash.split('/').at(-1)}`)).json;
	assert.deepEqual({ pass: patterns, args, input, labels }, { ...words, input: [{ expect: 'one\ntwo', send_base64: btoa('x') }] });
	assert.deepEqual(others, ['"never"']);
});

test('a long log shows the part that decided, and loads others', async (t) => {
	const run = await runFirmware(shared.client, elf('flood'), { pass: '\\n150000\\r?\\n', timeout: 60 });
	const page = await open(t, `/runs/${run.id}`);
	const mark = logOf(page).locator('mark');
	await mark.waitFor();
	assert.match(await mark.textContent() ?? '', /150000/);
	const box = await logOf(page).boundingBox();
	const place = await mark.boundingBox();
	assert.ok(box && place && place.y >= box.y && place.y + place.height <= box.y + box.height, `the deciding line is in view: ${JSON.stringify([box, place])}`);
	await page.getByRole('button', { name: 'Beginning' }).click();
	await page.getByText(/^Bytes 0 to /).waitFor();
	assert.match(await logOf(page).textContent() ?? '', /^0\n1\n2\n/);
	await page.getByRole('button', { name: 'Load later' }).click();
	await page.getByText(/^Bytes [1-9]/).waitFor();
	const text = await logOf(page).textContent() ?? '';
	// The first and the last may be cut.
	const numbers = text.trim().split('\n').slice(1, -1).map(Number);
	assert.ok(numbers.every((number, index) => index === 0 || number === numbers[index - 1] + 1), 'no line is lost or doubled where parts meet');
	const from = await page.getByText(/^Bytes [1-9]/).textContent() ?? '';
	// By keyboard: a button that has no more to give hands the focus to the log.
	await page.getByRole('button', { name: 'Load earlier' }).focus();
	await page.keyboard.press('Enter');
	await page.getByText(from, { exact: true }).waitFor({ state: 'detached' });
	assert.equal(await page.evaluate(() => document.activeElement?.tagName), await page.getByRole('button', { name: 'Load earlier' }).isDisabled() ? 'DIV' : 'BUTTON');
	const earlier = (await logOf(page).textContent() ?? '').trim().split('\n').slice(1, -1).map(Number);
	assert.ok(earlier[0] < numbers[0] && earlier.every((number, index) => index === 0 || number === earlier[index - 1] + 1));
	await page.getByRole('button', { name: 'Deciding line' }).click();
	await mark.waitFor();
});

test('a flood keeps the page responsive, bounded, and where it is read', async (t) => {
	const { client } = shared;
	const run = await beginRun(client, elf('flood'), { timeout: 120 });
	const page = await open(t, `/runs/${run.id}`);
	await until(() => logOf(page).evaluate((log) => Number(/(\d+)\n[^\n]*$/.exec(log.textContent ?? '')?.[1]) > 20000), 'much of the output');
	const longest = await page.evaluate(() => new Promise((resolve) => {
		let [last, most] = [performance.now(), 0];
		const end = last + 3000;
		const step = (/** @type {number} */ now) => {
			most = Math.max(most, now - last);
			last = now;
			if (now < end) requestAnimationFrame(step);
			else resolve(most);
		};
		requestAnimationFrame(step);
	}));
	assert.ok(longest < 3000, `the longest frame took ${longest} ms`);
	const isAtEnd = () => logOf(page).evaluate((log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 200);
	await until(isAtEnd, 'the end to be in view');
	await logOf(page).focus();
	await page.keyboard.press('PageUp');
	await until(async () => !(await isAtEnd()), 'the page to stay where it is read');
	await page.getByRole('button', { name: 'End', exact: true }).click();
	await until(isAtEnd, 'the end to be in view again');
	assert.ok((await logOf(page).textContent() ?? '').length < 1.3 * 1024 * 1024);
	await page.getByRole('button', { name: 'Cancel', exact: true }).click();
	await untilVerdict(page, 'canceled');
	assert.equal((await client.get(`/runs/${run.id}`)).json.verdict, 'canceled');
});

test('those that wait tell their place, which follows', async (t) => {
	const emud = await startEmud(t, { server: { limits: { running_instances: 1 } } });
	const client = emud.client();
	t.after(() => client.close());
	const runs = [];
	for (let count = 0; count < 3; count++) runs.push(await beginRun(client, elf('hello')));
	// It ends before the page does.
	const page = await open(t, '/runs', { url: emud.baseUrl, expected: /ERR_CONNECTION_REFUSED/ });
	await rowOf(page, runs[1].id).getByText('queued, number 1').waitFor();
	await rowOf(page, runs[2].id).getByText('queued, number 2').waitFor();
	await client.delete(`/runs/${runs[1].id}`, { expect: 200 });
	await rowOf(page, runs[2].id).getByText('queued, number 1').waitFor();
	await rowOf(page, runs[2].id).getByRole('link').click();
	await page.getByText('It waits for a place: number 1 in the queue.').waitFor();
	await client.delete(`/runs/${runs[0].id}`, { expect: 200 });
	await untilLogShows(page, 'Hello');
	await untilVerdict(page, 'running');
});

test('emud is killed and comes back: the page catches up without a reload, no byte lost or doubled', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	t.after(() => client.close());
	const run = await beginRun(client, script([print('before\n'), read(1), repeat('x', 5000), print('\nPASSED\n')]), { pass: 'PASSED' });
	const page = await open(t, `/runs/${run.id}`, { url: emud.baseUrl, expected: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/ });
	await untilLogShows(page, 'before');
	// Another whose request is never answered, as where the network has forgotten its connection.
	const silent = await page.context().newPage();
	await silent.route('**/output?follow=true*', () => {}, { times: 1 });
	const asked = silent.waitForRequest('**/output?follow=true*');
	await silent.goto(page.url());
	await asked;
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.end('SIGKILL');
	await page.getByText('emud does not answer.').waitFor();
	await page.getByText('The connection is lost; trying again.').waitFor();
	await emud.start();
	await page.getByText('emud does not answer.').waitFor({ state: 'hidden' });
	await page.getByText('Live', { exact: true }).waitFor();
	await untilLogShows(silent, 'before');
	await type(client, run.id, '\r');
	await untilVerdict(page, 'passed');
	await logOf(page).locator('mark').waitFor();
	const text = await logOf(page).textContent() ?? '';
	assert.ok(text.trimEnd() === `before\n${'x'.repeat(5000)}\nPASSED`, `${text.length} characters`);
});

test('another run of the same number has nothing of the one before', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	t.after(() => client.close());
	const { id } = await runFirmware(client, elf('passed'), { pass: 'PASSED', label: 'which:old' });
	const page = await open(t, `/runs/${id}`, { url: emud.baseUrl, expected: /ERR_|status of 404/ });
	await untilLogShows(page, 'PASSED');
	/** @type {(go: unknown) => void} */
	let go = () => {};
	const held = new Promise((resolve) => (go = resolve));
	// Made before the page asks.
	await page.route(`**/v1/runs/${id}`, async (route) => {
		await held;
		await route.continue();
	});
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.end();
	emud.stateDir += '-other';
	await emud.start();
	await runFirmware(client, elf('hello'), { pass: 'Hello', label: 'which:new' });
	go(null);
	await page.getByText('which=new').waitFor();
	await untilLogShows(page, 'Hello');
});
