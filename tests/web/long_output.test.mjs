// Outputs that are long, or slow to lay out, in a real browser: what is shown of them is bounded, and any place is reached at once.
/* global requestAnimationFrame, window */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';
import { runFirmware } from '../lib/runs.mjs';
import { host, script } from '../lib/script.mjs';

/** @typedef {import('playwright-core').Page} Page */

const MIB = 1024 * 1024;
/** A quiet machine takes less than 100 ms; ours is shared, and what is bounded at all is far below the seconds that it was. */
const TURN_MOST_MS = 1000;
const LINES_MOST = 20_000;
const DECIDING = 'PASSED';

const { openPage } = shareBrowser();
const shared = shareEmud();
const logOf = (/** @type {Page} */ page) => page.getByRole('region', { name: 'Output of the run' });
const sliderOf = (/** @type {Page} */ page) => page.getByRole('slider', { name: 'Place in the output' });

/** @type {Record<string, Buffer>} */
const OUTPUTS = {
	'nothing but newlines': Buffer.alloc(8 * MIB, '\n'),
	'very short lines': Buffer.alloc(8 * MIB, 'a\r\n'),
	'a line without an end': Buffer.alloc(8 * MIB, 'x'),
	'combining characters': Buffer.alloc(4 * MIB, '\u0301'),
	'control characters': Buffer.alloc(4 * MIB, '\x01\x1b'),
	'bytes that are no characters': Buffer.alloc(4 * MIB, 0xff),
};

/**
 * A page on which the run has another output, with the deciding line in its middle.
 * @param {import('node:test').TestContext} t @param {string} id @param {Buffer} output
 */
