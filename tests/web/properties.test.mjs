// The properties of a board in a real browser, over its starts and over several tabs of the browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';

/** @typedef {import('playwright-core').Page} Page */

const { openPage } = shareBrowser();
const shared = shareEmud();

const addressOf = (/** @type {string} */ id) => `${shared.emud.baseUrl}/#/instances/${id}/properties`;
const treeItem = (/** @type {Page} */ page, /** @type {string} */ name) =>
	page.getByRole('treeitem').filter({ has: page.locator('.name').getByText(name, { exact: true }) });
const button = (/** @type {Page} */ page, /** @type {string} */ name) => page.getByRole('button', { name, exact: true });
const valueOf = (/** @type {Page} */ page) => page.locator('output.value');
const newValue = (/** @type {Page} */ page) => page.getByLabel('New value');

/** @param {Page} page @param {string[]} path */
async function choose(page, ...path) {
	for (const name of path) await treeItem(page, name).click();
	await page.getByRole('heading', { name: path.at(-1), exact: true }).waitFor();
}

/** @param {string} id @param {string[]} args */
const restart = (id, args) => shared.client.post(`/instances/${id}/restart`, { json: { args } });

test('the property that is shown is read again at another start, and what is being typed stays', async (t) => {
	await shared.client.startBoard('restarted', 'hello', { args: ['-append', 'one'] });
	const page = await openPage(t, { url: addressOf('restarted') });
	await choose(page, 'machine', 'append');
	await valueOf(page).filter({ hasText: '"one"' }).waitFor();
	await restart('restarted', ['-append', 'two']);
	await valueOf(page).filter({ hasText: '"two"' }).waitFor();
	assert.equal(await newValue(page).inputValue(), '"two"');
	await newValue(page).fill('"mine');
	await restart('restarted', ['-append', 'three']);
	await valueOf(page).filter({ hasText: '"three"' }).waitFor();
	assert.equal(await newValue(page).inputValue(), '"mine');
});

test('a property that another start has not says so, and offers no value of before', async (t) => {
	await shared.client.startBoard('without', 'hello', { args: ['-object', 'rng-random,id=extra,filename=/dev/urandom'] });
	const page = await openPage(t, { url: addressOf('without'), expected: /404/ });
	await choose(page, 'objects', 'extra', 'filename');
	await valueOf(page).filter({ hasText: '"/dev/urandom"' }).waitFor();
	await restart('without', []);
	await valueOf(page).filter({ hasText: 'not found' }).waitFor();
	assert.equal(await newValue(page).inputValue(), '');
});

test('one that cannot be set has no field for another value', async (t) => {
	await shared.client.startBoard('fixed', 'hello');
	const page = await openPage(t, { url: addressOf('fixed') });
	await page.route('**/fixed/properties?path=%2Fmachine', async (route) => {
		const response = await route.fetch();
		const { properties } = await response.json();
		await route.fulfill({ response, json: { properties: properties.map((/** @type {{name: string}} */ each) => ({ ...each, writable: each.name !== 'usb' })) } });
	});
	await choose(page, 'machine', 'usb');
	await page.getByText('It cannot be set.').waitFor();
	await valueOf(page).filter({ hasText: 'false' }).waitFor();
	assert.deepEqual([await newValue(page).count(), await button(page, 'Set').count()], [0, 0]);
	await choose(page, 'append');
	await newValue(page).waitFor();
	assert.equal(await page.getByText('It cannot be set.').count(), 0);
});

test('a number that is more than a browser\'s own can tell apart is set, read and told to its last digit', async (t) => {
	await shared.client.startBoard('wide', 'hello', { args: ['-object', 'iothread,id=io'] });
	const page = await openPage(t, { url: addressOf('wide'), expected: /400|422/ });
	const set = async (/** @type {string} */ text) => {
		await newValue(page).fill(text);
		assert.ok((await page.getByLabel('The same with curl').textContent())?.includes(`-d '{"value":${text}}'`));
		await button(page, 'Set').click();
	};
	await choose(page, 'objects', 'io', 'poll-grow');
	await valueOf(page).filter({ hasText: /^0$/ }).waitFor();
	await set('9007199254740993');
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	assert.match((await shared.client.get('/instances/wide/property?path=/objects/io&name=poll-grow')).body.toString(), /"value":9007199254740993\b/);
	await button(page, 'Pin').click();
	await page.getByRole('region', { name: 'Pinned properties' }).getByText('9007199254740993 (0x20000000000001)').waitFor();
	await page.reload();
	await choose(page, 'objects', 'io', 'poll-grow');
	await valueOf(page).filter({ hasText: /^9007199254740993 \(0x20000000000001\)$/ }).waitFor();
	assert.equal(await newValue(page).inputValue(), '9007199254740993');
	for (const [text, words] of [['18446744073709551615', 'expected: integer'], ['1.5e30', 'expected: integer'], ['1e400', 'real number overflow']]) {
		await set(text);
		await page.locator('.fault').filter({ hasText: words }).waitFor();
		assert.equal(await newValue(page).inputValue(), text);
	}
	await valueOf(page).filter({ hasText: '9007199254740993' }).waitFor();
});

test('a value that the emulator makes another one of is shown as it is', async (t) => {
	await shared.client.startBoard('narrow', 'hello');
	const page = await openPage(t, { url: addressOf('narrow') });
	await choose(page, 'machine', 'phandle-start');
	await valueOf(page).filter({ hasText: /^0$/ }).waitFor();
	// QEMU keeps 32 bits of it.
	await newValue(page).fill('4294967303');
	await button(page, 'Set').click();
	await page.getByRole('status').filter({ hasText: 'Set.' }).waitFor();
	assert.deepEqual([await valueOf(page).textContent(), await newValue(page).inputValue()], ['7', '7']);
});

test('what one tab of the browser pins and unpins, another one shows, and keeps', async (t) => {
	await shared.client.startBoard('shown-twice', 'hello');
	const page = await openPage(t, { url: addressOf('shown-twice') });
	const other = await page.context().newPage();
	await other.goto(addressOf('shown-twice'));
	const pinned = (/** @type {Page} */ of) => of.getByRole('region', { name: 'Pinned properties' }).locator('tbody tr');
	const namesOf = (/** @type {Page} */ of) => pinned(of).getByRole('rowheader').allTextContents();
	await choose(other, 'machine', 'usb');
	await choose(page, 'machine', 'usb');
	await button(page, 'Pin').click();
	await pinned(other).filter({ hasText: 'usb' }).waitFor();
	await button(other, 'Unpin').waitFor();
	await choose(other, 'append');
	await button(other, 'Pin').click();
	await pinned(page).filter({ hasText: 'append' }).waitFor();
	assert.deepEqual([await namesOf(page), await namesOf(other)], [['usb', 'append'], ['usb', 'append']]);
	await button(page, 'Unpin usb').click();
	await pinned(other).filter({ hasText: 'usb' }).waitFor({ state: 'detached' });
	assert.deepEqual(await namesOf(other), ['append']);
});
