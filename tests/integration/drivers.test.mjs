// Emulators with a driver: the mock (tests/drivers/mock) does what an emulator should.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { EMUD, Emud, shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { MOCK_DRIVER, mockEmulator, mockTarget } from '../lib/mock.mjs';
import { assertNumbered } from '../lib/numbered.mjs';
import { isAlive } from '../lib/processes.mjs';
import { findShim, untilGone, untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';
import { ByteStream } from '../lib/streams.mjs';

const CHANNELS = {
	files: { via: 'files' }, stdio: { via: 'stdio' }, unix: { via: 'unix' }, tcp: { via: 'tcp' }, pty: { via: 'pty', type: 'pty' },
	gdb: { kind: 'gdb', via: 'unix' }, control: { kind: 'control', via: 'tcp' },
};

const TARGETS = {
	mock: mockTarget(),
	all: mockTarget({ channels: CHANNELS }),
	helped: mockTarget({}, { 'pre-start-cmds': { helper: ['sh', '-c', 'echo port $0; exec sleep 600', '$pw_emu_channel_port{uart}'] } }),
	printing: mockTarget({ print: 3_000_000 }),
	'printing-unix': mockTarget({ print: 3_000_000, channels: { uart: { via: 'unix' } } }),
	ending: mockTarget({ exit: 7 }),
	logging: mockTarget({ log: true }),
	telling: mockTarget({ at: { 'property-get': { event: { event: 'ended', data: { reason: 'guest_shutdown' } } } } }),
	deaf: mockTarget({ deaf: 1 }),
	both: { ...mockTarget(), qemu: { executable: 'qemu-system-arm', machine: 'lm3s6965evb' } },
};

const shared = shareEmud({ pwEmu: { ...mockEmulator(), mock: { delay: 0 } }, targets: TARGETS });

/** @param {string} id @param {object} spec */
async function start(id, spec = {}) {
	return (await shared.client.put(`/instances/${id}`, { json: { target: 'mock', ...spec }, expect: 201 })).json;
}

/** @param {{host?: string, port?: number}} endpoint */
async function connect(endpoint) {
	const stream = new ByteStream();
	const socket = net.connect(/** @type {any} */ (endpoint));
	socket.on('data', (bytes) => stream.push(bytes));
	socket.on('error', () => {});
	socket.on('close', () => stream.finish('closed'));
	await within(new Promise((resolve) => socket.once('connect', resolve)), 'a connection');
	return { socket, stream };
}

test('targets and version tell of them', async () => {
	const { json } = await shared.client.get('/targets/all');
	assert.deepEqual([json.emulator, json.machine, json.executable, json.available], ['mock', null, MOCK_DRIVER, true]);
	assert.deepEqual(json.channels.pty, { kind: 'console', type: 'pty' });
	assert.deepEqual(json.channels.gdb, { kind: 'gdb', type: 'tcp' });
	const version = await shared.client.get('/version');
	assert.deepEqual(version.json.emulators.mock, { available: true, version: null });
	assert.equal(version.json.emulators.external, undefined);
});

test('a board of theirs runs, with the command and processes its driver planned', async () => {
	const instance = await start('runs', { args: ['a', 'b'] });
	assert.deepEqual([instance.state, instance.emulator], ['running', 'mock']);
	assert.deepEqual(Object.keys(instance.processes).sort(), ['mock', 'mock-driver']);
	assert.deepEqual(instance.command.slice(1), [instance.path, 'delay=0', 'uart=stdio']);
	const handles = new StateDir(instance).json('handles.json');
	assert.deepEqual([handles.emu, handles.procs.mock], ['mock', instance.processes.mock]);
	assert.equal(new StateDir(instance).json('config.json').pw.pw_emu.emulators.mock.driver[0], MOCK_DRIVER);
	const { json } = await shared.client.get('/instances/runs/logs');
	assert.deepEqual(json.logs.map((/** @type {any} */ log) => log.process).sort(), ['mock', 'mock-driver', 'shim']);
	assert.match((await shared.client.get('/instances/runs/logs/mock')).text, /here I am/);
});

test('a console is kept from the first byte and echoes, however the emulator offers it', async () => {
	const instance = await start('every', { target: 'all' });
	for (const name of Object.keys(CHANNELS).filter((channel) => channel !== 'gdb' && channel !== 'control')) {
		const text = `${name} ready\r\n`;
		await shared.client.waitForOutput('every', text, name);
		await shared.client.post(`/instances/every/channels/${name}/input`, { body: 'echo me\n' });
		await shared.client.waitForOutput('every', 'echo me\n', name);
		const output = await shared.client.get(`/instances/every/channels/${name}/output`);
		assert.equal(output.text, `${text}echo me\n`, name);
	}
	assert.equal(instance.channels.pty.type, 'pty');
});

test('gdb and control channels are tunnels to what the emulator listens on', async () => {
	const instance = await start('tunnels', { target: 'all' });
	for (const name of ['gdb', 'control']) {
		const { socket, stream } = await connect(instance.channels[name]);
		socket.write('ping');
		await stream.until('ping');
		socket.destroy();
	}
});

test('what floods through files and sockets is kept whole', async () => {
	for (const target of ['printing', 'printing-unix']) {
		await start(target, { target });
		await shared.client.waitForOffset(target, 3_000_000, 'uart');
		const { body } = await shared.client.get(`/instances/${target}/channels/uart/output`);
		assert.ok(body.toString('latin1', 0, 12) === 'uart ready\r\n');
		assertNumbered(body.subarray(12));
	}
});

test('pause, resume and reset do what the driver makes of them', async () => {
	await start('acts');
	await shared.client.waitForOutput('acts', 'uart ready\r\n', 'uart');
	const paused = await shared.client.post('/instances/acts/pause');
	assert.deepEqual([paused.json.state, paused.json.paused_by], ['paused', 'user']);
	await shared.client.post('/instances/acts/channels/uart/input', { body: 'later' });
	const resumed = await shared.client.post('/instances/acts/resume');
	assert.equal(resumed.json.state, 'running');
	await shared.client.waitForOutput('acts', 'later', 'uart');
	await shared.client.post('/instances/acts/reset');
	const { text } = await shared.client.get('/instances/acts/channels/uart/output');
	assert.equal(text, 'uart ready\r\nlateruart ready\r\n');
});

test('a start that is asked to stand still does', async () => {
	const instance = await start('still', { paused: true });
	assert.equal(instance.state, 'paused');
	assert.equal((await shared.client.get('/instances/still/channels/uart/output')).text, '');
	await shared.client.post('/instances/still/resume');
	await shared.client.waitForOutput('still', 'uart ready\r\n', 'uart');
});

test('properties are listed, read and written, and their errors are the driver\'s words', async () => {
	await start('props');
	const base = '/instances/props/property?path=/board&name=';
	const { json } = await shared.client.get('/instances/props/properties?path=/board');
	assert.deepEqual(json.properties, [{ name: 'speed', type: 'int' }, { name: 'resets', type: 'int' }]);
	await shared.client.put(`${base}speed`, { json: { value: 9 } });
	assert.equal((await shared.client.get(`${base}speed`)).json.value, 9);
	await shared.client.refused(404, 'property_not_found', 'GET', `${base}colour`);
	const refused = await shared.client.refused(422, 'invalid_value', 'PUT', `${base}resets`, { json: { value: 1 } });
	assert.equal(refused.detail, 'the driver of mock: speed can be set to an integer, nothing else');
});

test('helpers are told the channels', async () => {
	const instance = await start('helped', { target: 'helped' });
	const log = await shared.client.get('/instances/helped/logs/helper');
	assert.equal(log.text, `port ${instance.channels.uart.port}\n`);
});

test('a board that ends by itself has ended, with its exit code', async () => {
	await shared.client.put('/instances/ending', { json: { target: 'ending' } , expect: 201 });
	const { state, exit } = await shared.client.waitFor('ending', 'ended');
	assert.deepEqual([state, exit.code, exit.reason], ['exited', 7, 'guest_exit']);
	const again = await shared.client.post('/instances/ending/start');
	assert.equal(again.json.start_number, 2);
	await shared.client.waitFor('ending', 'ended');
});

test('stop and restart', async () => {
	const instance = await start('stops');
	const stopped = await shared.client.post('/instances/stops/stop');
	assert.deepEqual([stopped.json.state, stopped.json.exit.reason], ['exited', 'stopped']);
	assert.deepEqual(new StateDir(instance).remains(), []);
	for (const [action, number] of [['start', 2], ['restart', 3]]) {
		const { json } = await shared.client.post(`/instances/stops/${action}`);
		assert.deepEqual([json.state, json.start_number], ['running', number]);
		await shared.client.waitForOutput('stops', 'uart ready\r\n', 'uart');
	}
});

test('an emulator that leaves SIGTERM alone is asked to end by its driver', async () => {
	await start('deaf', { target: 'deaf' });
	const { json } = await shared.client.post('/instances/deaf/stop');
	assert.deepEqual([json.state, json.exit.reason, json.exit.code], ['exited', 'stopped', 0]);
});

test('an emulator that is ended from outside was terminated, unless its driver says otherwise', async () => {
	const instance = await start('outside');
	process.kill(instance.processes.mock.pid, 'SIGTERM');
	const { state, exit } = await shared.client.waitFor('outside', 'ended');
	assert.deepEqual([state, exit.reason, exit.signal], ['exited', 'terminated', 'SIGTERM']);
	const telling = await start('telling', { target: 'telling' });
	await shared.client.get('/instances/telling/property?path=/board&name=speed');
	process.kill(telling.processes.mock.pid, 'SIGKILL');
	assert.equal((await shared.client.waitFor('telling', 'ended')).exit.reason, 'guest_shutdown');
});

test('a target with two emulators runs on the one that is named', async () => {
	assert.equal((await start('first', { target: 'both' })).emulator, 'mock');
	assert.equal((await start('second', { target: 'both', emulator: 'qemu', file: firmware('hello') })).emulator, 'qemu');
	const refused = await shared.client.refused(422, 'unknown_emulator', 'PUT', '/instances/third', { json: { target: 'both', emulator: 'mcok' } });
	assert.match(JSON.stringify(refused), /did you mean .*mock/);
});

for (const [victim, state, reason] of [['mock', 'failed', 'crashed'], ['shim', 'failed', 'supervisor_lost']]) {
	test(`kill -9 of the ${victim} leaves nothing`, async () => {
		const id = `killed-${victim}`;
		const instance = await start(id, { target: 'all' });
		process.kill(victim === 'shim' ? findShim(instance) : instance.processes[victim].pid, 'SIGKILL');
		const ended = await shared.client.waitFor(id, 'ended');
		assert.deepEqual([ended.state, ended.exit.reason], [state, reason]);
		for (const { pid } of Object.values(/** @type {Record<string, {pid: number}>} */ (instance.processes))) await untilGone(pid, 'a process');
		if (victim !== 'shim') assert.deepEqual(new StateDir(instance).remains(), []);
		await shared.client.delete(`/instances/${id}`);
	});
}

test('kill -9 of the driver: the board runs on, what needs the driver says why not', async () => {
	const instance = await start('orphan', { target: 'all' });
	await shared.client.waitForOutput('orphan', 'unix ready\r\n', 'unix');
	process.kill(instance.processes['mock-driver'].pid, 'SIGKILL');
	await until(async () => !(await shared.client.get('/instances/orphan')).json.processes['mock-driver'], 'the driver to be missed');
	const refused = await shared.client.refused(502, 'emulator_error', 'POST', '/instances/orphan/reset');
	assert.equal(refused.detail, 'the driver of mock has ended (SIGKILL)');
	await shared.client.post('/instances/orphan/channels/unix/input', { body: 'alive' });
	await shared.client.waitForOutput('orphan', 'alive', 'unix');
	const { json } = await shared.client.get('/instances/orphan');
	assert.equal(json.state, 'running');
	assert.ok(isAlive(json.processes.mock.pid));
	const again = await shared.client.post('/instances/orphan/restart');
	assert.deepEqual([again.json.state, Object.keys(again.json.processes).length], ['running', 2]);
	await shared.client.post('/instances/orphan/reset');
});

test('an emud that was killed finds board and driver again', async (t) => {
	const emud = await startEmud(t, { pwEmu: mockEmulator(), targets: TARGETS });
	const client = emud.client();
	t.after(() => client.close());
	const { json: before } = await client.put('/instances/kept', { json: { target: 'all' }, expect: 201 });
	await client.waitForOutput('kept', 'unix ready\r\n', 'unix');
	await emud.end('SIGKILL');
	await emud.start();
	const { json } = await client.get('/instances/kept');
	assert.deepEqual([json.state, json.processes], ['running', before.processes]);
	await client.post('/instances/kept/reset');
	await client.waitForOutput('kept', 'unix ready\r\nunix ready\r\n', 'unix');
	await client.delete('/instances/kept');
	await untilShimGone(before);
});

test('a driver that cannot be run makes its targets unavailable, before anything is started', async (t) => {
	const emud = await startEmud(t, {
		pwEmu: { emulators: { mock: { driver: ['/nowhere/driver'] } } }, targets: { mock: mockTarget() },
	});
	const client = emud.client();
	t.after(() => client.close());
	const { json } = await client.get('/targets/mock');
	assert.deepEqual([json.available, json.unavailable_reason], [false, 'its driver \'/nowhere/driver\' is not there or cannot be executed']);
	await client.refused(503, 'emulator_unavailable', 'PUT', '/instances/x', { json: { target: 'mock' } });
	assert.deepEqual((await client.get('/version')).json.emulators.mock, { available: false, version: null });
});

test('no driver runs for --check-config, a reload, /targets or /version', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	t.after(() => client.close());
	const config = JSON.parse(readFileSync(emud.configFile, 'utf8'));
	const trace = path.join(emud.directory, 'trace');
	config.pw.pw_emu.emulators = { mock: { driver: ['sh', '-c', `touch ${trace}; exec ${MOCK_DRIVER}`] } };
	config.pw.pw_emu.targets.mock = mockTarget();
	writeFileSync(emud.configFile, JSON.stringify(config));
	const check = spawnSync(EMUD, ['--config', emud.configFile, '--check-config'], { encoding: 'utf8' });
	assert.equal(check.status, 0, check.stderr);
	await client.post('/config/reload');
	assert.equal((await client.get('/targets/mock')).json.available, true);
	assert.equal((await client.get('/version')).json.emulators.mock.available, true);
	assert.ok(!existsSync(trace));
});

