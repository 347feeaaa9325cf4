// The form for a new instance in a real browser: what it makes, and what it says when that cannot be.
/* global DataTransfer, DragEvent */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser, signIn } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();
const run = promisify(execFile);
const MIB = 1024 * 1024;

before(() => mkdirSync(shared.emud.filesDir));

/** @param {string} name @param {string | Buffer} content */
function makeFile(name, content) {
	const file = path.join(shared.emud.filesDir, name);
	writeFileSync(file, content);
	return file;
}

/**
 * @param {import('node:test').TestContext} t
 * @param {{query?: string, url?: string, expected?: RegExp}} [options]
 */
const openForm = (t, { query = '', url = shared.emud.baseUrl, expected } = {}) => openPage(t, { url: `${url}/#/new${query}`, expected });

/** @param {Page} page @param {string} target */
async function chooseTarget(page, target) {
	await page.locator(`option[value="${target}"]`).waitFor({ state: 'attached' });
	await page.getByLabel('Target').selectOption(target);
}

const fileInput = (/** @type {Page} */ page) => page.getByLabel('Choose a firmware file');
const submit = (/** @type {Page} */ page) => page.getByRole('button', { name: /^Create/ }).click();
const formAlert = (/** @type {Page} */ page) => page.getByRole('form', { name: 'New instance' }).getByRole('alert');
const curlLine = (/** @type {Page} */ page) => page.getByLabel('The same with curl', { exact: true });
/** The instance's page is there, with all it asks emud for: which a test may end then. @param {Page} page @param {string} id */
async function untilMade(page, id) {
	await page.waitForURL(`**/#/instances/${id}`);
	await page.locator('[role="tabpanel"] > *').first().waitFor();
}

/** The fault is told of the control that it stands at. @param {Page} page @param {import('playwright-core').Locator} control */
async function faultOf(page, control) {
	const id = (await control.getAttribute('aria-describedby'))?.split(' ').at(-1);
	const fault = page.locator(`[id="${id}"]`);
	await fault.filter({ hasText: /./ }).waitFor();
	return fault.textContent();
}

/** What is sent to it gets stuck until go(). @param {import('node:test').TestContext} t */
function holdEmud(t) {
	const go = () => shared.emud.process?.kill('SIGCONT');
	t.after(go);
	shared.emud.process?.kill('SIGSTOP');
	return go;
}

const storedNames = async () => (await shared.client.get('/files')).json.files.map((/** @type {{name: string}} */ { name }) => name);

test('an instance comes of what was chosen and typed, and its page follows', async (t) => {
	const page = await openForm(t);
	await chooseTarget(page, 'board');
	await fileInput(page).setInputFiles(firmware('hello'));
	await page.getByText(/hello\.elf, .* KiB, ELF32 for ARM, entry 0x/).waitFor();
	await page.getByLabel('Name', { exact: true }).fill('formed');
	await page.getByLabel('Arguments').fill('-name\n\nguest=it; is \'so\'\n');
	await page.getByRole('button', { name: 'Add a label' }).click();
	await page.getByLabel('Label name').fill('team');
	await page.getByLabel('Label value').fill('boot & more');
	await page.getByLabel('Start paused').check();
	await page.getByLabel('Log guest errors').check();
	await submit(page);
	await untilMade(page, 'formed');
	const instance = (await shared.client.get('/instances/formed')).json;
	assert.deepEqual([instance.args, instance.labels, instance.state], [['-name', 'guest=it; is \'so\''], { team: 'boot & more' }, 'paused']);
	assert.ok(instance.command.includes('guest_errors'), instance.command.join(' '));
	assert.deepEqual((await shared.client.get(`/files/${instance.file.sha256}/content`)).body, readFileSync(firmware('hello')));
});

test('it may be created without a start, and without a firmware', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=not-started' });
	await page.getByLabel('None').check();
	await page.getByLabel('Start it now').uncheck();
	await page.getByRole('button', { name: 'Create', exact: true }).click();
	await untilMade(page, 'not-started');
	const { state, file } = (await shared.client.get('/instances/not-started')).json;
	assert.deepEqual([state, file], ['created', null]);
});

