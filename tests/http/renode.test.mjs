// The whole API on a board in Renode.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { until, within } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { isAlive } from '../lib/processes.mjs';
import { openChannel } from '../lib/qmp.mjs';
import { RENODE_TARGETS, callRobot, encodeRobotCall, renodeEnvironment, renodeFirmware, startRenode, testRenode } from '../lib/renode.mjs';

const shared = shareEmud({ targets: RENODE_TARGETS, env: renodeEnvironment });

const act = (/** @type {string} */ id, /** @type {string} */ action, options = {}) =>
	shared.client.post(`/instances/${id}/${action}`, options).then(({ json }) => json);
const output = (/** @type {string} */ id) => `/instances/${id}/channels/serial0/output`;
const property = (/** @type {string} */ id, /** @type {string} */ name, at = 'sysbus.usart1') => `/instances/${id}/property?path=${at}&name=${name}`;

testRenode('a board starts, says its first word, and stops without a trace', async () => {
	const instance = await startRenode(shared.client, 'life', 'hello');
	assert.equal(instance.state, 'running');
	assert.equal(instance.emulator, 'renode');
	assert.deepEqual(Object.keys(instance.channels).sort(), ['gdb', 'robot', 'serial0']);
	assert.equal(instance.command[0], 'renode');
	assert.equal((await shared.client.waitForOutput('life', 'Hello\r\n')).toString(), 'Hello\r\n');
	assert.ok(existsSync(path.join(instance.path, 'renode.tmp')));
	const { exit, processes } = await act('life', 'stop');
	assert.equal(exit.reason, 'stopped');
	assert.deepEqual(processes, {});
	assert.equal(isAlive(instance.processes.renode.pid), false);
	assert.equal(existsSync(path.join(instance.path, 'renode.tmp')), false);
	await shared.client.delete('/instances/life');
	assert.equal(existsSync(instance.path), false);
});

testRenode('input reaches the guest and its echo comes back, over HTTP, tcp and pty', async () => {
	const tcp = await startRenode(shared.client, 'echo', 'echo');
	assert.deepEqual((await shared.client.post('/instances/echo/channels/serial0/input', { body: 'one ' })).json, { written: 4 });
	await shared.client.waitForOutput('echo', 'one ');
	const first = await openChannel(tcp.channels.serial0);
	const second = await openChannel(tcp.channels.serial0);
	await first.until('one ');
	first.send('two ');
	await second.until('two ');
	first.close();
	second.close();
	const pty = await startRenode(shared.client, 'echo-pty', 'echo', { target: 'f4-pty' });
	assert.equal(pty.channels.serial0.type, 'pty');
	const console = await openChannel(pty.channels.serial0);
	console.send('three');
	await console.until('three');
	console.close();
});

testRenode('pause holds the guest still, resume lets it go on, and repeating either is no error', async () => {
	await startRenode(shared.client, 'paused', 'counter');
	await shared.client.waitForOffset('paused', 10);
	for (const [action, state] of [['pause', 'paused'], ['pause', 'paused'], ['resume', 'running'], ['resume', 'running'], ['pause', 'paused']])
		assert.equal((await act('paused', action)).state, state);
	const held = await shared.client.nextOffset('paused');
	assert.equal((await shared.client.get('/instances/paused')).json.paused_by, 'user');
	assert.equal(await shared.client.nextOffset('paused'), held);
	await act('paused', 'resume');
	await shared.client.waitForOffset('paused', held + 10);
});

testRenode('a board that starts paused says nothing until it is resumed', async () => {
	const { state } = await startRenode(shared.client, 'begins-paused', 'hello', { paused: true });
	assert.equal(state, 'paused');
	assert.equal(await shared.client.nextOffset('begins-paused'), 0);
	await act('begins-paused', 'resume');
	await shared.client.waitForOutput('begins-paused', 'Hello\r\n');
});

testRenode('reset begins anew, with consoles, offsets, ports and clients as they were', async () => {
	const before = await startRenode(shared.client, 'reset', 'counter');
	const client = await openChannel(before.channels.serial0);
	await client.until('\n9\r\n');
	const after = await act('reset', 'reset');
	assert.equal(after.state, 'running');
	assert.deepEqual(after.channels, before.channels);
	assert.equal(after.start_number, 1);
	await until(() => client.bytes.toString().split('\n0\r\n').length > 1, 'the count to begin anew');
	await client.until('\n0\r\n1\r\n');
	const { text, headers } = await shared.client.get(output('reset'));
	assert.equal(headers['emud-first-offset'], '0');
	assert.ok(text.startsWith('0\r\n1\r\n'));
	client.close();
});

