// Consoles and the disk: a window that bounds what is kept, and boards that wait when nothing is free.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { assertNumbered } from '../lib/numbered.mjs';
import { openChannel } from '../lib/qmp.mjs';
import { startOnSmallDisk } from '../lib/small_disk.mjs';
import { StateDir } from '../lib/state_dir.mjs';
import { openStream, parseEvents } from '../lib/streams.mjs';

const MIB = 1 << 20;
const WINDOW = 64 << 10;
const console0 = '/instances/board/channels/serial0';

/** Processor time used so far, in ticks. @param {number} pid */
function ticksOf(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return Number(fields[11]) + Number(fields[12]);
}

/** @param {number} pid */
async function assertIdle(pid) {
	const before = ticksOf(pid);
	const since = Date.now();
	await until(() => Date.now() - since > 300, 'a while');
	assert.ok(ticksOf(pid) - before <= 6, `${ticksOf(pid) - before} ticks in 300 ms: it spins`);
}

test('a full disk holds a flooding board until there is room again, and no byte is lost', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { emud, disk, client } = started;
	disk.fill(6 * MIB + 600_000);
	const board = await client.startBoard('board', 'flood');
	const paused = await client.waitFor('board', 'paused');
	assert.equal(paused.paused_by, 'disk_full');
	assert.ok(disk.freeBytes > 4 * MIB, `${disk.freeBytes} are left`);
	await assertIdle(board.processes.qemu.pid);
	await client.refused(409, 'disk_full', 'POST', '/instances/board/resume');
	await client.refused(503, 'unavailable', 'GET', '/readyz');
	const held = await client.nextOffset('board');
	await emud.end('SIGKILL');
	await emud.start();
	const { json } = await client.get('/instances/board');
	assert.deepEqual([json.state, json.paused_by], ['paused', 'disk_full']);
	disk.free();
	assert.equal((await client.waitFor('board', 'running')).processes.qemu.pid, board.processes.qemu.pid);
	await client.waitForOffset('board', held + 50_000);
	await client.get('/readyz');
	await client.post('/instances/board/stop');
	const { body } = await client.get(`${console0}/output`);
	assertNumbered(body);
	client.close();
});

test('a guest that fills the disk by semihosting is held, too, and what it wrote goes with its run', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { disk, client } = started;
	const { confinement } = (await client.get('/version')).json;
	if (!confinement.namespaces && !confinement.landlock_abi) return t.skip('no semihosting without confinement');
	const json = { target: 'board', file: firmware('fill'), timeout: 60, detach: true };
	const { id } = (await client.post('/runs', { json, expect: 202 })).json;
	await until(async () => (await client.get(`/runs/${id}`)).json.state === 'running', 'the run to begin');
	const paused = await client.waitFor(`run-${id}`, 'paused');
	assert.equal(paused.paused_by, 'disk_full');
	assert.ok(disk.freeBytes > MIB, `${disk.freeBytes} are left`);
	await client.delete(`/runs/${id}`, { expect: 200 });
	await until(() => disk.freeBytes > 20 * MIB, 'what the guest wrote to go');
	client.close();
});

test('a board paused by its user stays so when a full disk is freed', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { disk, client } = started;
	await client.startBoard('board', 'flood');
	await client.post('/instances/board/pause');
	disk.fill(5 * MIB);
	await client.refused(503, 'unavailable', 'GET', '/readyz');
	disk.free();
	await client.get('/readyz');
	const { json } = await client.get('/instances/board');
	assert.deepEqual([json.state, json.paused_by], ['paused', 'user']);
	await client.post('/instances/board/resume');
	const offset = await client.nextOffset('board');
	await client.waitForOffset('board', offset + 1000);
	client.close();
});

test('a stop and its exit code are kept when the disk is full', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { emud, disk, client } = started;
	await client.startBoard('board', 'flood');
	disk.fill(2 * MIB);
	await client.waitFor('board', 'paused');
	const { json } = await client.post('/instances/board/stop');
	assert.deepEqual([json.state, json.exit.reason], ['exited', 'stopped']);
	await emud.end('SIGKILL');
	await emud.start();
	assert.equal((await client.get('/instances/board')).json.exit.reason, 'stopped');
	disk.free();
	client.close();
});

/** @param {any} t @param {object} [spec] */
async function startWithWindow(t, spec = {}) {
	const emud = await startEmud(t, { server: { limits: { console_bytes: WINDOW } } });
	const client = emud.client();
	t.after(() => client.close());
	const board = await client.startBoard('board', 'flood', spec);
	const file = new StateDir(board).file('serial0.out');
	return { emud, client, board, file };
}

test('the kept window of a console is bounded, and who asks for more is told where it begins', async (t) => {
	const { client, file } = await startWithWindow(t);
	await client.waitForOffset('board', 12 * WINDOW);
	const channel = (await client.get(console0)).json;
	assert.ok(channel.first_offset > 0 && channel.next_offset - channel.first_offset >= WINDOW, JSON.stringify(channel));
	await client.post('/instances/board/pause');
	await until(() => statSync(file).blocks * 512 < 3 * WINDOW, 'the file to be cut to its window');
	assert.ok(statSync(file).size >= 12 * WINDOW, 'offsets stay true');
	const { body, headers } = await client.get(`${console0}/output?offset=0&limit=100000`);
	const [first, sent] = [Number(headers['emud-first-offset']), Number(headers['emud-offset'])];
	assert.ok(first > 0 && sent >= first, `${first} ${sent}`);
	assertNumbered(body, sent);
});

test('followers that lag are told of the gap, and nothing but the gap is missing', async (t) => {
	const { emud, client, file } = await startWithWindow(t);
	const socket = await openStream(client, `${console0}/stream`);
	const events = await client.follow(`${console0}/output?follow=true`, { headers: { accept: 'text/event-stream' } });
	await Promise.all([socket.untilLength(1000), events.until('\n\n')]);
	emud.process?.kill('SIGSTOP');
	const stopped = statSync(file).size;
	await until(() => statSync(file).size > stopped + 4 * WINDOW, 'the board to be ahead');
	emud.process?.kill('SIGCONT');
	await socket.wait(() => socket.positions.length > 1, 'a frame that tells of the gap');
	const [begin, gap] = socket.positions;
	assert.equal(begin.offset, 0);
	assert.ok(gap.offset > stopped && gap.start_number === 1, JSON.stringify(gap));
	await socket.close();
	await events.wait(() => findGap(events), 'an event behind the gap');
	for (const { data: { offset, base64 } } of parseEvents(events.bytes.toString())) assertNumbered(Buffer.from(base64, 'base64'), offset);
	events.close();
});

/** @param {import('../lib/streams.mjs').ByteStream} events */
function findGap(events) {
	let next = 0;
	return parseEvents(events.bytes.toString()).some(({ data: { offset, base64 } }) => {
		const isGap = offset > next;
		next = offset + Buffer.from(base64, 'base64').length;
		return isGap;
	});
}

test('a raw client that does not read holds up nobody', async (t) => {
	const { client, board } = await startWithWindow(t, { target: 'board-pty', paused: true });
	const raw = await openChannel(board.channels.serial0);
	raw.input.pause();
	await client.post('/instances/board/resume');
	await client.waitForOffset('board', 8 * WINDOW);
	assert.equal((await client.post('/instances/board/pause')).json.state, 'paused');
	raw.close();
});