test('an address fills the form in advance; a stored firmware serves again', async (t) => {
	const { sha256 } = (await shared.client.request('POST', '/files?name=stored.elf', { body: readFileSync(firmware('echo')) })).json;
	const page = await openForm(t, { query: `?target=board&file=sha256:${sha256}&id=from-address&arg=-no-reboot&label=a=b=c` });
	await page.getByText(/KiB, ELF32 for ARM, entry/).waitFor();
	await submit(page);
	await untilMade(page, 'from-address');
	const { file, args, labels } = (await shared.client.get('/instances/from-address')).json;
	assert.deepEqual([file.sha256, args, labels], [sha256, ['-no-reboot'], { a: 'b=c' }]);
});

test('a damaged ELF file is told as such before it is sent, and when it is', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=damaged', expected: /422/ });
	const group = page.getByRole('group', { name: 'Firmware' });
	const words = 'The file begins like an ELF file, but it is damaged or cut short.';
	const nonsense = makeFile('nonsense.elf', '\x7fELF nonsense');
	await fileInput(page).setInputFiles(nonsense);
	await group.getByText('nonsense.elf, 13 B, a damaged ELF file').waitFor();
	assert.equal(await faultOf(page, group), words);
	await submit(page);
	await page.getByText('the file begins like an ELF file, but it is damaged or cut short', { exact: true }).waitFor();
	await fileInput(page).setInputFiles(firmware('hello'));
	await group.getByText(/ELF32 for ARM/).waitFor();
	assert.equal(await page.getByText(/damaged or cut short/).count(), 0);
});

test('a firmware is dropped', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=dropped' });
	const bytes = readFileSync(firmware('hello')).toString('base64');
	const transfer = await page.evaluateHandle((base64) => {
		const data = new DataTransfer();
		data.items.add(new File([Uint8Array.from(atob(base64), (digit) => digit.charCodeAt(0))], 'dropped.elf'));
		return data;
	}, bytes);
	await page.locator('.drop').dispatchEvent('dragover', { dataTransfer: transfer });
	assert.equal(await page.locator('.drop[data-over]').count(), 1);
	await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
	await page.getByText(/dropped\.elf, .* ELF32 for ARM/).waitFor();
	assert.equal(await page.locator('.drop[data-over]').count(), 0);
	await submit(page);
	await untilMade(page, 'dropped');
	await shared.client.waitForOutput('dropped', 'Hello');
});