testRenode('a board that stands still when it is reset goes on standing still', async () => {
	await startRenode(shared.client, 'reset-paused', 'counter');
	await shared.client.waitForOffset('reset-paused', 10);
	await act('reset-paused', 'pause');
	const held = await shared.client.nextOffset('reset-paused');
	assert.equal((await act('reset-paused', 'reset')).state, 'paused');
	assert.equal(await shared.client.nextOffset('reset-paused'), held);
	await act('reset-paused', 'resume');
	await shared.client.waitForOutput('reset-paused', '\n0\r\n');
});

testRenode('restart takes another file', async () => {
	await startRenode(shared.client, 'restart', 'hello');
	const again = await act('restart', 'restart', { json: { file: renodeFirmware('counter') } });
	assert.equal(again.start_number, 2);
	await shared.client.waitForOutput('restart', '0\r\n1\r\n');
});

testRenode('another image is loaded into the running board, and a reset starts that', async () => {
	await startRenode(shared.client, 'loaded', 'hello');
	await shared.client.waitForOutput('loaded', 'Hello\r\n');
	assert.equal((await act('loaded', 'load', { json: { file: renodeFirmware('counter') } })).state, 'running');
	await shared.client.waitForOutput('loaded', 'Hello\r\n0\r\n1\r\n');
	await act('loaded', 'reset');
	await shared.client.waitForOutput('loaded', '\n0\r\n1\r\n');
	assert.equal((await act('loaded', 'load', { json: { file: renodeFirmware('hello'), paused: true } })).state, 'paused');
	await act('loaded', 'resume');
	await until(async () => (await shared.client.get(output('loaded'))).text.endsWith('Hello\r\n'), 'the image to greet');
});

testRenode('properties are listed with name, type and use, and methods apart', async () => {
	await startRenode(shared.client, 'properties', 'hello');
	const { properties, methods } = (await shared.client.get('/instances/properties/properties?path=sysbus.usart1')).json;
	const found = properties.find((/** @type {{name: string}} */ { name }) => name === 'BaudRate');
	assert.deepEqual(found, { name: 'BaudRate', type: 'UInt32', readable: true, writable: false });
	assert.ok(methods.some((/** @type {{name: string}} */ { name }) => name === 'Reset'));
});

testRenode('a property is read as JSON with the raw text beside it, set, and read again', async () => {
	await startRenode(shared.client, 'values', 'hello');
	assert.deepEqual((await shared.client.get(property('values', 'BaudRate'))).json,
		{ path: 'sysbus.usart1', name: 'BaudRate', value: 0xe0d1, raw: '0x0000E0D1' });
	const mips = property('values', 'PerformanceInMips', 'sysbus.cpu');
	await shared.client.put(mips, { json: { value: 17 } });
	assert.equal((await shared.client.get(mips)).json.value, 17);
	const halted = property('values', 'IsHalted', 'sysbus.cpu');
	assert.equal((await shared.client.get(halted)).json.value, false);
	await shared.client.put(halted, { json: { value: true } });
	assert.deepEqual([(await shared.client.get(halted)).json.value, (await shared.client.get(halted)).json.raw], [true, 'True']);
});

testRenode('a property that is not there, cannot be set or does not take the value is an error', async () => {
	await startRenode(shared.client, 'refusals', 'hello');
	const refused = (/** @type {number} */ status, /** @type {string} */ code, /** @type {string} */ at, /** @type {unknown} */ value) =>
		shared.client.refused(status, code, value === undefined ? 'GET' : 'PUT', at, value === undefined ? {} : { json: { value } });
	const missing = await refused(404, 'property_not_found', property('refusals', 'NoSuchProp'), undefined);
	assert.match(missing.detail, /sysbus\.usart1 does not provide a field, method or property NoSuchProp/);
	await refused(404, 'property_not_found', property('refusals', 'Reset'), undefined);
	await refused(404, 'property_not_found', property('refusals', 'BaudRate', 'sysbus.nosuch'), undefined);
	await refused(404, 'property_not_found', property('refusals', 'x', 'quit'), undefined);
	await refused(404, 'property_not_found', '/instances/refusals/properties?path=sysbus%3B%20quit', undefined);
	await refused(422, 'invalid_value', property('refusals', 'BaudRate'), 9600);
	const { detail } = await refused(422, 'invalid_value', property('refusals', 'PerformanceInMips'), 'abc');
	assert.match(detail, /Cannot convert type 'string' to 'uint'/);
	await refused(422, 'invalid_value', property('refusals', 'PerformanceInMips'), [1]);
	assert.equal((await shared.client.get('/instances/refusals')).json.state, 'running');
});

