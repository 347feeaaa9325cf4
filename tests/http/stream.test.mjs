import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, createReadStream, openSync, writeSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { ByteStream, openStream, refusedStream } from '../lib/streams.mjs';

const shared = shareEmud();

const stream = (/** @type {string} */ id, channel = 'serial0') => `/instances/${id}/channels/${channel}/stream`;

/** @param {{host: string, port: number}} endpoint */
function connectTcp({ host, port }) {
	const bytes = new ByteStream();
	const socket = net.connect(port, host);
	socket.on('data', (data) => bytes.push(data));
	socket.on('close', () => bytes.finish('close'));
	socket.on('error', () => bytes.finish('error'));
	return Object.assign(bytes, { send: (/** @type {string} */ text) => socket.write(text), close: () => socket.destroy() });
}

test('a WebSocket begins with the kept output and says where it lies', async () => {
	await shared.client.startBoard('ws', 'hello');
	await shared.client.waitForOutput('ws', 'Hello\r\n');
	const socket = await openStream(shared.client, stream('ws'));
	assert.deepEqual(await socket.firstPosition(), { start_number: 1, offset: 0 });
	assert.equal(await socket.until('Hello\r\n'), 'Hello\r\n');
	await socket.close();
});

test('a WebSocket begins at the offset asked for', async () => {
	await shared.client.startBoard('ws-offset', 'hello');
	await shared.client.waitForOutput('ws-offset', 'Hello\r\n');
	for (const [offset, text, position] of [[2, 'llo\r\n', 2], [-3, 'o\r\n', 4]]) {
		const socket = await openStream(shared.client, `${stream('ws-offset')}?offset=${offset}`);
		assert.equal(await socket.until('o\r\n'), text);
		assert.deepEqual(await socket.firstPosition(), { start_number: 1, offset: position });
		await socket.close();
	}
	const refused = await refusedStream(shared.client, `${stream('ws-offset')}?offset=100`);
	assert.equal(refused.code, 'range_not_satisfiable');
});

test('bytes go both ways over a WebSocket', async () => {
	await shared.client.startBoard('ws-echo', 'echo');
	const socket = await openStream(shared.client, stream('ws-echo'));
	socket.send('ping');
	await socket.until('ping');
	socket.send(Buffer.from([0, 255, 128, 10]));
	await socket.untilLength(8);
	assert.deepEqual(socket.bytes.subarray(4), Buffer.from([0, 255, 128, 10]));
	await socket.close();
});

test('what was sent before a WebSocket was closed reaches the guest, all of it', async () => {
	await shared.client.startBoard('hasty', 'echo');
	const socket = await openStream(shared.client, stream('hasty'));
	// In one segment: all of it is there before the first command has been answered.
	const { _socket: wire } = /** @type {any} */ (socket.socket);
	wire.cork();
	for (const text of ['one ', 'two ', 'three.']) socket.send(text);
	const closed = socket.close();
	wire.uncork();
	await closed;
	await shared.client.waitForOutput('hasty', 'one two three.');
});

test('a client that was lost goes on at its offset with no byte lost or twice', async () => {
	await shared.client.startBoard('ws-resume', 'counter');
	const first = await openStream(shared.client, stream('ws-resume'));
	await first.until('\n5\r\n');
	first.socket.terminate();
	const seen = first.bytes;
	const second = await openStream(shared.client, `${stream('ws-resume')}?offset=${seen.length}`);
	await second.until('\n30\r\n');
	await shared.client.post('/instances/ws-resume/stop');
	await second.untilClosed();
	const { body } = await shared.client.get('/instances/ws-resume/channels/serial0/output');
	assert.deepEqual(Buffer.concat([seen, second.bytes]), body);
});

test('the close code says that the instance has ended', async () => {
	await shared.client.startBoard('ws-ended', 'hello');
	const socket = await openStream(shared.client, stream('ws-ended'));
	await socket.until('Hello\r\n');
	await shared.client.post('/instances/ws-ended/stop');
	const closed = await socket.untilClosed();
	assert.equal(closed?.code, 1000);
	assert.notEqual(closed?.reason, '');
});

test('many clients watch and write one console', async () => {
	await shared.client.startBoard('ws-many', 'echo');
	const sockets = await Promise.all(Array.from({ length: 10 }, () => openStream(shared.client, stream('ws-many'))));
	sockets.forEach((socket, index) => socket.send(`<${index}>`));
	const outputs = await Promise.all(sockets.map((socket) => socket.untilLength(30)));
	for (const bytes of outputs) assert.equal(bytes.toString(), outputs[0].toString());
	for (let index = 0; index < sockets.length; index++) assert.ok(outputs[0].includes(`<${index}>`));
	await Promise.all(sockets.map((socket) => socket.close()));
});