/** What a drop of those files, else of that text, on it comes to. @param {import('playwright-core').Locator} target @param {string[]} names */
const drop = (target, ...names) => target.evaluate((element, files) => {
	const dataTransfer = new DataTransfer();
	for (const name of files) dataTransfer.items.add(new File(['raw'], name));
	if (files.length === 0) dataTransfer.setData('text/plain', 'text');
	const events = ['dragover', 'drop'].map((type) => new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
	return events.map((event) => (element.dispatchEvent(event) ? 'the browser\'s' : 'the page\'s'));
}, names);

test('of several files that are dropped on a field for one the first is taken, as that says', async (t) => {
	const page = await openForm(t);
	await drop(page.locator('.drop'), 'one.bin', 'two.bin', 'three.bin');
	await page.getByText('one.bin, 3 B, no ELF file: raw bytes').waitFor();
	await page.getByText('Only the first of 3 files was taken: one.bin').waitFor();
	await drop(page.locator('.drop'), 'two.bin');
	await page.getByText('two.bin, 3 B, no ELF file: raw bytes').waitFor();
	assert.equal(await page.getByText('Only the first').count(), 0);
});

test('what is dropped beside a field is not for the browser to open, and text goes into fields as ever', async (t) => {
	const page = await openForm(t);
	const [heading, field, check] = [page.locator('h1'), page.getByLabel('Arguments'), page.getByLabel('Start paused')];
	const [refused, left] = [['the page\'s', 'the page\'s'], ['the browser\'s', 'the browser\'s']];
	assert.deepEqual([await drop(heading, 'a.elf'), await drop(field, 'a.elf'), await drop(heading), await drop(check)], [refused, refused, refused, refused]);
	assert.deepEqual([await drop(field), await page.getByRole('group', { name: 'Firmware' }).locator('.facts').textContent()], [left, '']);
});

test('targets that cannot be had here say why', async (t) => {
	const page = await openForm(t, { expected: /503/ });
	await chooseTarget(page, 'not-installed');
	await page.locator('optgroup[label="Not available here"] option[value="not-installed"]', { hasText: 'qemu-system-nowhere' }).waitFor({ state: 'attached' });
	await page.getByText(/^Not available: .*qemu-system-nowhere/).waitFor();
	await submit(page);
	assert.match((await faultOf(page, page.getByLabel('Target'))) ?? '', /qemu-system-nowhere/);
});

test('a target that is not there, files that are not or may not be read: each told at its field', async (t) => {
	const gone = '0'.repeat(64);
	const page = await openForm(t, { query: `?target=nowhere&file=sha256:${gone}`, expected: /422|403/ });
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	await submit(page);
	assert.match((await faultOf(page, page.getByLabel('Target'))) ?? '', /nowhere/);
	await chooseTarget(page, 'board');
	const group = page.getByRole('group', { name: 'Firmware' });
	await submit(page);
	assert.match((await faultOf(page, group)) ?? '', new RegExp(gone.slice(0, 12)));
	await page.getByLabel('Path on the server').first().check();
	for (const [file, words] of /** @type {[string, RegExp][]} */ ([['/etc/passwd', /passwd|root/], [path.join(shared.emud.filesDir, 'missing.elf'), /missing\.elf/]])) {
		await page.getByLabel('Path on the server').last().fill(file);
		await submit(page);
		assert.match((await faultOf(page, group)) ?? '', words);
	}
	await page.getByLabel('Path on the server').last().fill(firmware('hello'));
	assert.equal(await page.locator('.firmware ~ .fault').isVisible(), false);
});

test('without a target nothing is sent', async (t) => {
	const page = await openForm(t);
	/** @type {string[]} */
	const sent = [];
	page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
	await submit(page);
	assert.equal(await faultOf(page, page.getByLabel('Target')), 'Choose a target.');
	assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SELECT');
	assert.deepEqual(sent, []);
});

test('a firmware for another machine is warned of, then refused at its field', async (t) => {
	const page = await openForm(t, { query: '?id=misfit', expected: /422/ });
	await fileInput(page).setInputFiles(firmware('hello', 'riscv32-virt'));
	await page.getByText(/ELF32 for RISC-V/).waitFor();
	assert.equal(await page.locator('.firmware .warning').isVisible(), false);
	await chooseTarget(page, 'board');
	await page.getByText('This firmware is for RISC-V; the target takes ARM.').waitFor();
	await submit(page);
	assert.match((await faultOf(page, page.getByRole('group', { name: 'Firmware' }))) ?? '', /RISC-V/);
	await shared.client.refused(404, 'not_found', 'GET', '/instances/misfit');
	await fileInput(page).setInputFiles(firmware('hello'));
	await page.getByText(/ELF32 for ARM/).waitFor();
	assert.equal(await page.locator('.firmware .warning').isVisible(), false);
	assert.equal(await page.locator('.firmware ~ .fault').isVisible(), false);
});

test('a damaged ELF file, or an empty one, is refused at its field and not kept', async (t) => {
	const elf = readFileSync(firmware('hello'));
	const page = await openForm(t, { query: '?target=board', expected: /422/ });
	const before = (await shared.client.get('/files')).json.files.length;
	for (const [name, content, words] of /** @type {[string, Buffer | string, RegExp][]} */ ([
		['cut.elf', elf.subarray(0, elf.length >> 1), /cut short/], ['empty.elf', '', /empty/],
	])) {
		await fileInput(page).setInputFiles(makeFile(name, content));
		await page.getByText(new RegExp(`^${name}`)).waitFor();
		await submit(page);
		await page.locator('.firmware ~ .fault').filter({ hasText: words }).waitFor();
		assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Choose a firmware file');
	}
	assert.equal((await shared.client.get('/files')).json.files.length, before);
});

test('faults of several fields stand at each, and the first is gone to', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=.hidden&label=a:b=c&label=fine=yes', expected: /422/ });
	await page.getByLabel('None').check();
	await submit(page);
	const id = page.getByLabel('Name', { exact: true });
	assert.match((await faultOf(page, id)) ?? '', /begin with a letter or digit/);
	assert.equal(await id.getAttribute('aria-invalid'), 'true');
	assert.equal(await id.evaluate((input) => input === document.activeElement), true);
	assert.match((await faultOf(page, page.getByRole('group', { name: 'Labels' }))) ?? '', /^a:b: a label's name/);
	assert.deepEqual(await page.getByLabel('Label name').evaluateAll((inputs) => inputs.map((input) => input.getAttribute('aria-invalid'))), ['true', null]);
	await id.fill('shown');
	await page.getByRole('button', { name: 'Remove this label' }).first().click();
	await submit(page);
	await untilMade(page, 'shown');
	assert.deepEqual((await shared.client.get('/instances/shown')).json.labels, { fine: 'yes' });
});

test('a fault of an argument names its line', async (t) => {
	const page = await openForm(t, { query: '?target=board', expected: /422/ });
	await page.route('**/v1/instances', (route) => route.fulfill({
		status: 422, contentType: 'application/problem+json',
		json: { code: 'invalid_value', detail: 'x', errors: [{ pointer: '/args/1', detail: 'is too long' }, { pointer: '/new', detail: 'is odd' }] },
	}));
	await page.getByLabel('Arguments').fill('-a\n\n-b');
	await submit(page);
	assert.equal(await faultOf(page, page.getByLabel('Arguments')), 'Line 3: is too long');
	assert.equal(await formAlert(page).textContent(), '/new: is odd');
});

test('a name that is taken, a label that is there twice', async (t) => {
	await shared.client.startBoard('taken', 'hello');
	const page = await openForm(t, { query: '?target=board&id=taken&label=a=1&label=a=2', expected: /409/ });
	await submit(page);
	assert.equal(await faultOf(page, page.getByRole('group', { name: 'Labels' })), 'a: is there twice');
	await page.getByLabel('Label name').nth(1).fill('b');
	await submit(page);
	assert.match((await faultOf(page, page.getByLabel('Name', { exact: true }))) ?? '', /taken is there already/);
});

test('a start that QEMU refuses is told in its words; corrected, it goes on', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=refused', expected: /502/ });
	await fileInput(page).setInputFiles(firmware('hello'));
	await page.getByLabel('Arguments').fill('-device\nno-such-<b>device</b>');
	await submit(page);
	const words = formAlert(page).locator('pre');
	await words.waitFor();
	assert.match((await words.textContent()) ?? '', /no-such-<b>device<\/b>/);
	assert.equal((await shared.client.get('/instances/refused')).json.state, 'failed');
	assert.equal(await page.getByRole('link', { name: 'refused' }).getAttribute('href'), '#/instances/refused');
	await page.getByLabel('Arguments').fill('');
	await page.getByRole('button', { name: 'Delete it and try again' }).click();
	await untilMade(page, 'refused');
	assert.equal((await shared.client.get('/instances/refused')).json.state, 'running');
});

