// What a board prints, as the terminal in a real browser shows it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { untilConsoleShows, untilLive } from '../lib/console_page.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { print, script } from '../lib/script.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();

/** @param {import('node:test').TestContext} t @param {string} id @param {Partial<import('../lib/page.mjs').PageOptions>} [options] */
const openConsole = (t, id, options) => openPage(t, { url: `${shared.emud.baseUrl}/#/instances/${id}`, ...options });
const rows = (/** @type {Page} */ page) => page.locator('.xterm-rows > div').allTextContents();
let printed = 0;

/** The console of a board that prints this. @param {import('node:test').TestContext} t @param {string[]} parts @param {string} [view] another one */
async function openPrinted(t, parts, view) {
	const id = `prints-${++printed}`;
	const file = join(shared.emud.directory, `${id}.elf`);
	writeFileSync(file, script(parts.map(print)));
	await shared.client.put(`/instances/${id}`, { json: { target: 'board', file }, expect: 201 });
	return openPage(t, { url: `${shared.emud.baseUrl}/#/${view ?? `instances/${id}`}` });
}

test('what a board prints is text, never markup', async (t) => {
	await shared.client.startBoard('markup', 'echo');
	await shared.client.post('/instances/markup/channels/serial0/input', { body: '<img src=x onerror=alert(1)>' });
	const page = await openConsole(t, 'markup');
	await untilConsoleShows(page, '<img src=x');
	assert.equal(await page.locator('img').count(), 0);
});

test('colours of any depth are shown', async (t) => {
	await shared.client.startBoard('coloured', 'echo');
	await shared.client.post('/instances/coloured/channels/serial0/input', { body: '\x1b[38;2;12;200;34;48;5;17mcoloured\x1b[0m' });
	const page = await openConsole(t, 'coloured');
	await untilConsoleShows(page, 'coloured');
	const cell = page.locator('.xterm-rows span').filter({ hasText: 'coloured' }).first();
	assert.equal(await cell.evaluate((element) => getComputedStyle(element).color), 'rgb(12, 200, 34)');
});

test('the last row is whole at any height of the window', async (t) => {
	await shared.client.startBoard('fits', 'hello');
	const page = await openConsole(t, 'fits');
	await untilLive(page);
	for (const [width, height] of [[1280, 800], [1280, 720], [1366, 768], [1280, 805], [390, 844]]) {
		await page.setViewportSize({ width, height });
		// No row is cut off, and no more than one would find room.
		await page.waitForFunction(() => {
			const bottom = (/** @type {string} */ of) => document.querySelector(of)?.getBoundingClientRect().bottom ?? NaN;
			const room = bottom('.screen') - bottom('.xterm-screen');
			return room >= 0 && room < 30;
		});
	}
});

test('a terminal that a board left in a state of its own is brought back, with what it held', async (t) => {
	await shared.client.startBoard('sane', 'echo');
	const print = (/** @type {string} */ body) => shared.client.post('/instances/sane/channels/serial0/input', { body });
	await print(`${Array.from({ length: 100 }, (_, number) => `line ${number}`).join('\r\n')}\r\n$ `);
	await print('\x1b[31m\x1b[?1049h\x1b[?1003h\x1b[?1006h\x1b[?25l\x1b[5;9Hall of the screen');
	const page = await openConsole(t, 'sane', { context: { permissions: ['clipboard-read', 'clipboard-write'] } });
	await untilConsoleShows(page, 'all of the screen');
	await page.locator('.xterm.enable-mouse-events').waitFor();
	await page.getByRole('button', { name: 'Reset terminal' }).click();
	await untilConsoleShows(page, 'line 99');
	await page.locator('.xterm:not(.enable-mouse-events)').waitFor();
	await page.keyboard.type('plain');
	await untilConsoleShows(page, '$ plain');
	await page.locator('.xterm-cursor').waitFor();
	assert.equal(await page.locator('.xterm-rows .xterm-fg-1').count(), 0);
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await page.getByRole('status').filter({ hasText: /^Copied/ }).waitFor();
	assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^line 0\nline 1\n[^]*line 99\n\$ plain$/);
});

test('of a link that a board prints the text stays, and nothing that leads elsewhere', async (t) => {
	await shared.client.startBoard('linking', 'echo');
	await shared.client.post('/instances/linking/channels/serial0/input', { body: '\x1b]8;;http://elsewhere.invalid/\x1b\\click here\x1b]8;;\x1b\\\r\n' });
	const page = await openConsole(t, 'linking');
	await untilConsoleShows(page, 'click here');
	/** @type {string[]} */
	const asked = [];
	page.on('dialog', (dialog) => {
		asked.push(dialog.message());
		void dialog.dismiss();
	});
	const row = await page.locator('.xterm-rows > div').first().boundingBox();
	assert.ok(row);
	await page.mouse.move(row.x + 20, row.y + row.height / 2, { steps: 5 });
	await page.mouse.click(row.x + 20, row.y + row.height / 2);
	await page.keyboard.type('after');
	await untilConsoleShows(page, 'after');
	assert.deepEqual([asked, await page.locator('.xterm-cursor-pointer').count()], [[], 0]);
});