test('a WebSocket that does not read holds up neither guest nor others', async () => {
	await shared.client.startBoard('ws-slow', 'flood');
	const slow = await openStream(shared.client, stream('ws-slow'));
	slow.socket.pause();
	const fast = await shared.client.follow('/instances/ws-slow/channels/serial0/output?follow=true');
	await fast.untilLength(1 << 20);
	fast.close();
	await shared.client.post('/instances/ws-slow/stop');
	slow.socket.terminate();
});

test('the tcp endpoint gives its first client everything from the first byte', async () => {
	const { channels } = await shared.client.startBoard('tcp', 'hello');
	await shared.client.waitForOutput('tcp', 'Hello\r\n');
	const tcp = connectTcp(channels.serial0);
	assert.equal(await tcp.until('Hello\r\n'), 'Hello\r\n');
	tcp.close();
});

test('WebSockets and tcp clients share one console', async () => {
	const { channels } = await shared.client.startBoard('shared', 'echo');
	const socket = await openStream(shared.client, stream('shared'));
	const tcp = [connectTcp(channels.serial0), connectTcp(channels.serial0)];
	tcp[0].send('by tcp ');
	await Promise.all([...tcp, socket].map((client) => client.until('by tcp ')));
	socket.send('by websocket');
	await Promise.all([...tcp, socket].map((client) => client.until('by websocket')));
	tcp.forEach((client) => client.close());
	await socket.close();
});

test('a pty endpoint carries the console as a raw tty', async () => {
	const { channels } = await shared.client.startBoard('pty', 'echo', { target: 'board-pty' });
	assert.equal(channels.serial0.type, 'pty');
	const { stdout } = spawnSync('stty', ['-F', channels.serial0.path, '-a'], { encoding: 'utf8' });
	assert.match(stdout, / -icanon /);
	const fd = openSync(channels.serial0.path, constants.O_RDWR | constants.O_NOCTTY);
	const bytes = new ByteStream();
	const reader = createReadStream('', { fd, autoClose: false }).on('data', (data) => bytes.push(Buffer.from(data))).on('error', () => {});
	writeSync(fd, 'through the tty\r\n');
	await bytes.until('through the tty\r\n');
	await shared.client.delete('/instances/pty');
	const closed = once(reader, 'close');
	reader.destroy(); // which closes fd
	await within(closed, 'the tty to be closed');
});

test('qmp is a tunnel for one client at a time', async () => {
	await shared.client.startBoard('tunnel', 'hello');
	const qmp = await openStream(shared.client, stream('tunnel', 'qmp'));
	await qmp.until('{"QMP":');
	qmp.send('{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n');
	await qmp.until('"running": true');
	assert.equal((await refusedStream(shared.client, stream('tunnel', 'qmp'))).code, 'channel_busy');
	await qmp.close();
	// The place is given back when the shim has seen the end of the first.
	const next = await until(() => openStream(shared.client, stream('tunnel', 'qmp')).catch(() => null), 'the place to be free');
	await next.until('{"QMP":');
	await next.close();
});

test('gdb is a tunnel that speaks the remote protocol', async () => {
	await shared.client.startBoard('gdb-tunnel', 'hello');
	const gdb = await openStream(shared.client, stream('gdb-tunnel', 'gdb'));
	gdb.send('$?#3f');
	await gdb.until('$T05');
	await gdb.close();
});

test('the gdb endpoint refuses a second client at once', async () => {
	const { channels } = await shared.client.startBoard('gdb-tcp', 'hello');
	const first = connectTcp(channels.gdb);
	first.send('$?#3f');
	await first.until('$T05');
	const second = connectTcp(channels.gdb);
	await second.untilEnd();
	assert.equal(second.bytes.length, 0);
	first.close();
});

test('what looks like HTTP is refused on qmp and monitor', async () => {
	const { channels } = await shared.client.startBoard('http-on-qmp', 'hello');
	for (const name of ['qmp', 'monitor']) {
		const tcp = connectTcp(channels[name]);
		tcp.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{"execute":"qmp_capabilities"}\nquit\n');
		await tcp.untilEnd();
	}
	assert.equal((await shared.client.get('/instances/http-on-qmp')).json.state, 'running');
});

test('the stream of an unknown channel or a plain request is refused', async () => {
	await shared.client.startBoard('no-stream', 'hello');
	assert.equal((await refusedStream(shared.client, stream('no-stream', 'serial9'))).code, 'channel_not_found');
	await shared.client.refused(426, 'upgrade_required', 'GET', stream('no-stream'));
});
