// Consoles at scale in a real browser: many at once, long ones, and each byte once whatever happens meanwhile.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { untilConsoleShows } from '../lib/console_page.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { mockEmulator, mockTarget } from '../lib/mock.mjs';
import { assertNumbered } from '../lib/numbered.mjs';
import { shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{startNumber: number, length: number, sha256: string}} Received */

const { openPage } = shareBrowser();
const LOST = /WebSocket|ERR_|404|409/;
const MIB = 1024 * 1024;

const sha256 = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');
const shown = (/** @type {Page} */ page, /** @type {string | RegExp} */ text) => page.getByRole('status').filter({ hasText: text }).waitFor();

/**
 * Opens streams of consoles as the page does, each paused now and then as by a page that is behind, and keeps what comes.
 * @param {Page} page
 * @param {[string, string][]} consoles instance and channel
 */
const openStreams = (page, consoles) => page.evaluate(async (wanted) => {
	const { Api } = await import(String('/ui/lib/api.js'));
	const { ConsoleStream } = await import(String('/ui/lib/stream.js'));
	const api = new Api(() => new Promise(() => {}));
	const random = (/** @type {number} */ below) => Math.floor(Math.random() * below);
	/** @type {any} */ (globalThis).streams = wanted.map(([id, channel]) => {
		/** @type {{startNumber: number, parts: Uint8Array[]}[]} */
		const starts = [];
		const stream = new ConsoleStream(api, id, channel, {
			onBytes(/** @type {Uint8Array} */ bytes) {
				starts[starts.length - 1].parts.push(bytes);
				if (random(20) > 0) return;
				stream.pause();
				setTimeout(() => stream.resume(), random(50));
			},
			onBegin: (/** @type {number} */ startNumber) => starts.push({ startNumber, parts: [] }),
			onGap: () => starts[starts.length - 1].parts.push(new TextEncoder().encode('a gap')),
			onStatus() {},
			onUnsent() {},
		});
		return { stream, starts };
	});
}, consoles);

/** @param {Page} page @param {number} index @returns {Promise<Received[]>} */
const receivedBy = (page, index) => page.evaluate(async (at) => {
	const received = [];
	for (const { startNumber, parts } of /** @type {any} */ (globalThis).streams[at].starts) {
		const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
		const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
		received.push({ startNumber, length: bytes.length, sha256: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') });
	}
	return received;
}, index);

test('50 consoles get every byte once, though emud is killed again and again and a board starts anew', async (t) => {
	const emud = await startEmud(t, { pwEmu: mockEmulator(), targets: { mock: mockTarget({ print: 300_000 }) } });
	const client = emud.client();
	/** @type {[string, string][]} */
	const consoles = Array.from({ length: 50 }, (_, index) => [`many-${index}`, index < 8 ? 'serial0' : 'uart']);
	const numbered = consoles.slice(0, 8);
	const page = await openPage(t, { url: `${emud.baseUrl}/#/service`, expected: LOST });
	await Promise.all(consoles.map(([id], index) =>
		(index < 8 ? client.startBoard(id, index < 2 ? 'flood' : 'counter') : client.put(`/instances/${id}`, { json: { target: 'mock' }, expect: 201 }))));
	await openStreams(page, consoles);
	for (let kills = 0; kills < 3; kills++) {
		const before = await client.nextOffset('many-7');
		await client.waitForOffset('many-7', before + 50 + Math.floor(Math.random() * 100));
		await emud.end('SIGKILL');
		emud.options.listen = `127.0.0.1:${emud.port}`;
		await emud.start();
		if (kills === 1) await client.post('/instances/many-6/restart');
		await page.evaluate((startNumber) => /** @type {any} */ (globalThis).streams[6].stream.noteStart(startNumber), kills > 0 ? 2 : 1);
	}
	await Promise.all(numbered.map(([id]) => client.post(`/instances/${id}/pause`)));
	for (const [index, [id, channel]] of consoles.entries()) {
		const output = (await client.get(`/instances/${id}/channels/${channel}/output`)).body;
		if (index < 8) assertNumbered(output);
		const startNumber = index === 6 ? 2 : 1;
		const last = await until(async () => {
			const received = (await receivedBy(page, index)).at(-1);
			return received?.startNumber === startNumber && received.length >= output.length && received;
		}, `${id} to get all of its output`);
		assert.deepEqual(last, { startNumber, length: output.length, sha256: sha256(output) }, id);
	}
	t.diagnostic(`the longest output has ${await client.nextOffset('many-0')} bytes`);
});

test('the terminal holds every line once across kills of emud', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('counts', 'counter');
	const page = await openPage(t, {
		url: `${emud.baseUrl}/#/instances/counts`, expected: LOST, context: { permissions: ['clipboard-read', 'clipboard-write'] },
	});
	await shown(page, /^Live$/);
	for (let kills = 0; kills < 2; kills++) {
		await emud.end('SIGKILL');
		await shown(page, 'What is typed now is not sent');
		await page.locator('.xterm-helper-textarea').focus();
		await page.keyboard.type('x');
		await shown(page, 'Not sent: 1 typed character.');
		emud.options.listen = `127.0.0.1:${emud.port}`;
		await emud.start();
		await shown(page, /^Live$/);
	}
	await client.post('/instances/counts/pause');
	const output = (await client.get('/instances/counts/channels/serial0/output')).text;
	await untilConsoleShows(page, /** @type {string} */ (output.trim().split('\r\n').at(-1)));
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await shown(page, /^Copied/);
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), output.replaceAll('\r', '').trimEnd());
});