async function openWith(t, id, output) {
	const start = output.length / 2;
	output.write(DECIDING, start);
	const page = await openPage(t, { url: 'about:blank' });
	await page.route(`**/v1/runs/${id}`, async (route) => {
		const response = await route.fetch();
		const run = await response.json();
		await route.fulfill({ response, json: { ...run, output_bytes: output.length, matched: { ...run.matched, start, end: start + DECIDING.length } } });
	});
	await page.route(`**/v1/runs/${id}/output*`, (route) => {
		const query = new URL(route.request().url()).searchParams;
		const offset = Number(query.get('offset'));
		const headers = { 'emud-offset': String(offset), 'emud-first-offset': '0', 'content-type': 'application/octet-stream' };
		return route.fulfill({ headers, body: output.subarray(offset, offset + Number(query.get('limit'))) });
	});
	await page.addInitScript(() => {
		const turns = /** @type {any} */ (window).turns = /** @type {number[]} */ ([]);
		new PerformanceObserver((list) => turns.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask', buffered: true });
	});
	await page.goto(`${shared.emud.baseUrl}/#/runs/${id}`);
	return page;
}

/** Once all that was changed has been painted. @param {Page} page @returns {Promise<number>} ms */
const longestTurn = (page) => page.evaluate(() => new Promise((resolve) =>
	requestAnimationFrame(() => setTimeout(() => resolve(Math.max(0, .../** @type {any} */ (window).turns))))));

/** @param {Page} page @param {string} selector */
const isInView = (page, selector) => logOf(page).evaluate((log, found) => {
	const [box, place] = [log, log.querySelector(found)].map((element) => /** @type {Element} */ (element).getBoundingClientRect());
	return place.top >= box.top && place.bottom <= box.bottom;
}, selector);

for (const [name, output] of Object.entries(OUTPUTS)) {
	test(`an output of ${name} holds nothing up`, async (t) => {
		const { id } = await runFirmware(shared.client, script([host.print(DECIDING)]), { channel: 'semihosting', pass: DECIDING });
		const page = await openWith(t, id, output);
		const linesShown = async () => (await logOf(page).textContent() ?? '').split('\n').length;
		await logOf(page).locator('mark').filter({ hasText: DECIDING }).waitFor();
		assert.ok(await isInView(page, 'mark'));
		const lines = [await linesShown()];
		const bytes = output.length.toLocaleString('en-US');
		for (const [button, place] of /** @type {const} */ ([['Beginning', /^Bytes 0 to/], ['Load later', /^Bytes [1-9]/], ['End', `to ${bytes} of ${bytes}`], ['Load earlier', /^Bytes/]])) {
			await page.getByRole('button', { name: button, exact: true }).click();
			await page.getByText(place).waitFor();
			lines.push(await linesShown());
		}
		await page.getByRole('button', { name: 'Deciding line' }).click();
		await logOf(page).locator('mark').waitFor();
		const longest = await longestTurn(page);
		t.diagnostic(`longest turn ${Math.round(longest)} ms, at most ${Math.max(...lines)} lines`);
		assert.ok(Math.max(...lines) < LINES_MOST, `lines: ${lines}`);
		assert.ok(longest < TURN_MOST_MS, `the longest turn took ${longest} ms`);
	});
}

test('of 64 MiB the deciding line is there at once, and so is any other place', async (t) => {
	const run = await runFirmware(shared.client, script([host.print('begin\n'), host.repeat('x', 64 * MIB - 14), host.print(`\n${DECIDING}\n`), host.repeat('.', 10)]),
		{ channel: 'semihosting', pass: DECIDING, timeout: 60 });
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/files` });
	await page.getByRole('heading', { name: 'Files', exact: true }).waitFor();
	const began = Date.now();
	await page.evaluate((id) => void (document.location.hash = `#/runs/${id}`), run.id);
	const mark = logOf(page).locator('mark').filter({ hasText: DECIDING });
	await mark.waitFor();
	t.diagnostic(`the deciding line of ${run.output_bytes} bytes after ${Date.now() - began} ms`);
	assert.ok(await isInView(page, 'mark'));
	await sliderOf(page).fill(String(run.first_offset));
	await page.waitForURL(/\?at=\d+$/);
	await page.getByText(new RegExp(`^Bytes ${run.first_offset.toLocaleString('en-US')} to`)).waitFor();
	await sliderOf(page).focus();
	const before = Number(await sliderOf(page).inputValue());
	for (let count = 0; count < 5; count++) await page.keyboard.press('PageUp');
	await until(async () => Number(await sliderOf(page).inputValue()) > before + 20 * MIB, 'the middle to be shown');
	await page.waitForURL((url) => Number(url.hash.split('at=')[1]) > before + 20 * MIB);
	assert.match(await sliderOf(page).getAttribute('aria-valuetext') ?? '', /^Byte [\d,]+ of [\d,]+$/);
	// The address leads there again.
	const at = await page.getByText(/^Bytes/).textContent();
	await page.reload();
	await page.getByText(at ?? '', { exact: true }).waitFor();
	await page.getByRole('button', { name: 'Deciding line' }).click();
	await mark.waitFor();
	await page.locator('#announcer').filter({ hasText: `The deciding line: ${DECIDING}` }).waitFor({ state: 'attached' });
});

test('who scrolls to an end of what is shown goes on behind it', async (t) => {
	const { id } = await runFirmware(shared.client, script([host.print(DECIDING)]), { channel: 'semihosting', pass: DECIDING });
	const lines = Array.from({ length: 40_000 }, (_, index) => `line ${String(index).padStart(8, '0')} of a log as it is used to be\n`).join('');
	const page = await openWith(t, id, Buffer.from(lines));
	await logOf(page).locator('mark').waitFor();
	const shown = page.getByText(/^Bytes/);
	const [from, to] = (await shown.textContent() ?? '').match(/[\d,]+/g) ?? [];
	const topLine = () => logOf(page).evaluate((log) => {
		const { left, top } = log.getBoundingClientRect();
		const range = document.caretRangeFromPoint(left + 30, top + 30);
		return /line \d+/.exec((range?.startContainer.textContent ?? '').slice(Math.max(0, (range?.startOffset ?? 0) - 60)))?.[0];
	});
	await logOf(page).focus();
	await until(async () => {
		await page.keyboard.press('Home');
		return !(await shown.textContent())?.startsWith(`Bytes ${from} `);
	}, 'what stands before it');
	assert.ok((await topLine() ?? '') > 'line 00000100', 'what is read stays in view');
	await until(async () => {
		await page.keyboard.press('End');
		return Number((await shown.textContent() ?? '').match(/[\d,]+/g)?.[1].replaceAll(',', '')) > Number(to.replaceAll(',', ''));
	}, 'what stands behind it');
});
