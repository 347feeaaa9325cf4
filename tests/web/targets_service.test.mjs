// The pages of targets and of the service in a real browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startEmud, shareEmud } from '../lib/emud.mjs';
import { shareBrowser } from '../lib/page.mjs';

const { openPage } = shareBrowser();
const shared = shareEmud();

test('targets tell what they are, where from, and why one cannot be had', async (t) => {
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/targets` });
	const row = (/** @type {string} */ id) => page.locator(`tr[data-id="${id}"]`);
	await row('board').waitFor();
	const { targets } = (await shared.client.get('/targets')).json;
	assert.deepEqual(await page.locator('tbody tr').evaluateAll((rows) => rows.map((each) => each.getAttribute('data-id'))), targets.map((/** @type {{name: string}} */ { name }) => name));
	assert.match(await row('board').textContent() ?? '', /lm3s6965evb.*yes.*serial0 \(console\).*config\.json/);
	assert.match(await row('not-installed').textContent() ?? '', /no: .*qemu-system-nowhere/);
	assert.equal(await row('not-installed').getByRole('link').count(), 0);
	await page.getByLabel('Filter', { exact: true }).fill('unavailable');
	assert.deepEqual(await page.locator('tbody tr th').allTextContents(), ['not-installed']);
	await page.getByLabel('Filter', { exact: true }).fill('');
	await page.setViewportSize({ width: 390, height: 844 });
	const why = await row('not-installed').getByText(/^no: /).boundingBox();
	assert.ok(why && why.x >= 0 && why.x + why.width <= 390, `on a phone: ${JSON.stringify(why)}`);
	await page.getByRole('link', { name: 'New instance of board', exact: true }).click();
	await page.waitForURL('**/#/new?target=board');
	await page.locator('option[value="board"]').waitFor({ state: 'attached' });
	assert.equal(await page.getByLabel('Target').inputValue(), 'board');
});

test('the service tells its version, emulators, limits and problems', async (t) => {
	await shared.client.put('/instances/counted', { json: { target: 'board', start: false }, expect: 201 });
	const page = await openPage(t, { url: `${shared.emud.baseUrl}/#/service` });
	const { version, limits, problems } = (await shared.client.get('/service')).json;
	const { emulators } = (await shared.client.get('/version')).json;
	await page.getByText(`emud ${version}`).waitFor();
	await page.getByText('1 created').waitFor();
	assert.match(await page.getByRole('region', { name: 'Emulators' }).textContent() ?? '', new RegExp(`qemu${emulators.qemu.version}`.replaceAll('.', '\\.')));
	const told = page.getByRole('region', { name: 'Limits' });
	assert.equal(new Set(await told.locator('dt').allTextContents()).size, Object.keys(limits).length, 'each has a name of its own');
	assert.match(await told.textContent() ?? '', /Disk kept free\d.*Kept runs1,000Kept runs age30 daysOutput of kept runs4\.0 GiB/);
	for (const { detail } of problems) await page.getByText(detail).waitFor();
	await shared.client.delete('/instances/counted');
	await page.getByText('1 created').waitFor({ state: 'detached' });
});

test('the configuration is read again, and a bad one is refused with its lines', async (t) => {
	const emud = await startEmud(t);
	const page = await openPage(t, { url: `${emud.baseUrl}/#/service`, expected: /422/ });
	const reload = page.getByRole('button', { name: 'Reload configuration' });
	await page.getByText(emud.configFile).waitFor();
	emud.writeConfig({ configText: '{\n\t"pw": {"pw_emu": {"targets": {"odd": {"qemu": {"machine": 5}}}}}\n}' });
	await reload.click();
	await page.getByText('the one before stays in force').waitFor();
	await page.getByText(/config\.json:2: /).first().waitFor();
	emud.writeConfig({ targets: { 'board-new': { qemu: { executable: 'qemu-system-arm', machine: 'lm3s6965evb' } } } });
	await reload.click();
	await page.getByText('The new configuration is in force').waitFor();
	await page.getByText('the one before stays in force').waitFor({ state: 'detached' });
	await page.getByRole('link', { name: 'Targets' }).click();
	await page.locator('tr[data-id="board-new"]').waitFor();
});