test('of a long history the newest is there at once, and the rest a page at a time', async (t) => {
	const emud = await startEmud(t, { pwEmu: mockEmulator(), targets: { long: mockTarget({ print: 5 * MIB }) } });
	const client = emud.client();
	await client.put('/instances/long', { json: { target: 'long' }, expect: 201 });
	await client.waitForOffset('long', 5 * MIB, 'uart');
	const lastLine = (await client.get('/instances/long/channels/uart/output?offset=-20')).text.trim().split('\r\n').at(-1);
	const page = await openPage(t, { url: 'about:blank' });
	const sockets = /** @type {string[]} */ ([]);
	page.on('websocket', (socket) => sockets.push(new URL(socket.url()).search));
	const begin = Date.now();
	await page.goto(`${emud.baseUrl}/#/instances/long`);
	await untilConsoleShows(page, String(lastLine));
	t.diagnostic(`the last line of 5 MiB was there after ${Date.now() - begin} ms`);
	const offset = Number(new URLSearchParams(sockets[0]).get('offset'));
	assert.ok(offset >= 3 * MIB, `it began at ${offset}`);
	const press = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true }).click();
	await press('First');
	await shown(page, /^Start 1, bytes 0 to /);
	await untilConsoleShows(page, 'uart ready');
	const lines = await page.locator('.xterm-rows > div').allTextContents();
	assert.deepEqual(lines.slice(0, 3).map((line) => line.trim()), ['uart ready', '0', '1']);
	// 10000 lines a page: the one that says that the board is ready, and so many numbers.
	await press('Later');
	await untilConsoleShows(page, '9999');
	await press('Earlier');
	await untilConsoleShows(page, '9998');
	assert.ok(await page.getByRole('button', { name: 'Earlier', exact: true }).isDisabled());
	await page.locator('.xterm-helper-textarea').focus();
	await page.keyboard.type('typed');
	await shown(page, /^Live$/);
	await untilConsoleShows(page, 'typed');
	// Nothing was told to a screen reader while so much was shown; now it is again.
	await page.locator('.xterm-accessibility').filter({ hasText: 'typed' }).waitFor({ state: 'attached' });
});

test('the console of an instance that has failed is read once', async (t) => {
	const emud = await startEmud(t);
	await emud.client().startBoard('fails', 'lockup');
	await emud.client().waitFor('fails', 'ended');
	const page = await openPage(t, { url: 'about:blank' });
	let sockets = 0;
	page.on('websocket', () => sockets++);
	await page.goto(`${emud.baseUrl}/#/instances/fails`);
	await shown(page, 'The instance has failed: this is all it printed.');
	await page.getByRole('tab', { name: 'Details' }).click();
	await page.getByRole('tab', { name: 'Consoles' }).click();
	await shown(page, 'The instance has failed: this is all it printed.');
	assert.equal(sockets, 2);
});