test('two clicks delete what failed once, and try again once', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=refused-twice&arg=-device&arg=no-such-device', expected: /502/ });
	await submit(page);
	const retry = page.getByRole('button', { name: 'Delete it and try again' });
	await retry.waitFor();
	await fileInput(page).setInputFiles(firmware('hello'));
	await page.getByLabel('Arguments').fill('');
	/** @type {string[]} */
	const sent = [];
	page.on('request', (request) => void (['POST', 'DELETE'].includes(request.method()) && sent.push(request.method())));
	/** @type {(value?: unknown) => void} */
	let go = () => {};
	const clicked = new Promise((resolve) => (go = resolve));
	await page.route('**/v1/instances/refused-twice', async (route) => {
		await clicked;
		await route.continue();
	});
	await retry.dblclick();
	go();
	await untilMade(page, 'refused-twice');
	assert.deepEqual(sent, ['DELETE', 'POST']);
	assert.equal((await shared.client.get('/instances/refused-twice')).json.state, 'running');
});

test('two clicks make one instance of one upload', async (t) => {
	const page = await openForm(t, { query: '?target=board&label=clicked=twice' });
	let posts = 0;
	page.on('request', (request) => posts += Number(request.method() === 'POST'));
	await fileInput(page).setInputFiles(firmware('hello'));
	await page.getByText(/ELF32 for ARM/).waitFor();
	await page.getByRole('button', { name: /^Create/ }).dblclick();
	await page.waitForURL('**/#/instances/board-*');
	assert.equal(posts, 1);
	assert.equal((await shared.client.get('/instances?label=clicked:twice')).json.instances.length, 1);
});

