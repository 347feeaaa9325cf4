// Listeners of GET /events that do not read.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startEmud } from '../lib/emud.mjs';
import { framesOf, listAll, listen, listenWithoutReading, unchunk } from '../lib/events.mjs';

/** As long as emud waits, and then some. */
const PATIENCE_MS = 30000;

/** More for a configuration, whose warnings make an event of some 150 KB. */
const warnings = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`no_such_key_${i}`, 0]));

test('a listener that reads nothing is sent away, harms nobody, and catches up completely', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_events: 100000 } } });
	const client = emud.client();
	const slow = await listenWithoutReading(emud, '?since=0');
	const quick = await listen(client);
	emud.writeConfig({ ...emud.options, server: { ...emud.options.server, ...warnings } });
	// More than a socket's buffers and the stream's own queue hold.
	for (let i = 0; i < 100; i++) await client.post('/config/reload');
	emud.writeConfig(emud.options);
	for (let i = 0; i < 2000; i++) await client.post('/config/reload');
	const { last_id: last } = (await client.get('/events?limit=1')).json;
	assert.equal(last, 2101);
	await quick.until(`\nid: ${last}\n`);
	// The slow one may have been sent away by now.
	assert.match((await client.get('/metrics')).text, /^emud_http_streams [12]$/m);

	// Nothing tells a client that does not read that it is sent away, but the service itself.
	const gone = /path=\/v1\/events .*ended=(\w+)/;
	const ended = await new Promise((resolve, reject) => {
		const deadline = setTimeout(() => reject(new Error(`still there: ${emud.stderr.slice(-500)}`)), 2 * PATIENCE_MS);
		const look = () => {
			const [, how] = gone.exec(emud.stderr) ?? [];
			if (!how) return;
			clearTimeout(deadline);
			resolve(how);
		};
		emud.process?.stderr?.on('data', look);
		look();
	});
	assert.notEqual(ended, 'completed');

	slow.socket.resume();
	await slow.untilEnd();
	const heard = framesOf({ bytes: unchunk(slow.bytes) });
	assert.ok(heard.length > 10 && heard.length < last, `${heard.length} events came before it was sent away`);
	const again = await listen(client, '?since=0', { 'last-event-id': heard[heard.length - 1].id });
	await again.until(`\nid: ${last}\n`);
	await again.until('}\n\n');
	const ids = [...heard, ...again.frames()].map(({ id }) => Number(id));
	assert.deepEqual(ids, Array.from({ length: last }, (_, i) => i + 1));
	const types = [...heard, ...again.frames()].map(({ event }) => event);
	assert.deepEqual((await listAll(client)).map(({ type }) => type), types);
	assert.equal(quick.ended, null);
	assert.deepEqual(quick.frames().map(({ id }) => Number(id)), ids.slice(1));
	again.close();
	quick.close();
});
