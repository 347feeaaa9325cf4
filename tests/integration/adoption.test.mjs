// An emulator that `pw emu` started is adopted: every call works on it, and so does `pw emu`, in turns.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { adopt, foreignContent, shareYard } from '../lib/adoption.mjs';
import { until } from '../lib/deadline.mjs';
import { firmware } from '../lib/firmware.mjs';
import { assertNumbered } from '../lib/numbered.mjs';
import { connectQmp } from '../lib/qmp.mjs';
import { openStream } from '../lib/streams.mjs';

const { yard, shared } = shareYard();
const typeQuery = 'path=/machine&name=type';

for (const type of /** @type {('tcp' | 'pty')[]} */ (['tcp', 'pty'])) {
	test(`an adopted board is told as it runs (${type})`, async () => {
		const id = `told-${type}`;
		const pw = await yard.start(id, { type, paused: true });
		const original = pw.handles;
		const instance = await adopt(shared.client, id, pw);
		assert.deepEqual([instance.adopted, instance.state, instance.path], [true, 'paused', pw.directory]);
		assert.deepEqual([instance.target, instance.emulator, instance.start_number], ['board', 'qemu', 1]);
		assert.deepEqual([instance.processes, instance.exit, instance.file], [original.procs, null, null]);
		assert.ok(instance.command.includes('lm3s6965evb'));
		for (const name of ['gdb', 'qmp', 'monitor']) {
			const { kind, ...endpoint } = instance.channels[name];
			assert.deepEqual(endpoint, original.channels[name], kind);
		}
		const { kind, ...console } = instance.channels.serial0;
		assert.equal(kind, 'console');
		assert.notDeepEqual(console, original.channels.serial0);
		assert.deepEqual(pw.handles.channels.serial0, console);
		assert.deepEqual({ ...pw.handles, channels: 0 }, { ...original, channels: 0 });
	});

	test(`pause, resume, reset and the console work on an adopted board (${type})`, async () => {
		const id = `driven-${type}`;
		await adopt(shared.client, id, await yard.start(id, { type, paused: true }));
		assert.equal((await shared.client.post(`/instances/${id}/resume`)).json.state, 'running');
		await shared.client.waitForOutput(id, 'Hello\r\n');
		assert.equal((await shared.client.post(`/instances/${id}/pause`)).json.state, 'paused');
		assert.equal((await shared.client.post(`/instances/${id}/pause`)).json.state, 'paused');
		await shared.client.post(`/instances/${id}/resume`);
		await shared.client.post(`/instances/${id}/reset`);
		await shared.client.waitForOutput(id, 'Hello\r\nHello\r\n');
		assert.equal(await shared.client.nextOffset(id), 'Hello\r\nHello\r\n'.length);
	});

	test(`properties, gdb, load, logs and usage work on an adopted board (${type})`, async () => {
		const id = `asked-${type}`;
		await adopt(shared.client, id, await yard.start(id, { type, paused: true }));
		const { client } = shared;
		assert.equal((await client.get(`/instances/${id}/property?${typeQuery}`)).json.value, 'lm3s6965evb-machine');
		assert.ok((await client.get(`/instances/${id}/properties?path=/machine`)).json.properties.length > 5);
		await client.put(`/instances/${id}/property?path=/machine&name=graphics`, { json: { value: false } });
		await client.refused(404, 'property_not_found', 'GET', `/instances/${id}/property?path=/machine&name=none`);
		const gdb = (await client.post(`/instances/${id}/gdb`, { json: { commands: ['printf "pc is %x\\n", $pc'] } })).json;
		assert.match(gdb.stdout, /pc is [0-9a-f]+\n/, JSON.stringify(gdb));
		await client.post(`/instances/${id}/load`, { json: { file: firmware('counter'), paused: false } });
		await client.waitForOutput(id, '3\r\n');
		assert.match((await client.get(`/instances/${id}/logs/qemu`)).text, /stellaris_enet/);
		assert.ok((await client.get(`/instances/${id}/usage`)).json.rss_bytes > 1e6);
	});

	test(`any number of clients share an adopted board's console, pw emu's terminal among them (${type})`, async () => {
		const id = `shared-${type}`;
		const pw = await yard.start(id, { type, file: firmware('echo') });
		await adopt(shared.client, id, pw);
		const terminal = await pw.term('serial0');
		const stream = await openStream(shared.client, `/instances/${id}/channels/serial0/stream`);
		terminal.send('from pw emu\r');
		await stream.until('from pw emu');
		await shared.client.post(`/instances/${id}/channels/serial0/input`, { body: 'from a client\r' });
		await terminal.until('from a client');
		await stream.until('from a client');
		for (const client of [terminal, stream]) client.close();
	});

	test(`gdb, monitor and qmp of an adopted board are tunnels for one client (${type})`, async () => {
		const id = `tunnels-${type}`;
		await adopt(shared.client, id, await yard.start(id, { type }));
		const monitor = await openStream(shared.client, `/instances/${id}/channels/monitor/stream`);
		await monitor.until('(qemu)');
		await shared.client.refused(409, 'channel_busy', 'GET', `/instances/${id}/channels/monitor/stream`, { headers: upgrade });
		monitor.close();
		const qmp = await openStream(shared.client, `/instances/${id}/channels/qmp/stream`);
		await qmp.until('"QMP"');
		// Users of a pty would share its bytes; those of a socket wait for one another.
		const url = `/instances/${id}/property?${typeQuery}`;
		if (type === 'pty') await shared.client.refused(409, 'channel_busy', 'GET', url);
		qmp.close();
		const reply = await until(async () => {
			const now = await shared.client.request('GET', url);
			return now.status !== 409 && now;
		}, 'the tunnel to be closed');
		assert.equal(reply.json.value, 'lm3s6965evb-machine');
	});

	test(`both tools work on one board in turns (${type})`, async () => {
		const id = `turns-${type}`;
		const pw = await yard.start(id, { type, paused: true });
		const { client } = shared;
		await adopt(client, id, pw);
		const value = (/** @type {any} */ reply) => reply.json.value;
		await pw.resume();
		await client.waitForOutput(id, 'Hello\r\n');
		pw.close();
		assert.equal((await client.get(`/instances/${id}`)).json.state, 'running');
		for (let round = 0; round < 2; round++) {
			assert.equal(value(await client.get(`/instances/${id}/property?${typeQuery}`)), await pw.propGet('/machine', 'type'));
			pw.close();
		}
		await pw.reset();
		pw.close();
		await client.waitForOutput(id, 'Hello\r\nHello\r\n');
		await client.post(`/instances/${id}/reset`);
		await client.waitForOutput(id, 'Hello\r\nHello\r\nHello\r\n');
		const { code, output } = await pw.gdbCommands(['printf "sp is %x\\n", $sp']);
		assert.equal(code, 0, output);
		await client.post(`/instances/${id}/pause`);
		assert.equal((await pw.qmp('query-status')).status, 'paused');
		await pw.resume();
		pw.close();
		assert.equal((await client.get(`/instances/${id}`)).json.state, 'running');
	});
}

