// Every curl line that a page shows is run by a shell as it stands: it does what the form beside it does.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { untilEnded } from '../lib/runs.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

const { openPage } = shareBrowser();
const shared = shareEmud();
const run = promisify(execFile);

/** What a shell, curl and JSON each take for something else. */
const NASTY = 'it\'s "so"; $HOME `id` \\n @x {1,2} [3-4] #% é';
const NAME = 'it\'s; "so", $HOME {1,2}.elf';

/** @param {string} hash @param {import('node:test').TestContext} t @param {RegExp} [expected] */
const open = (t, hash, expected) => openPage(t, { url: `${shared.emud.baseUrl}/#${hash}`, expected });
const lineOf = async (/** @type {Page | Locator} */ page, nth = 0) => await page.getByRole('textbox', { name: 'The same with curl', exact: true }).nth(nth).textContent() ?? '';

/** In the folder of the firmware. @param {string} line */
const inShell = (line) => run('bash', ['-c', line], { cwd: shared.emud.filesDir, env: { PATH: process.env.PATH, HOME: '/home/of-the-shell' } });

/** @param {string} line @returns {Promise<any>} what is answered last */
async function runLine(line) {
	const { stdout } = await inShell(line);
	return stdout ? JSON.parse(stdout.slice(stdout.lastIndexOf('}{') + 1)) : null;
}

/** What is refused, and how. @param {string} line */
const refuseLine = (line) => runLine(line).then(assert.fail, ({ code, stdout }) => ({ code, problem: JSON.parse(stdout) }));

function putFirmware() {
	const file = path.join(shared.emud.filesDir, NAME);
	copyFileSync(firmware('passed'), file);
	return file;
}

let sha256 = '';

/** @type {Record<string, (page: Page | Locator) => Promise<void>>} */
const WAYS = {
	async upload(page) {
		await page.getByLabel('Upload').check();
		await page.getByLabel('Choose a firmware file').setInputFiles(putFirmware());
		await page.getByText(`${NAME}, `).waitFor();
	},
	async stored(page) {
		await page.getByLabel('Stored here').check();
		await page.getByLabel('Stored firmware').locator(`option[value="${sha256}"]`).waitFor({ state: 'attached' });
		await page.getByLabel('Stored firmware').selectOption(sha256);
	},
	async path(page) {
		await page.getByLabel('Path on the server').first().check();
		await page.getByLabel('Path on the server').last().fill(putFirmware());
	},
};

/** @param {Page | Locator} page @param {string} adding @param {[string, string][]} fields */
async function addRow(page, adding, fields) {
	await page.getByRole('button', { name: adding }).click();
	for (const [label, text] of fields) await page.getByLabel(label).last().fill(text);
}

const SPEC_OF_RUN = ['target', 'emulator', 'file', 'args', 'channel', 'pass', 'fail', 'timeout', 'idle_timeout', 'queue_timeout', 'input', 'labels', 'detach'];
const SPEC_OF_INSTANCE = ['target', 'emulator', 'file', 'args', 'labels', 'state', 'paused_by'];
const pick = (/** @type {any} */ of, /** @type {string[]} */ names) => Object.fromEntries(names.map((name) => [name, of[name]]));

test('a firmware that is stored, and one in a folder', async () => {
	mkdirSync(shared.emud.filesDir);
	({ sha256 } = (await shared.client.post('/files', { body: readFileSync(firmware('passed')), expect: 201 })).json);
});

