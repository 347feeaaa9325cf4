// Where state lies: long paths, long names, and who may look.

import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { Emud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { connectQmp } from '../lib/qmp.mjs';
import { StateDir } from '../lib/state_dir.mjs';
import { openStream } from '../lib/streams.mjs';

const pty = makeBoard({ channels: { type: 'pty', chardevs: { serial0: { id: 'serial0' } } } });

/** Everything a board offers, at a place whose name no socket address holds. @param {import('../lib/client.mjs').Client} client @param {any} board */
async function useBoard(client, board) {
	const { id } = board;
	assert.ok(board.path.length > 108);
	await client.waitForOutput(id, 'Hello\r\n');
	const tunnel = await openStream(client, `/instances/${id}/channels/qmp/stream`);
	await tunnel.until('QMP');
	await tunnel.close();
	// One client at a time: the tunnel is free when its end has come through.
	const qmp = await until(() => connectQmp(new StateDir(board).json('handles.json').channels.qmp).catch(() => null), 'the channel to be free');
	assert.equal((await qmp.run('query-status')).running, true);
	qmp.close();
	const { json } = await client.post(`/instances/${id}/gdb`, { json: { commands: ['info registers pc'] } });
	assert.equal(json.exit_code, 0, json.stderr);
	await client.post(`/instances/${id}/stop`);
	await client.post(`/instances/${id}/start`);
}

test('state directories of any length work, and are found again after kill -9', async (t) => {
	const emud = new Emud({ targets: { pty } });
	t.after(() => emud.finish());
	emud.stateDir = path.join(emud.directory, ...['one', 'two', 'three'].map((part) => part.repeat(20)));
	await emud.start();
	const client = emud.client();
	const id = 'i'.repeat(63);
	await useBoard(client, await client.startBoard(id, 'hello', { target: 'pty' }));
	await emud.end('SIGKILL');
	await emud.start();
	assert.equal((await client.get(`/instances/${id}`)).json.state, 'running');
	await client.delete(`/instances/${id}`);
	client.close();
});

test('a long path of the caller\'s own works too, and is removed with the instance', async (t) => {
	const emud = new Emud({});
	t.after(() => emud.finish());
	const root = path.join(emud.directory, 'root'.repeat(30));
	mkdirSync(root);
	emud.options.server = { path_roots: [root] };
	emud.writeConfig(emud.options);
	await emud.start();
	const client = emud.client();
	const directory = path.join(root, 'deep'.repeat(20), 'board');
	const board = await client.startBoard('board', 'hello', { path: directory });
	assert.equal(board.path, directory);
	await useBoard(client, board);
	await client.delete('/instances/board');
	assert.throws(() => lstatSync(directory), /ENOENT/);
	client.close();
});

test('an instance of one\'s own path is removed without what others put there', async (t) => {
	const emud = new Emud({});
	t.after(() => emud.finish());
	emud.options.server = { path_roots: [emud.directory] };
	emud.writeConfig(emud.options);
	await emud.start();
	const client = emud.client();
	const directory = path.join(emud.directory, 'board');
	const foreign = path.join(directory, 'notes.txt');
	await client.startBoard('board', 'hello', { path: directory });
	writeFileSync(foreign, 'mine');
	await client.delete('/instances/board');
	assert.deepEqual(readdirSync(directory), ['notes.txt']);
	await client.refused(409, 'conflict', 'PUT', '/instances/board', { json: { target: 'board', path: directory } });
	assert.deepEqual(readdirSync(directory), ['notes.txt']);
	client.close();
});

/** @param {string} directory @returns {string[]} */
function walk(directory) {
	return [directory, ...readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
		const name = path.join(directory, entry.name);
		return entry.isDirectory() ? walk(name) : [name];
	})];
}

test('whatever the umask, directories are 0700 and files and sockets 0600', async (t) => {
	const emud = new Emud({ targets: { pty: { ...pty, 'pre-start-cmds': { helper: ['sleep', '600'] } } } });
	t.after(() => emud.finish());
	const before = process.umask(0);
	try {
		await emud.start();
	} finally {
		process.umask(before);
	}
	const client = emud.client();
	await client.startBoard('one', 'hello');
	await client.post('/instances/one/restart');
	const two = await client.startBoard('two', 'hello', { target: 'pty' });
	await client.post('/files', { body: 'any', expect: 201 }).catch(() => {});
	const found = walk(emud.stateDir).filter((name) => !lstatSync(name).isSymbolicLink());
	for (const name of found) {
		const status = lstatSync(name);
		const wanted = status.isDirectory() ? 0o700 : 0o600;
		assert.equal((status.mode & 0o777).toString(8), wanted.toString(8), name);
	}
	for (const name of ['control.sock', 'handles.json', 'qemu.pid', 'qemu.log', 'serial0.out', 'serial0.in', 'spec.json', 'config.json', 'shim.log'])
		assert.ok(found.includes(path.join(two.path, name)), `${name} is missing of ${found.join(' ')}`);
	client.close();
});

test('ids of 63 characters are the longest', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.put(`/instances/${'a'.repeat(63)}`, { json: { target: 'board', file: firmware('hello'), start: false }, expect: 201 });
	const { status } = await client.request('PUT', `/instances/${'a'.repeat(64)}`, { json: { target: 'board', start: false } });
	assert.ok([400, 422].includes(status), `${status}`);
	client.close();
});
