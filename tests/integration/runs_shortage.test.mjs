// Runs where the disk is full, or no descriptor is left: a clear answer, nothing half-done, and later ones work.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { expectNothingLeft, listRuns } from '../lib/run_remains.mjs';
import { beginRun, boardOf, runFirmware, untilEnded, untilPrinted, withQuery } from '../lib/runs.mjs';
import { print, read, script } from '../lib/script.mjs';
import { startOnSmallDisk } from '../lib/small_disk.mjs';

const MIB = 1 << 20;
const AT_ONCE = script([print('PASSED\r\n')]);
const WAITING = script([print('ready\r\n'), read(1), print('PASSED\r\n')]);
const PASS = { pass: 'PASSED' };
const JSON_WANTED = { accept: 'application/json' };

test('a run for which the disk has no room is refused, and leaves nothing', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { emud, disk, client } = started;
	for (const left of [0, 8192, 65536]) {
		disk.fill(left);
		const { status, json } = await client.request('POST', withQuery({ target: 'board', ...PASS }), { body: AT_ONCE, headers: JSON_WANTED });
		assert.deepEqual([status, json.code], [507, 'insufficient_storage'], `${left} bytes: ${JSON.stringify(json)}`);
		disk.free();
		await expectNothingLeft(emud, client);
		assert.deepEqual((await client.get('/files')).json.files, []);
	}
	assert.deepEqual(await listRuns(client), []);
	assert.equal((await runFirmware(client, AT_ONCE, PASS)).verdict, 'passed');
	await expectNothingLeft(emud, client);
	client.close();
});

test('a run that a full disk holds up goes on when there is room again', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { emud, disk, client } = started;
	const { json: { id } } = await client.post('/runs', { json: { target: 'board', file: firmware('flood'), pass: ['^200000\\r'], detach: true }, expect: 202 });
	const board = await boardOf(client, id);
	disk.fill(6 * MIB + 300_000);
	const paused = await client.waitFor(board.id, 'paused');
	assert.equal(paused.paused_by, 'disk_full');
	assert.equal((await client.get(`/runs/${id}`)).json.state, 'running');
	disk.free();
	assert.equal((await untilEnded(client, id)).verdict, 'passed');
	await expectNothingLeft(emud, client);
	client.close();
});

test('a run that ends on a full disk has its verdict, and keeps it', async (t) => {
	const started = await startOnSmallDisk(t);
	if (!started) return t.skip('a file system cannot be mounted here');
	const { emud, disk, client } = started;
	const attached = client.post(withQuery({ target: 'board', ...PASS }), { body: WAITING, headers: JSON_WANTED });
	const { id } = await until(async () => (await client.get('/runs')).json.runs[0], 'the run to be there');
	const detached = await beginRun(client, WAITING, PASS);
	for (const each of [id, detached.id]) await untilPrinted(client, each, 'ready\r\n');
	const boards = [await boardOf(client, id), await boardOf(client, detached.id)];
	// emud writes meanwhile: then the last bytes are not to be had, which is what is wanted.
	try {
		disk.fill(0);
	} catch (error) {
		assert.equal(/** @type {NodeJS.ErrnoException} */ (error).code, 'ENOSPC');
	}
	assert.ok(disk.freeBytes < 8192, `${disk.freeBytes} are left`);
	for (const board of boards) await client.request('POST', `/instances/${board.id}/channels/serial0/input?timeout=1`, { body: '!' });
	disk.free();
	assert.deepEqual([(await attached).json.verdict, (await untilEnded(client, detached.id)).verdict], ['passed', 'passed']);
	// A board that could not be taken away then is taken away by the next emud.
	await emud.end('SIGKILL');
	await emud.start();
	await expectNothingLeft(emud, client);
	assert.deepEqual((await listRuns(client)).map(({ verdict }) => verdict), ['passed', 'passed']);
	client.close();
});

/** @param {number} pid @param {number | string} count */
function limitDescriptors(pid, count) {
	const { status, stderr } = spawnSync('prlimit', ['--pid', `${pid}`, `--nofile=${count}:`], { encoding: 'utf8' });
	assert.equal(status, 0, stderr);
}

/** All but the database's: what folds its log back opens it once more, when there is much. @param {number} pid */
function countDescriptors(pid) {
	const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
		try {
			return readlinkSync(`/proc/${pid}/fd/${fd}`);
		} catch {
			return null; // closed meanwhile
		}
	});
	return links.filter((link) => link && !link.includes('emud.db')).length;
}

test('without descriptors a run is refused or has not started, and works when there are some again', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const pid = Number(emud.process?.pid);
	const held = await beginRun(client, WAITING, PASS);
	const board = await boardOf(client, held.id);
	await untilPrinted(client, held.id, 'ready\r\n');
	const seen = new Set();
	for (let limit = 3; ; limit++) {
		// Its connection is kept for what follows.
		await client.get('/version');
		limitDescriptors(pid, limit);
		const { status, json, text } = await client.request('POST', withQuery({ target: 'board', ...PASS, timeout: 10 }), { body: AT_ONCE, headers: JSON_WANTED });
		limitDescriptors(pid, 1024);
		seen.add(status === 200 ? json.verdict : json.code);
		if (status === 503) assert.equal(json.code, 'no_descriptors', text);
		else if (json.verdict !== 'passed') assert.deepEqual([json.verdict, json.reason], ['not_started', 'start_failed'], `${limit} descriptors: ${text}`);
		else break;
		assert.match(json.detail, /descriptors|open files/i, `${limit}: ${text}`);
		await until(async () => (await client.get('/instances')).json.instances.length === 1, 'the board to be gone');
	}
	t.diagnostic([...seen].join(' '));
	await client.post(`/instances/${board.id}/channels/serial0/input`, { body: '!' });
	assert.equal((await untilEnded(client, held.id)).verdict, 'passed');
	await until(async () => (await client.get('/instances')).json.instances.length === 0, 'its board to be gone');
	await until(() => emud.boardProcesses().length === 0, 'the processes of all boards to end');
	await t.test('and no directory of a board is left', () => expectNothingLeft(emud, client));
	client.close();
});

test('nothing is left open when runs have come and gone', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const pid = Number(emud.process?.pid);
	const cycle = async () => {
		await runFirmware(client, AT_ONCE, { ...PASS, input: '[{"expect":"NEVER","send":"x"}]' });
		await client.post(withQuery({ target: 'board', ...PASS, stream: true }), { body: AT_ONCE });
		await client.post(withQuery({ target: 'board', ...PASS }), { body: AT_ONCE, headers: { accept: 'application/xml' } });
		const { id } = await beginRun(client, WAITING, PASS);
		await client.delete(`/runs/${id}`, { expect: 200 });
		await expectNothingLeft(emud, client);
	};
	await cycle();
	const before = countDescriptors(pid);
	for (let round = 0; round < 5; round++) await cycle();
	// Connections, and the shim that stands ready, come and go: twenty runs with one left by each would show.
	await until(() => countDescriptors(pid) <= before + 2, `the descriptors to be ${before} again, not ${countDescriptors(pid)}`);
	client.close();
});