test('a firmware reaches driver and emulator as a path that both can open', async () => {
	const instance = await start('fw', { target: 'logging', file: firmware('hello'), args: ['x'] });
	const plan = JSON.parse(new StateDir(instance).read('mock-driver.log'));
	assert.match(plan.firmware, /^\/proc\/self\/fd\/\d+$/);
	assert.deepEqual(
		[plan.emulator, plan.target, plan.state_dir, plan.args, plan.paused, plan.debug, plan.firmware_bytes],
		['mock', 'logging', instance.path, ['x'], false, false, readFileSync(firmware('hello')).length]);
	assert.match((await shared.client.get('/instances/fw/logs/mock')).text, new RegExp(`firmware of ${plan.firmware_bytes} bytes`));
});

test('the driver that docs/driver-protocol.md shows makes a board of cat', async (t) => {
	const page = readFileSync(new URL('../../docs/driver-protocol.md', import.meta.url), 'utf8');
	const [, script] = /```python\n([^]*?)```/.exec(page) ?? assert.fail('there is none');
	const emud = new Emud({ pwEmu: { emulators: { cat: { driver: ['/usr/bin/python3', 'cat.py'] } } }, targets: { echo: { cat: {} } } });
	t.after(() => emud.finish());
	// Relative to the configuration's folder.
	writeFileSync(path.join(emud.directory, 'cat.py'), script);
	await emud.start();
	const client = emud.client();
	t.after(() => client.close());
	const { json } = await client.put('/instances/echo', { json: { target: 'echo' }, expect: 201 });
	assert.deepEqual([json.state, json.command], ['running', ['cat']]);
	await client.post('/instances/echo/channels/uart0/input', { body: 'miaow' });
	await client.waitForOutput('echo', 'miaow', 'uart0');
	await client.refused(501, 'not_implemented', 'POST', '/instances/echo/reset');
});
