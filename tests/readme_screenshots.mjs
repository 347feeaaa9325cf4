// Makes docs/screenshots/*.png, which the README shows. usage: EMUD_BUILD=BUILD_DIR node tests/readme_screenshots.mjs

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { Emud } from './lib/emud.mjs';
import { firmware } from './lib/firmware.mjs';

const OUT = fileURLToPath(new URL('../docs/screenshots', import.meta.url));
const emud = await new Emud({}).start();
const client = emud.client();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] });
try {
	for (const [id, name, rack] of [['door-lock', 'demo', 'north'], ['gateway', 'counter', 'north'], ['heater', 'passed', 'south'], ['meter-1', 'hello', 'south'], ['meter-2', 'counter', 'south'], ['probe', 'echo', 'north']])
		await client.startBoard(id, name, { labels: { rack } });
	await client.post('/instances/meter-1/pause');
	await client.post('/instances/heater/stop');
	for (const [name, pass] of [['passed', 'PASSED'], ['hello', 'Hello'], ['passed', 'nothing like it']])
		await client.request('POST', '/runs', { json: { target: 'board', file: firmware(name), pass: [pass], timeout: 2 } });
	const page = await browser.newPage({ viewport: { width: 1200, height: 620 }, colorScheme: 'light' });
	for (const [name, hash, sign] of [['instances', '#/instances', 'tr[data-id="gateway"] td.number:nth-of-type(6):not(:empty)'], ['console', '#/instances/gateway', '.xterm-rows span'], ['runs', '#/runs', 'main tbody tr']]) {
		await page.goto(`${emud.baseUrl}/${hash}`);
		await page.locator(sign).first().waitFor({ state: 'attached' });
		// The next two measurements of CPU and memory come with the stream.
		await page.waitForTimeout(4500);
		await page.screenshot({ path: path.join(OUT, `${name}.png`) });
	}
} finally {
	await browser.close();
	await emud.finish();
}