testRenode('gdb commands run against the board, which then runs on', async () => {
	await startRenode(shared.client, 'gdb', 'counter');
	const { exit_code: code, stdout } = await act('gdb', 'gdb', { json: { commands: ['info registers pc'] } });
	assert.equal(code, 0);
	assert.match(stdout, /pc\s+0x/);
	const offset = await shared.client.nextOffset('gdb');
	await shared.client.waitForOffset('gdb', offset + 10);
});

testRenode("the logs tell what Renode said, and usage and wait answer as on any board", async () => {
	await startRenode(shared.client, 'others', 'hello');
	assert.equal((await shared.client.get('/instances/others/wait?for=running&timeout=5')).json.state, 'running');
	assert.ok((await shared.client.get('/instances/others/usage')).json.rss_bytes > 0);
	const { logs } = (await shared.client.get('/instances/others/logs')).json;
	assert.ok(logs.some((/** @type {{process: string}} */ { process }) => process === 'renode'));
	await shared.client.get('/instances/others/logs/renode');
});

testRenode('a bad platform, an unknown device and a file that is none fail at once in the words of Renode', async () => {
	for (const [target, words] of [['f4-no-platform', /platform\.repl/], ['f4-no-device', /nosuchdevice/]]) {
		const { detail } = await shared.client.refused(502, 'start_failed', 'POST', '/instances', { json: { target, id: target } });
		assert.match(detail, /** @type {RegExp} */ (words));
		const { state, exit, processes, path: directory } = (await shared.client.get(`/instances/${target}`)).json;
		assert.equal(state, 'failed');
		assert.equal(exit.reason, 'start_failed');
		assert.match(exit.detail, /** @type {RegExp} */ (words));
		assert.deepEqual(processes, {});
		assert.equal(existsSync(path.join(/** @type {string} */ (directory), 'renode.tmp')), false);
	}
});

testRenode('what pw emu looks at is there: handles with the robot port, which answers', async () => {
	const { path: directory, channels } = await startRenode(shared.client, 'robot', 'counter');
	const handles = JSON.parse(readFileSync(path.join(directory, 'handles.json'), 'utf8'));
	assert.equal(handles.emu, 'renode');
	assert.equal(handles.channels.robot.port, channels.robot.port);
	const { status, text } = await callRobot(channels.robot, 'ExecuteCommand', ['sysbus.usart1 BaudRate']);
	assert.equal(status, 'PASS');
	assert.match(text, /0x0000E0D1/);
});

testRenode('what others do over the robot port is noticed', async () => {
	const { channels } = await startRenode(shared.client, 'noticed', 'counter', { paused: true });
	await callRobot(channels.robot, 'StartEmulation');
	await shared.client.waitFor('noticed', 'running');
	await callRobot(channels.robot, 'ExecuteCommand', ['pause']);
	await shared.client.waitFor('noticed', 'paused');
});

testRenode('what others did is undone by pause and resume, while they are still connected', async () => {
	const { channels } = await startRenode(shared.client, 'undone', 'counter', { paused: true });
	const other = net.connect(channels.robot.port, '127.0.0.1');
	const body = encodeRobotCall('StartEmulation');
	other.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
	await shared.client.waitForOffset('undone', 10);
	assert.equal((await act('undone', 'pause')).state, 'paused');
	const held = await shared.client.nextOffset('undone');
	assert.equal((await act('undone', 'pause')).state, 'paused');
	assert.equal(await shared.client.nextOffset('undone'), held);
	other.destroy();
});

testRenode('a machine that others tear down is brought back', async () => {
	const { channels } = await startRenode(shared.client, 'torn', 'counter');
	await shared.client.waitForOffset('torn', 10);
	await callRobot(channels.robot, 'ResetEmulation');
	await shared.client.waitForOutput('torn', '\n0\r\n1\r\n');
	assert.equal((await shared.client.get(property('torn', 'BaudRate'))).json.value, 0xe0d1);
	assert.equal((await act('torn', 'gdb', { json: { commands: ['info registers pc'] } })).exit_code, 0);
});

testRenode("a web page cannot reach the robot port", async () => {
	const { channels } = await startRenode(shared.client, 'page', 'hello');
	for (const request of ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'POST / HTTP/1.1\r\nOrigin: null\r\nContent-Length: 1\r\n\r\nx']) {
		const socket = net.connect(channels.robot.port, '127.0.0.1');
		socket.on('error', () => {});
		socket.write(request);
		await within(new Promise((resolve) => socket.on('close', resolve)), 'the page to be refused');
		assert.equal(socket.bytesRead, 0);
	}
	assert.equal((await shared.client.get(property('page', 'BaudRate'))).json.value, 0xe0d1);
});