const upgrade = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };

test('a target that is named must be the one, and an adopted board is the same by either name', async () => {
	const pw = await yard.start('named');
	const instance = await adopt(shared.client, 'named', pw, { target: 'board', labels: { team: 'boot' } });
	assert.equal(instance.labels.team, 'boot');
	for (const target of [{}, { target: 'board' }, { emulator: 'qemu' }])
		await shared.client.put('/instances/named', { json: { path: pw.directory, labels: { team: 'boot' }, ...target } });
	await shared.client.refused(409, 'id_taken', 'PUT', '/instances/named', { json: { path: pw.directory } });
});

test('a POST adopts as well, and makes up the id', async () => {
	const pw = await yard.start('posted');
	const reply = await shared.client.post('/instances', { json: { path: pw.directory }, expect: 201 });
	assert.deepEqual([reply.json.adopted, reply.json.state], [true, 'running']);
	assert.match(reply.headers.location, new RegExp(`/instances/${reply.json.id}$`));
});

test('an adopted board cannot be started or restarted', async () => {
	const pw = await yard.start('only-once');
	await adopt(shared.client, 'only-once', pw);
	await shared.client.refused(409, 'already_running', 'POST', '/instances/only-once/start');
	assert.match((await shared.client.refused(409, 'conflict', 'POST', '/instances/only-once/restart')).detail, /pw emu/);
	await shared.client.post('/instances/only-once/stop');
	assert.match((await shared.client.refused(409, 'conflict', 'POST', '/instances/only-once/start')).detail, /pw emu/);
});

test('while pw emu holds QMP a call says so in time, and goes on when it is free', async () => {
	const pw = await yard.start('held');
	await adopt(shared.client, 'held', pw);
	const qmp = await connectQmp(pw.handles.channels.qmp);
	const url = `/instances/held/property?${typeQuery}`;
	assert.match((await shared.client.refused(504, 'emulator_timeout', 'GET', `${url}&timeout=0.3`)).detail, /pw emu/);
	const waiting = shared.client.get(url);
	qmp.close();
	assert.equal((await waiting).json.value, 'lm3s6965evb-machine');
});

test('pw emu gets its turn while emud asks without a pause', async () => {
	const pw = await yard.start('crowded');
	await adopt(shared.client, 'crowded', pw);
	const asked = Array.from({ length: 40 }, () => shared.client.get(`/instances/crowded/property?${typeQuery}`));
	assert.equal(await pw.propGet('/machine', 'type'), 'lm3s6965evb-machine');
	pw.close();
	for (const { json } of await Promise.all(asked)) assert.equal(json.value, 'lm3s6965evb-machine');
});

test('a terminal that pw emu has open keeps the console until it is closed', async () => {
	const pw = await yard.start('held-console', { file: firmware('echo') });
	const terminal = await pw.term('serial0');
	await adopt(shared.client, 'held-console', pw);
	await shared.client.post('/instances/held-console/channels/serial0/input', { body: 'is it ours?\r' });
	terminal.send('not yet\r');
	await terminal.until('not yet');
	assert.equal(await shared.client.nextOffset('held-console'), 0);
	terminal.close();
	await shared.client.waitForOutput('held-console', 'is it ours?');
});

test('the output of a board that floods is kept whole from the adoption on', async () => {
	const pw = await yard.start('flood', { file: firmware('flood'), paused: true });
	await adopt(shared.client, 'flood', pw);
	await shared.client.post('/instances/flood/resume');
	await shared.client.waitForOffset('flood', 300_000);
	await shared.client.post('/instances/flood/pause');
	assertNumbered((await shared.client.get('/instances/flood/channels/serial0/output')).body, 0);
});

test('a helper of pw emu is told, and nothing of pw emu is touched but the endpoint', async () => {
	const pw = await yard.start('helped', { target: 'helped', helpers: { helper: ['sleep', '600'] } });
	const before = foreignContent(pw);
	const instance = await adopt(shared.client, 'helped', pw);
	assert.deepEqual(instance.processes, pw.handles.procs);
	assert.deepEqual({ ...foreignContent(pw), 'handles.json': 0 }, { ...before, 'handles.json': 0 });
});

