// The page of files in a real browser: uploads and their failures, what can be done with what is stored.

/* global DataTransfer */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser } from '../lib/page.mjs';

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

/** @param {import('node:test').TestContext} t @param {{url?: string, expected?: RegExp}} [options] */
const openFiles = (t, { url = shared.emud.baseUrl, expected } = {}) => openPage(t, { url: `${url}/#/files`, expected });

/** @param {Page} page @param {string} name */
const rowOf = (page, name) => page.locator('tbody tr').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
const input = (/** @type {Page} */ page) => page.getByLabel('Choose files to upload');

/** @param {string} name @param {string | Buffer} body */
const store = async (name, body) => (await shared.client.request('POST', `/files?name=${encodeURIComponent(name)}`, { body })).json;

test('where nothing is stored the page says how to begin', async (t) => {
	const emud = await startEmud(t);
	const page = await openFiles(t, { url: emud.baseUrl, expected: /ERR_CONNECTION/ });
	await page.getByRole('heading', { name: 'No files yet' }).waitFor();
	await input(page).setInputFiles(firmware('hello'));
	await rowOf(page, 'hello.elf').waitFor();
	assert.equal(await page.getByRole('heading', { name: 'No files yet' }).isVisible(), false);
});

test('several files are uploaded at once and told by their headers', async (t) => {
	const page = await openFiles(t);
	await input(page).setInputFiles([firmware('hello'), firmware('hello', 'riscv32-virt'), makeFile('notes.bin', 'not an ELF')]);
	for (const [name, kind, machine] of [['hello.elf', 'elf32', 'ARM'], ['riscv32-virt-hello.elf', 'elf32', 'RISC-V'], ['notes.bin', 'raw', '']]) {
		await rowOf(page, name).waitFor();
		const cells = await rowOf(page, name).locator('td').allTextContents();
		assert.deepEqual(cells.slice(1, 3), [kind, machine]);
		assert.match(await rowOf(page, name).locator('time').getAttribute('title') ?? '', /^\d{4}-.*Z$/);
	}
	await page.getByText('notes.bin is stored.').waitFor();
	await input(page).setInputFiles([firmware('hello'), makeFile('again.bin', 'not an ELF')]);
	await page.getByText('hello.elf was stored already.').and(page.getByText('again.bin was stored already, as notes.bin.')).waitFor();
	assert.equal(await rowOf(page, 'hello.elf').count(), 1);
	await input(page).setInputFiles([...Array(4).keys()].map((number) => makeFile(`one-of-${number}.bin`, `${number}`)));
	await page.getByText('4 files are stored.', { exact: true }).waitFor();
});

test('a file is dropped, once', async (t) => {
	const page = await openFiles(t);
	let posts = 0;
	page.on('request', (request) => posts += Number(request.method() === 'POST'));
	const transfer = await page.evaluateHandle(() => {
		const data = new DataTransfer();
		data.items.add(new File(['one dropped'], 'dropped one.bin'));
		data.items.add(new File(['two dropped'], 'dropped two.bin'));
		return data;
	});
	await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
	await rowOf(page, 'dropped one.bin').waitFor();
	await rowOf(page, 'dropped two.bin').waitFor();
	assert.equal(posts, 2);
});

test('a folder that is dropped is told as one that cannot be read, and nothing is sent', async (t) => {
	const page = await openFiles(t);
	let posts = 0;
	page.on('request', (request) => posts += Number(request.method() === 'POST'));
	mkdirSync(path.join(shared.emud.filesDir, 'folder'));
	const { x, y, width, height } = /** @type {{x: number, y: number, width: number, height: number}} */ (await page.locator('.drop').boundingBox());
	const session = await page.context().newCDPSession(page);
	const data = { items: [], files: [path.join(shared.emud.filesDir, 'folder')], dragOperationsMask: 1 };
	for (const type of /** @type {const} */ (['dragEnter', 'dragOver', 'drop'])) await session.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + height / 2, data });
	await page.getByRole('alert').filter({ hasText: 'folder cannot be read: it may be a folder, or gone.' }).waitFor();
	assert.equal(posts, 0);
});

test('what others store and delete shows by itself', async (t) => {
	const page = await openFiles(t);
	await page.getByRole('heading', { name: 'Files' }).waitFor();
	const { sha256 } = await store('of others.bin', 'of others');
	await rowOf(page, 'of others.bin').waitFor();
	await shared.client.delete(`/files/${sha256}`);
	await rowOf(page, 'of others.bin').waitFor({ state: 'detached' });
});