test('a form can be filled and sent by keyboard alone', async (t) => {
	const page = await openForm(t);
	const choosing = page.waitForEvent('filechooser');
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	/** @param {string} label */
	const tabTo = async (label) => {
		for (let presses = 0; ; presses++) {
			const at = await page.evaluate(() => {
				const { activeElement } = document;
				const { labels } = /** @type {any} */ (activeElement) ?? {};
				return activeElement?.getAttribute('aria-label') ?? labels?.[0]?.textContent.trim() ?? activeElement?.textContent ?? '';
			});
			if (at === label) return;
			assert.ok(presses < 40, `${label} cannot be reached by Tab`);
			await page.keyboard.press('Tab');
		}
	};
	await tabTo('Target');
	await page.keyboard.type('board');
	await tabTo('Choose a firmware file');
	await page.keyboard.press('Enter');
	await (await choosing).setFiles(firmware('hello'));
	await page.getByText(/ELF32 for ARM/).waitFor();
	await tabTo('Name');
	await page.keyboard.type('by-keyboard');
	await tabTo('Add a label');
	await page.keyboard.press('Enter');
	await page.keyboard.type('hands');
	await page.keyboard.press('Tab');
	await page.keyboard.type('two');
	await tabTo('Create and start');
	await page.keyboard.press('Enter');
	await untilMade(page, 'by-keyboard');
	assert.deepEqual((await shared.client.get('/instances/by-keyboard')).json.labels, { hands: 'two' });
});

test('the curl line makes the same instance', async (t) => {
	const name = 'it\'s "the"; one, <img src=x onerror=alert(1)>.elf';
	const file = path.join(shared.emud.filesDir, name);
	copyFileSync(firmware('echo'), file);
	for (const [way, choose] of /** @type {[string, (page: Page) => Promise<void>][]} */ ([
		['Upload', (page) => fileInput(page).setInputFiles(file)],
		['Path on the server', (page) => page.getByLabel('Path on the server').last().fill(file)],
	])) {
		const page = await openForm(t, { query: '?target=board&id=twin', expected: /404/ });
		await page.getByLabel('Arguments').fill('-name\nguest=a;type=b "c" \'d\' $HOME `id` \\n é');
		await page.getByRole('button', { name: 'Add a label' }).click();
		await page.getByLabel('Label name').fill('why');
		await page.getByLabel('Label value').fill('a; "b" \'c\' @d');
		await page.getByLabel(way).first().check();
		await choose(page);
		if (way === 'Upload') await page.getByText(`${name}, `).waitFor();
		const command = (await curlLine(page).textContent()) ?? '';
		await run('sh', ['-c', command], { cwd: shared.emud.filesDir });
		const ofCurl = (await shared.client.get('/instances/twin')).json;
		await shared.client.delete('/instances/twin');
		await submit(page);
		await untilMade(page, 'twin');
		const ofForm = (await shared.client.get('/instances/twin')).json;
		for (const field of ['target', 'emulator', 'file', 'args', 'labels', 'state'])
			assert.deepEqual(ofCurl[field], ofForm[field], `${field} of ${command}`);
		assert.equal(await page.locator('main img').count(), 0);
		await shared.client.delete('/instances/twin');
	}
});

