// What a stranger with bad intentions sends, and what must not come of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { exchangeRaw } from '../lib/raw.mjs';

const shared = shareEmud();

test('a second Origin or Authorization behind an innocent one is refused', async () => {
	const target = '/v1/version';
	for (const lines of [
		[`Origin: http://127.0.0.1:${shared.emud.port}`, 'Origin: http://evil.example'],
		['Authorization: Bearer a', 'Authorization: Bearer b'],
	]) {
		const bytes = [`GET ${target} HTTP/1.1`, `Host: 127.0.0.1:${shared.emud.port}`, ...lines, '', ''].join('\r\n');
		const { status } = await exchangeRaw(shared.emud, bytes, { target });
		assert.equal(status, 400, lines.join());
	}
});

test('a command line beyond all measure is refused, and one of great length holds up nobody', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	t.after(() => client.close());
	const spec = (/** @type {number} */ count) => ({ target: 'board', file: firmware('hello'), args: Array(count).fill('-x') });
	await client.refused(400, 'invalid_request', 'POST', '/instances', { json: spec(100_000) });
	await client.refused(502, 'start_failed', 'POST', '/instances', { json: { ...spec(1000), id: 'long' } });
	await client.delete('/instances/long');
});
