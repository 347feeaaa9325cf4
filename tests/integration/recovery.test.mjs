// What emud makes, at its start, of what it finds: rows, state directories, and a host that was restarted.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { findShim, untilGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

test('a row whose directory is gone is a failed instance, which can be deleted', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const lost = await client.startBoard('lost', 'counter');
	const shim = findShim(lost);
	await emud.end();
	rmSync(lost.path, { recursive: true });
	process.kill(shim, 'SIGKILL');
	await untilGone(lost.processes.qemu.pid, 'its emulator');
	await emud.start();
	const { json } = await client.get('/instances/lost');
	assert.equal(json.state, 'failed');
	assert.match(json.exit.detail, /director/);
	await client.delete('/instances/lost');
	await client.startBoard('lost', 'hello');
	client.close();
});

test('a directory without a row is kept and reported', async (t) => {
	const emud = await startEmud(t);
	await emud.end();
	const stray = path.join(emud.stateDir, 'instances/stray');
	mkdirSync(stray);
	writeFileSync(path.join(stray, 'serial0.out'), 'what a board once said');
	await emud.start();
	await until(() => /stray/.test(emud.stderr), 'the report');
	assert.ok(existsSync(path.join(stray, 'serial0.out')));
});

const mayUnshare = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true'], { stdio: 'ignore' }).status === 0;

test('boards that ran when the host was restarted say so', { skip: !mayUnshare && 'namespaces are not permitted here' }, async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const board = await client.startBoard('board', 'counter');
	const stopped = await client.startBoard('stopped', 'hello');
	await client.post('/instances/stopped/stop');
	const shim = findShim(board);
	await emud.end('SIGKILL');
	process.kill(shim, 'SIGKILL');
	await untilGone(board.processes.qemu.pid, 'its emulator');
	const bootId = path.join(emud.directory, 'boot_id');
	writeFileSync(bootId, '11111111-2222-3333-4444-555555555555\n');
	emud.options.wrapper = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c',
		`mount --bind ${bootId} /proc/sys/kernel/random/boot_id && exec "$0" "$@"`];
	await emud.start();
	const { json } = await client.get('/instances/board');
	assert.deepEqual([json.state, json.exit.reason], ['failed', 'host_restarted']);
	assert.equal((await client.get(`/instances/${stopped.id}`)).json.exit.reason, 'stopped');
	assert.deepEqual(new StateDir(board).remains(), []);
	assert.equal((await client.post('/instances/board/start')).json.start_number, 2);
	client.close();
});

test('a restart that emud\'s death interrupts is finished by the next one', async (t) => {
	const deaf = makeBoard({}, { 'pre-start-cmds': { helper: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] } });
	const emud = await startEmud(t, { targets: { deaf }, server: { limits: { stop_timeout: 0.5 } } });
	const client = emud.client();
	const board = await client.startBoard('board', 'counter', { target: 'deaf' });
	const restarted = client.exchange('POST', '/instances/board/restart', {}).catch(() => null);
	await untilGone(board.processes.qemu.pid, 'the emulator to be stopped');
	await emud.end('SIGKILL');
	await restarted;
	await emud.start();
	const { start_number: startNumber } = await until(async () => {
		const { json } = await client.get('/instances/board');
		return json.state === 'running' && json;
	}, 'the board to run again');
	assert.equal(startNumber, 2);
	await client.post('/instances/board/restart');
	assert.equal((await client.get('/instances/board')).json.start_number, 3);
	client.close();
});

test('processes of bundled targets run in the state directory', async (t) => {
	// Without --config, which the tests' emud is otherwise given first.
	const emud = await startEmud(t, { wrapper: ['sh', '-c', 'emud=$0; shift 2; exec "$emud" "$@" --file-root /'] });
	const client = emud.client();
	const { json } = await client.put('/instances/board', { json: { target: 'qemu-lm3s6965evb', file: firmware('hello') }, expect: 201 });
	assert.equal(readlinkSync(`/proc/${json.processes.qemu.pid}/cwd`), json.path);
	client.close();
});