test('what a start has done to how its lines end is not the next one\'s', async (t) => {
	const { client } = shared;
	await client.startBoard('stairs', 'echo');
	const print = (/** @type {string} */ body) => client.post('/instances/stairs/channels/serial0/input', { body });
	const page = await openConsole(t, 'stairs');
	await print('\x1b[20lone\n');
	await untilConsoleShows(page, 'one');
	await client.post('/instances/stairs/restart');
	await page.waitForFunction(() => !document.querySelector('.xterm-rows')?.textContent?.includes('one'));
	await print('aaa\nbbb\nccc');
	await untilConsoleShows(page, 'ccc');
	assert.deepEqual((await rows(page)).slice(0, 3).map((row) => row.trimEnd()), ['aaa', 'bbb', 'ccc']);
});

test('old output that asks the terminal something gets no answer, new output does', async (t) => {
	const { client } = shared;
	await client.startBoard('asks', 'echo');
	const ask = (/** @type {string} */ body) => client.post('/instances/asks/channels/serial0/input', { body });
	await ask('\x1b[6n\x1b[c\x1b]11;?\x07 old ');
	await client.waitForOutput('asks', ' old ');
	const page = await openConsole(t, 'asks');
	await untilConsoleShows(page, 'old');
	await page.keyboard.type('typed ');
	await untilConsoleShows(page, 'typed');
	await ask('new\x1b[5n');
	const output = await client.waitForOutput('asks', '\x1b[0n');
	assert.equal(output.toString(), '\x1b[6n\x1b[c\x1b]11;?\x07 old typed new\x1b[5n\x1b[0n');
});

test('what goes lowest in a cell is seen', async (t) => {
	const page = await openPrinted(t, ['____|    |', '\r\nend of it']);
	await untilConsoleShows(page, 'end of it');
	const row = await page.locator('.xterm-rows > div').first().boundingBox();
	assert.ok(row);
	// 4: texts.
	const [first, , , , , second] = await page.locator('.xterm-rows > div').first().evaluate((line) => {
		const text = /** @type {Text} */ (document.createTreeWalker(line, 4).nextNode());
		return [...Array(6).keys()].map((at) => {
			const range = document.createRange();
			range.setStart(text, at);
			range.setEnd(text, at + 4);
			const { x, width } = range.getBoundingClientRect();
			return { x, width };
		});
	});
	const pictureOf = (/** @type {{x: number, width: number}} */ { x, width }) => page.screenshot({ clip: { x: Math.ceil(x), y: row.y, width: Math.floor(width) - 1, height: row.height } });
	assert.ok(!(await pictureOf(first)).equals(await pictureOf(second)), 'underscores look like nothing');
});

test('what a board asks to be done very many times leaves the page at work', async (t) => {
	const MOST = 0x7fffffff;
	const page = await openPrinted(t, [...['I', 'L', 'M', 'S', 'T', 'Z', 'b'].map((final) => `x\x1b[${MOST}${final}`), '\x1b[3Sscrolled 3', '\x1b[2J\x1b[Hafter']);
	await untilConsoleShows(page, 'after');
	await page.getByRole('link', { name: 'Service', exact: true }).click();
	await page.getByRole('heading', { level: 1, name: 'Service' }).waitFor();
});

test('what is dear to show is shown in many turns, between which the page is at work', async (t) => {
	const again = (/** @type {string} */ what) => what.repeat(Math.floor(8192 / what.length));
	const page = await openPrinted(t, [again('\x1b[250S'), again('\x1bc'), '\x1b[20hafter'], 'service');
	const id = `prints-${printed}`;
	await shared.client.waitForOutput(id, 'after');
	const turns = await page.evaluate((wanted) => new Promise((resolve) => {
		let count = 0;
		document.location.hash = `#/instances/${wanted}`;
		const step = () => {
			const text = document.querySelector('.xterm-rows')?.textContent ?? '';
			if (text) count++;
			if (text.includes('after')) resolve(count);
			else setTimeout(step);
		};
		step();
	}), id);
	// 16 KiB are eight parts.
	assert.ok(Number(turns) >= 6, `${turns} turns`);
});

test('colours that a board would change for all stay as they are', async (t) => {
	await shared.client.startBoard('painter', 'echo');
	const page = await openConsole(t, 'painter');
	await untilLive(page);
	const print = (/** @type {string} */ body) => shared.client.post('/instances/painter/channels/serial0/input', { body });
	const colour = (/** @type {string} */ text) => page.locator('.xterm-rows span').filter({ hasText: text }).first().evaluate((cell) => getComputedStyle(cell).color);
	await print('\x1b[31mred\x1b[0m\r\n');
	await untilConsoleShows(page, 'red');
	const before = await colour('red');
	await print('\x1b]11;#ffffff\x07\x1b]4;1;#00ff00\x07\x1b]4;1;?;2;#00ff00;1;#00ff00\x07\x1b[31mstill\x1b[0m');
	await untilConsoleShows(page, 'still');
	assert.deepEqual([await colour('red'), await colour('still')], [before, before]);
});
