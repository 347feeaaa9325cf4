// The dashboard as most of a lab sees it: from another machine over plain HTTP, where a browser holds back what it keeps for secure contexts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { shareBrowser, signIn } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const TOKEN = 'lab-token-4711';
const { openPage } = shareBrowser();
const shared = shareEmud({ tokens: `${TOKEN}\n`, server: { hosts: ['emud.lab.test'], raw_channels: true } });
const client = () => shared.emud.client({ token: TOKEN });

/** Chromium says on its console that such a page has no use for the header. */
const expected = /Cross-Origin-Opener-Policy|401|404/;

/** @param {import('node:test').TestContext} t @param {string} path */
async function openPageOfLab(t, path) {
	const page = await openPage(t, { url: `http://emud.lab.test:${shared.emud.port}/#${path}`, expected });
	await signIn(page, TOKEN);
	await page.getByRole('dialog').waitFor({ state: 'hidden' });
	assert.equal(await page.evaluate(() => globalThis.isSecureContext), false);
	return page;
}

const listeners = async () => (await client().get('/service')).json.event_listeners;

test('tabs share one stream of events there too, and let it go', async (t) => {
	await client().startBoard('watched', 'hello');
	const page = await openPageOfLab(t, '/instances');
	const stateOf = (/** @type {Page} */ tab, /** @type {string} */ state) => tab.locator('tr[data-id="watched"] .state').filter({ hasText: state }).waitFor();
	await stateOf(page, 'running');
	const other = await page.context().newPage();
	await other.goto(page.url());
	await stateOf(other, 'running');
	await until(async () => (await listeners()) === 1, 'one stream');
	await client().post('/instances/watched/pause');
	await Promise.all([page, other].map((tab) => stateOf(tab, 'paused')));
	await page.close();
	await client().post('/instances/watched/resume');
	await stateOf(other, 'running');
	await other.close();
	await until(async () => (await listeners()) === 0, 'the stream to be let go with its last tab');
});

test('a console echoes, what is copied is copied, and how gdb gets there is told', async (t) => {
	await client().startBoard('typed', 'echo');
	const page = await openPageOfLab(t, '/instances/typed');
	await page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
	await page.locator('.xterm-helper-textarea').focus();
	await page.keyboard.type('from afar');
	await page.locator('.xterm-rows').filter({ hasText: 'from afar' }).waitFor();
	await page.getByRole('button', { name: 'Copy', exact: true }).click();
	await page.getByText(/^Copied \d+ characters/).waitFor();
	await page.getByRole('tab', { name: 'Debug' }).click();
	const { port } = (await client().get('/instances/typed')).json.channels.gdb;
	await page.getByText(`ssh -N -L ${port}:127.0.0.1:${port} emud.lab.test`).waitFor();
});

test('a firmware is uploaded and started', async (t) => {
	const page = await openPageOfLab(t, '/new');
	await page.getByLabel('Target').selectOption('board');
	await page.locator('input[type=file]').setInputFiles(firmware('hello'));
	await page.getByLabel('Name', { exact: true }).fill('uploaded');
	await page.getByRole('button', { name: 'Create', exact: false }).click();
	await page.waitForURL('**/#/instances/uploaded**');
	await page.locator('.xterm-rows').filter({ hasText: 'Hello' }).waitFor();
});
