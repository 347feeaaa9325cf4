// Pages in a real browser: one browser a test file, each page with a session of its own.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { chromium } from 'playwright-core';

import { DEADLINE_MS } from './deadline.mjs';
import { leaveBeforeEmud } from './leaving.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {{url: string, expected?: RegExp, context?: import('playwright-core').BrowserContextOptions}} PageOptions
 * expected: messages that are part of the test
 * @typedef {object} Kind of browser
 * @property {() => Promise<import('playwright-core').Browser>} launch
 * @property {(page: Page, fail: (fault: string) => void, report: (fault: string, place?: string) => void) => void} watch tells
 *   what a page complains of; report: unless it is expected
 */

/** Of a console whose instance is deleted at that moment: whatever the page does, its browser tells it. */
const GOING = /^WebSocket connection to .*\/channels\/.* Unexpected response code: 40[49]$/;

/** It tells of everything on its console. @type {Kind} */
const CHROMIUM = {
	launch: () => chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.lab.test 127.0.0.1'],
	}),
	watch(page, fail, report) {
		page.on('pageerror', (error) => fail(String(error)));
		page.on('console', (message) => void (message.type() === 'error' && report(message.text(), message.location().url)));
	},
};

/**
 * One browser for the tests of a file. Call it before shareEmud(): a hook that fails keeps later ones from running.
 * @returns {{openPage: (t: import('node:test').TestContext, options: PageOptions) => Promise<Page>}}
 */
export function shareBrowser(kind = CHROMIUM) {
	/** @type {import('playwright-core').Browser} */
	let browser;
	before(async () => {
		browser = await kind.launch();
	});
	after(() => browser?.close());

	/** A page that fails the test at its end for any error, refused asset or breach of its policy. */
	return {
		async openPage(t, { url, expected = /^$/, context: options }) {
			const context = await browser.newContext(options);
			context.setDefaultTimeout(DEADLINE_MS);
			/** @type {string[]} */
			const faults = [];
			const fail = (/** @type {string} */ fault) => void faults.push(fault);
			context.on('page', (page) => kind.watch(page, fail, (fault, place = '') => void ([expected, GOING].some((known) => known.test(fault)) || fail(`${fault} ${place}`))));
			const page = await context.newPage();
			leaveBeforeEmud(t, () => context.close());
			t.after(async () => {
				await context.close();
				assert.deepEqual(faults, []);
			});
			await page.goto(url);
			return page;
		},
	};
}

/** Answers the page's question for a token. @param {Page} page @param {string} token */
export async function signIn(page, token) {
	const input = page.getByRole('dialog').getByLabel('Token');
	await input.fill(token);
	await input.press('Enter');
}

/** As when another tab is chosen, or this one again. @param {Page} page @param {boolean} isHidden */
export const setHidden = (page, isHidden) =>
	page.evaluate((is) => {
		Object.defineProperty(document, 'hidden', { configurable: true, get: () => is });
		document.dispatchEvent(new Event('visibilitychange'));
	}, isHidden);