for (const [way, choose] of Object.entries(WAYS)) {
	for (const [how, fill] of /** @type {[string, (page: Page) => Promise<void>][]} */ ([
		['plain', async () => {}],
		['everything', async (page) => {
			await page.getByLabel('It has failed when this is printed').fill(`${NASTY}\n^nor "this"$`);
			await page.getByLabel('Arguments').fill('-name\nguest=a;b "c"');
			await page.getByLabel('Idle timeout').fill('7.5');
			await addRow(page, 'Add a step', [['Then send', 'é\\n\\x00$(id)']]);
			await addRow(page, 'Add a label', [['Label name', 'why'], ['Label value', NASTY]]);
		}],
	]))
		test(`a run: ${way}, ${how}`, async (t) => {
			const page = await open(t, '/new-run?target=board');
			await choose(page);
			await page.getByLabel('It has passed when this is printed').fill('PAS{2}ED|"x"\'y\'\n$never & <i>');
			await page.getByLabel('Timeout', { exact: true }).fill('20');
			await fill(page);
			const byCurl = await runLine(await lineOf(page));
			const { stdout: step } = await inShell(await lineOf(page, 1));
			await page.getByRole('button', { name: 'Run', exact: true }).click();
			await page.waitForURL(/#\/runs\/\d+$/);
			// A run that has ended knows all of what it is: its channel is the board's first console, once there is a board.
			const [ofLine, ofForm] = await Promise.all([byCurl.id, page.url().split('/').at(-1) ?? ''].map((id) => untilEnded(shared.client, id)));
			assert.deepEqual(pick(ofLine, SPEC_OF_RUN), pick(ofForm, SPEC_OF_RUN));
			// A firmware that is the body is answered in text.
			assert.match(step, /"verdict":"passed"|run \d+ passed/);
		});
}

test('a run whose input cannot be read has no command, and says why', async (t) => {
	const page = await open(t, '/new-run?target=board');
	await addRow(page, 'Add a step', [['Then send', 'a\\q']]);
	const line = await lineOf(page);
	assert.match(line, /^# \\q stands for nothing/);
	assert.equal(await runLine(line), null);
});

test('an instance: stored, by path, without a firmware; what the form is refused the line is refused too', async (t) => {
	for (const choose of [WAYS.stored, WAYS.path, (/** @type {Page | Locator} */ page) => page.getByLabel('None').check()]) {
		const page = await open(t, '/new?target=board&id=twin&start=false', /404/);
		await choose(page);
		await page.getByLabel('Arguments').fill(`-name\n${NASTY}`);
		await addRow(page, 'Add a label', [['Label name', 'why'], ['Label value', NASTY]]);
		const byCurl = await runLine(await lineOf(page));
		await shared.client.delete('/instances/twin');
		await page.getByRole('button', { name: 'Create', exact: true }).click();
		await page.waitForURL('**/#/instances/twin');
		const { json: byForm } = await shared.client.get('/instances/twin');
		assert.deepEqual(pick(byCurl, SPEC_OF_INSTANCE), pick(byForm, SPEC_OF_INSTANCE));
		await shared.client.delete('/instances/twin');
		await page.context().close();
	}
	const page = await open(t, '/new?target=board&file=/nowhere/x.elf', /403/);
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	const { code, problem } = await refuseLine(await lineOf(page));
	assert.deepEqual([code, problem.code], [22, 'path_not_allowed']);
	await page.getByRole('button', { name: 'Create and start' }).click();
	await page.getByText(problem.detail).waitFor();
});

for (const [way, choose] of Object.entries(WAYS))
	test(`a start with another firmware: ${way}`, async (t) => {
		const spec = { target: 'board', file: firmware('hello'), start: false };
		await shared.client.put('/instances/again', { json: spec, expect: 201 });
		const page = await open(t, '/instances/again/details', /404/);
		await page.getByRole('button', { name: 'Start with …' }).click();
		const dialog = page.getByRole('dialog');
		await choose(dialog);
		await dialog.getByLabel('Arguments').fill(`-name\nguest=a;b "c" 'd' $HOME …`);
		await dialog.getByLabel('Then').selectOption('Paused');
		const line = await lineOf(dialog);
		await runLine(line);
		const { json: byCurl } = await shared.client.get('/instances/again');
		await shared.client.delete('/instances/again');
		await shared.client.put('/instances/again', { json: spec, expect: 201 });
		const second = await open(t, '/instances/again/details', /404/);
		await second.getByRole('button', { name: 'Start with …' }).click();
		await choose(second.getByRole('dialog'));
		await second.getByRole('dialog').getByLabel('Arguments').fill(`-name\nguest=a;b "c" 'd' $HOME …`);
		await second.getByRole('dialog').getByLabel('Then').selectOption('Paused');
		await second.getByRole('dialog').getByRole('button', { name: 'Start', exact: true }).click();
		await second.locator('h1 .state').filter({ hasText: 'paused' }).waitFor();
		const { json: byForm } = await shared.client.get('/instances/again');
		assert.deepEqual(pick(byCurl, SPEC_OF_INSTANCE), pick(byForm, SPEC_OF_INSTANCE));
		assert.equal(byCurl.state, 'paused');
		await shared.client.delete('/instances/again');
	});

test('an image, gdb commands and a property', async (t) => {
	await shared.client.startBoard('debug', 'hello');
	const page = await open(t, '/instances/debug/debug');
	const load = page.getByRole('form', { name: 'Load' });
	for (const choose of Object.values(WAYS)) {
		await choose(load);
		assert.equal((await runLine(await lineOf(load))).state, 'running');
	}
	await load.getByRole('button', { name: 'Load' }).click();
	await page.getByText('The image is loaded').waitFor();
	const gdb = page.getByRole('form', { name: 'gdb commands' });
	await gdb.getByLabel('gdb commands').fill('echo it\'s "$HOME" `id`\\n\nprint 6 * 7');
	await gdb.getByLabel('Symbols').fill('');
	const { stdout } = await runLine(await lineOf(gdb));
	assert.match(stdout, /it's "\$HOME" `id`\n\$1 = 42/);
	await gdb.getByRole('button', { name: 'Run' }).click();
	const answer = page.getByLabel('What gdb printed').first();
	await answer.waitFor();
	assert.equal(await answer.textContent(), stdout);
	await page.getByRole('tab', { name: 'Properties' }).click();
	await page.getByRole('treeitem').filter({ has: page.locator('.name').getByText('machine', { exact: true }) }).click();
	await page.getByRole('treeitem').filter({ has: page.locator('.name').getByText('dump-guest-core', { exact: true }) }).click();
	await page.getByLabel('New value').fill('false');
	await runLine(await lineOf(page));
	assert.equal((await shared.client.get('/instances/debug/property?path=/machine&name=dump-guest-core')).json.value, false);
});

test('the configuration, a first run, and one again', async (t) => {
	const page = await open(t, '/service');
	assert.deepEqual((await runLine(await lineOf(page))).warnings, []);
	const other = await startEmud(t);
	const first = await openPage(t, { url: `${other.baseUrl}/#/runs` });
	const example = first.getByRole('textbox', { name: 'A run with curl' });
	await example.filter({ hasText: 'target=board&' }).waitFor();
	copyFileSync(firmware('passed'), path.join(shared.emud.filesDir, 'fw.elf'));
	const { stdout } = await inShell(await example.textContent() ?? '');
	assert.match(stdout, /PASSED/);
	await first.locator('tr[data-id]').getByText('passed', { exact: true }).waitFor();
	await first.goto(`${other.baseUrl}/#/runs/1/details`);
	const again = await first.getByRole('textbox', { name: 'Run again with curl' }).textContent() ?? '';
	const { rerun_of: of, verdict } = await runLine(again);
	assert.deepEqual([of, verdict], ['1', 'passed']);
});

test('a line is copied from a dialog too, where the browser has no clipboard to give', async (t) => {
	await shared.client.put('/instances/copied', { json: { target: 'board', start: false }, expect: 201 });
	const page = await openPage(t, { url: 'about:blank' });
	await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
	await page.goto(`${shared.emud.baseUrl}/#/instances/copied/details`);
	await page.getByRole('button', { name: 'Start with …' }).click();
	const dialog = page.getByRole('dialog');
	const line = await lineOf(dialog);
	await dialog.getByRole('button', { name: 'Copy' }).click();
	await dialog.getByText('Copied.').waitFor();
	const args = dialog.getByLabel('Arguments');
	await args.focus();
	await page.keyboard.press('Control+V');
	assert.equal(await args.inputValue(), line);
});