test('where a token is needed the curl line has one; a session that ends amid the form is renewed', async (t) => {
	const token = 'browser-token-4711';
	const emud = await startEmud(t, { tokens: `${token}\n` });
	const client = emud.client({ token });
	const page = await openForm(t, { url: emud.baseUrl, query: '?target=board&id=guarded', expected: /401|404|ERR_CONNECTION/ });
	await signIn(page, token);
	await curlLine(page).filter({ hasText: '$EMUD_TOKEN' }).waitFor();
	await fileInput(page).setInputFiles(firmware('hello'));
	await page.getByText(/ELF32 for ARM/).waitFor();
	await run('sh', ['-c', (await curlLine(page).textContent()) ?? ''], { cwd: path.dirname(firmware('hello')), env: { ...process.env, EMUD_TOKEN: token } });
	await client.delete('/instances/guarded');
	await page.context().clearCookies();
	await submit(page);
	await signIn(page, token);
	await untilMade(page, 'guarded');
	assert.equal((await client.get('/instances/guarded')).json.state, 'running');
});

test('a file beyond the limit is refused at its field', async (t) => {
	const emud = await startEmud(t, { server: { limits: { file_bytes: MIB } } });
	const page = await openForm(t, { url: emud.baseUrl, query: '?target=board', expected: /413/ });
	await fileInput(page).setInputFiles(makeFile('large.bin', Buffer.alloc(40 * MIB)));
	await submit(page);
	assert.match((await faultOf(page, page.getByRole('group', { name: 'Firmware' }))) ?? '', /file_bytes|bytes/);
	assert.deepEqual((await emud.client().get('/files')).json.files, []);
});

test('an upload tells how far it is and can be cancelled', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=canceled', expected: /ERR_|Failed/ });
	await fileInput(page).setInputFiles(makeFile('slow.bin', Buffer.alloc(40 * MIB)));
	await page.getByText(/slow\.bin, 40\.0 MiB, no ELF file/).waitFor();
	const go = holdEmud(t);
	await submit(page);
	await page.getByText(/ of 40\.0 MiB$/).waitFor();
	const { value, max } = await page.getByRole('progressbar').evaluate((bar) => ({ value: /** @type {any} */ (bar).value, max: /** @type {any} */ (bar).max }));
	assert.ok(value > 0 && value < max, `${value} of ${max}`);
	await page.getByRole('button', { name: 'Cancel the upload of slow.bin' }).click();
	await page.getByRole('progressbar').waitFor({ state: 'detached' });
	go();
	await shared.client.refused(404, 'not_found', 'GET', '/instances/canceled');
	assert.ok(!(await storedNames()).includes('slow.bin'));
});

test('a connection lost amid an upload is told, and the filled form is sent again', async (t) => {
	const emud = await startEmud(t);
	const page = await openForm(t, { url: emud.baseUrl, query: '?target=board&id=again', expected: /ERR_|Failed|WebSocket/ });
	const file = makeFile('again.elf', Buffer.concat([readFileSync(firmware('hello')), Buffer.alloc(40 * MIB)]));
	await fileInput(page).setInputFiles(file);
	await page.getByText(/ELF32 for ARM/).waitFor();
	emud.process?.kill('SIGSTOP');
	await submit(page);
	await page.getByText(/ of 40\.1 MiB$/).waitFor();
	await emud.end('SIGKILL');
	await formAlert(page).filter({ hasText: 'The connection to emud was lost' }).waitFor();
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await submit(page);
	await untilMade(page, 'again');
	assert.equal((await emud.client().get('/instances/again')).json.state, 'running');
});

test('who leaves the page cancels the upload and is not called back', async (t) => {
	const page = await openForm(t, { query: '?target=board&id=left', expected: /ERR_|Failed/ });
	await fileInput(page).setInputFiles(makeFile('left.bin', Buffer.alloc(40 * MIB)));
	await page.getByText(/left\.bin, 40\.0 MiB/).waitFor();
	// The other page's module must be there before emud stands still.
	await page.evaluate(() => import(/** @type {any} */ ('/ui/views/instances.js')));
	const go = holdEmud(t);
	await submit(page);
	await page.getByText(/ of 40\.0 MiB$/).waitFor();
	await page.getByRole('link', { name: 'Instances' }).click();
	await page.getByText('The upload was cancelled.').waitFor();
	go();
	await shared.client.refused(404, 'not_found', 'GET', '/instances/left');
	assert.ok(!(await storedNames()).includes('left.bin'));
	assert.match(page.url(), /#\/instances$/);
});