test('a file is downloaded byte for byte, and deleted after a question', async (t) => {
	const content = Buffer.from([0, 1, 254, 255, 10, 13]);
	await store('to fetch.bin', content);
	const page = await openFiles(t);
	const [download] = await Promise.all([
		page.waitForEvent('download'), rowOf(page, 'to fetch.bin').getByRole('link', { name: 'Download: to fetch.bin' }).click(),
	]);
	assert.equal(download.suggestedFilename(), 'to fetch.bin');
	assert.deepEqual(readFileSync(await download.path()), content);
	const remove = rowOf(page, 'to fetch.bin').getByRole('button', { name: 'Delete: to fetch.bin' });
	await remove.click();
	await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
	await remove.click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await rowOf(page, 'to fetch.bin').waitFor({ state: 'detached' });
});

test('a file in use is not deleted, and the page says so', async (t) => {
	const { sha256 } = await store('used.elf', readFileSync(firmware('echo')));
	await shared.client.put('/instances/user', { json: { target: 'board', file: { sha256 }, start: false }, expect: 201 });
	const page = await openFiles(t, { expected: /409/ });
	await rowOf(page, 'used.elf').getByRole('button', { name: 'Delete: used.elf' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('alert').filter({ hasText: 'used.elf: the file is that of instance user: delete that first' }).waitFor();
	assert.equal(await rowOf(page, 'used.elf').count(), 1);
});

test('a new instance, and a run, begin with a stored file', async (t) => {
	const { sha256 } = await store('begin.elf', readFileSync(firmware('counter')));
	const page = await openFiles(t);
	assert.equal(await rowOf(page, 'begin.elf').getByRole('link', { name: 'Run: begin.elf' }).getAttribute('href'), `#/new-run?file=sha256%3A${sha256}`);
	await rowOf(page, 'begin.elf').getByRole('link', { name: 'New instance: begin.elf' }).click();
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	await page.getByLabel('Target').selectOption('board');
	await page.getByText(/ELF32 for ARM/).waitFor();
	await page.getByRole('button', { name: 'Create and start' }).click();
	await page.waitForURL('**/#/instances/board-*');
	const { instances } = (await shared.client.get('/instances?target=board')).json;
	assert.ok(instances.some(({ file }) => file?.sha256 === sha256));
});

test('names that look like HTML stay text', async (t) => {
	const name = '<img src=x onerror=alert(1)>.elf';
	const page = await openFiles(t);
	await input(page).setInputFiles(makeFile(name, 'markup'));
	await rowOf(page, name).waitFor();
	await page.getByText(`${name} is stored.`).waitFor();
	assert.equal(await page.locator('img').count(), 0);
});

test('files that are refused say why, and can be tried again or dismissed', async (t) => {
	const emud = await startEmud(t, { server: { limits: { file_bytes: MIB } } });
	const page = await openFiles(t, { url: emud.baseUrl, expected: /422|413|ERR_CONNECTION/ });
	const cut = makeFile('cut.elf', readFileSync(firmware('hello')).subarray(0, 3000));
	await input(page).setInputFiles([cut, makeFile('large.bin', Buffer.alloc(8 * MIB)), makeFile('fine.bin', 'fine')]);
	await page.getByRole('alert').filter({ hasText: /^cut\.elf.*cut short/ }).waitFor();
	await page.getByRole('alert').filter({ hasText: /^large\.bin.*bytes/ }).waitFor();
	await rowOf(page, 'fine.bin').waitFor();
	await page.getByRole('button', { name: 'Try again: cut.elf' }).click();
	await page.getByRole('alert').filter({ hasText: /^cut\.elf.*cut short/ }).waitFor();
	await page.getByRole('button', { name: 'Dismiss: cut.elf' }).click();
	await page.getByRole('button', { name: 'Dismiss: large.bin' }).click();
	assert.equal(await page.getByRole('list', { name: 'Uploads' }).locator('li').count(), 0);
	assert.equal((await emud.client().get('/files')).json.files.length, 1);
});

test('an upload is cancelled; one whose connection is lost is tried again', async (t) => {
	const emud = await startEmud(t);
	const page = await openFiles(t, { url: emud.baseUrl, expected: /ERR_|Failed/ });
	await page.getByRole('heading', { name: 'No files yet' }).waitFor();
	emud.process?.kill('SIGSTOP');
	await input(page).setInputFiles([makeFile('one.bin', Buffer.alloc(40 * MIB, 1)), makeFile('two.bin', Buffer.alloc(40 * MIB, 2)), makeFile('three.bin', 'three')]);
	await page.getByRole('progressbar', { name: 'Upload of two.bin' }).waitFor();
	await page.getByText(/ of 40\.0 MiB$/).first().waitFor();
	// The third waits.
	for (const name of ['three', 'one']) await page.getByRole('button', { name: `Cancel the upload of ${name}.bin` }).click();
	await page.getByRole('progressbar', { name: 'Upload of one.bin' }).waitFor({ state: 'detached' });
	await emud.end('SIGKILL');
	await page.getByRole('alert').filter({ hasText: /^two\.bin.*The connection to emud was lost/ }).waitFor();
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.start();
	await page.getByRole('button', { name: 'Try again: two.bin' }).click();
	await rowOf(page, 'two.bin').waitFor();
	assert.deepEqual((await emud.client().get('/files')).json.files.map(({ name }) => name), ['two.bin']);
});

test('what is not uploaded yet when another page is shown is cancelled, as that says', async (t) => {
	const page = await openFiles(t);
	/** @type {string[]} */
	const begun = [];
	/** @type {string[]} */
	const cancelled = [];
	const nameOf = (/** @type {import('playwright-core').Request} */ request) => new URL(request.url()).searchParams.get('name') ?? '';
	await page.route('**/v1/files?name=*', (route) => void begun.push(nameOf(route.request())));
	page.on('requestfailed', (request) => void cancelled.push(nameOf(request)));
	await input(page).setInputFiles(['first.bin', 'second.bin', 'third.bin'].map((name) => makeFile(name, name)));
	await until(() => begun.length === 2, 'two uploads to be under way');
	await page.getByRole('link', { name: 'Targets', exact: true }).click();
	await page.getByText('The uploads that were not done were cancelled.').waitFor();
	await until(() => cancelled.length === 2, 'both to be cancelled');
	assert.deepEqual([begun.sort(), cancelled.sort()], [['first.bin', 'second.bin'], ['first.bin', 'second.bin']]);
});

test('the curl line stores the same file', async (t) => {
	const name = 'it\'s; "so", {1,2}.bin';
	const page = await openFiles(t);
	await input(page).setInputFiles(makeFile(name, 'by curl and by form'));
	await page.getByText(`${name} is stored.`).waitFor();
	const command = (await page.getByLabel('The same with curl', { exact: true }).textContent()) ?? '';
	const { stdout } = await run('sh', ['-c', command], { cwd: shared.emud.filesDir });
	assert.equal(JSON.parse(stdout).name, name);
	assert.equal((await shared.client.get('/files')).json.files.filter((file) => file.name === name).length, 1);
});

test('files can be chosen and deleted by keyboard alone', async (t) => {
	const page = await openFiles(t);
	const choosing = page.waitForEvent('filechooser');
	/** @param {string} label */
	const tabTo = async (label) => {
		for (let presses = 0; (await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) !== label; presses++) {
			assert.ok(presses < 80, `${label} cannot be reached by Tab`);
			await page.keyboard.press('Tab');
		}
	};
	await tabTo('Choose files to upload');
	await page.keyboard.press('Enter');
	await (await choosing).setFiles(makeFile('a keyed.bin', 'keyed'));
	await rowOf(page, 'a keyed.bin').waitFor();
	await tabTo('Delete: a keyed.bin');
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').waitFor();
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await rowOf(page, 'a keyed.bin').waitFor({ state: 'detached' });
});

test('names of files can be read at any width, and on a phone all of a file is in sight', async (t) => {
	await shared.client.post('/files?name=ordinary-name.elf', { body: 'an ordinary one', expect: 201 });
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/files` });
	const row = page.getByRole('row').filter({ hasText: 'ordinary-name.elf' });
	await row.waitFor();
	for (const width of [320, 390, 800, 1280]) {
		await page.setViewportSize({ width, height: 800 });
		const boxes = await row.evaluate((one) => [...one.children].map((cell) => cell.getBoundingClientRect()).map(({ left, right, width: room, height }) => ({ left, right, room, height })));
		assert.ok(boxes[0].room >= 120 && boxes[0].height < 60, `${width}: ${JSON.stringify(boxes[0])}`);
		if (width < 768) for (const { left, right } of boxes) assert.ok(left >= 0 && right <= width, `${width}: ${JSON.stringify(boxes)}`);
	}
});
