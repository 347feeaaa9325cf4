// What cannot be adopted says why, and stays as it was.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { adopt, foreignContent, ownDirectory, shareYard } from '../lib/adoption.mjs';
import { startEmud } from '../lib/emud.mjs';
import { isAlive } from '../lib/processes.mjs';
import { untilGone } from '../lib/shims.mjs';

const { yard, shared } = shareYard();

/**
 * @param {string} directory @param {RegExp} why
 * @param {{spec?: object, status?: number, code?: string}} [expected]
 */
async function refused(directory, why, { spec = {}, status = 409, code = 'not_adoptable' } = {}) {
	const problem = await shared.client.refused(status, code, 'PUT', '/instances/refused', { json: { path: directory, ...spec } });
	assert.match(JSON.stringify(problem), why);
	await shared.client.refused(404, 'not_found', 'GET', '/instances/refused');
	assert.ok(!existsSync(path.join(directory, '.emud')));
}

/** A directory with this in its handles.json. @param {string} name @param {unknown} handles */
function withHandles(name, handles) {
	const directory = yard.makeDirectory(name);
	writeFileSync(path.join(directory, 'handles.json'), typeof handles === 'string' ? handles : JSON.stringify(handles));
	return directory;
}

/** @param {object} more */
const handlesOf = (more) => ({ emu: 'qemu', config: '/x', target: 'board', gdb_cmd: [], channels: {}, procs: { qemu: { pid: process.pid } }, ...more });

test('a directory in which pw emu has started nothing', async () => {
	await refused(yard.makeDirectory('empty'), /handles\.json/);
	await refused(path.join(yard.root, 'absent'), /handles\.json/);
	await shared.client.refused(400, 'invalid_request', 'PUT', '/instances/refused', { json: {} });
});

test('a directory outside of the roots', () => refused('/usr/lib', /roots.*"pointer":"\/path"/, { status: 403, code: 'path_not_allowed' }));

test('a handles.json that is none', async () => {
	let count = 0;
	const faults = /** @type {[unknown, RegExp][]} */ ([
		['{', /JSON/], ['[]', /emu/], ['', /JSON/], [handlesOf({ emu: 4 }), /emu/], [handlesOf({ emu: '../x' }), /emu/],
		[handlesOf({ target: undefined }), /target/], [handlesOf({ procs: {} }), /procs/], [handlesOf({ procs: { qemu: { pid: 0 } } }), /pid/],
		[handlesOf({ procs: { qemu: { pid: -1 } } }), /pid/], [handlesOf({ procs: { qemu: { pid: 1 } } }), /pid/],
		[handlesOf({ procs: { qemu: { pid: 2 ** 40 } } }), /pid/], [handlesOf({ channels: [] }), /channels/],
		[handlesOf({ channels: { 'a/b': { type: 'tcp', host: 'localhost', port: 1 } } }), /name/],
		[handlesOf({ channels: { a: { type: 'tcp', host: '192.0.2.1', port: 1 } } }), /host/],
		[handlesOf({ channels: { a: { type: 'tcp', host: 'localhost', port: 70000 } } }), /port/],
		[handlesOf({ channels: { a: { type: 'pty', path: '/etc/passwd' } } }), /pts/],
		[handlesOf({ channels: { a: { type: 'unix', path: '/x' } } }), /type/],
	]);
	for (const [handles, why] of faults) await refused(withHandles(`malformed-${count++}`, handles), why);
});

test('a handles.json that is a symlink or a directory', async () => {
	const linked = yard.makeDirectory('linked');
	symlinkSync('/etc/passwd', path.join(linked, 'handles.json'));
	await refused(linked, /handles\.json/);
	const folder = yard.makeDirectory('folder');
	mkdirSync(path.join(folder, 'handles.json'));
	await refused(folder, /handles\.json/);
});

test('an emulator that has ended', async () => {
	const pw = await yard.start('dead');
	const { pid } = pw.handles.procs.qemu;
	process.kill(pid, 'SIGKILL');
	await untilGone(pid, 'the emulator');
	const before = foreignContent(pw);
	await refused(pw.directory, /has ended/);
	assert.deepEqual(foreignContent(pw), before);
});

test('a process that is not the emulator', async () => {
	await refused(withHandles('other-program', handlesOf({})), /does not run qemu-system-arm/);
	await refused(withHandles('ours', handlesOf({ procs: { qemu: { pid: shared.emud.process?.pid } } })), /emud's own/);
});

test('a number that was given anew', async () => {
	const pw = await yard.start('reused');
	const { utimesSync } = await import('node:fs');
	utimesSync(pw.handlesFile, 1e9, 1e9);
	await refused(pw.directory, /given anew/);
});

test("another user's emulator", { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
	const pw = await yard.start('of-another', { spawn: { uid: 65534, gid: 65534 } });
	await refused(pw.directory, /another user/);
	assert.ok(isAlive(pw.handles.procs.qemu.pid));
});

test('a target or emulator that the configuration does not know, or that is not the one asked for', async () => {
	const pw = await yard.start('unknown', { target: 'boart' });
	await refused(pw.directory, /boart/, { status: 422, code: 'unknown_target' });
	const known = await yard.start('known');
	await refused(known.directory, /board there, not board-pty/, { spec: { target: 'board-pty' } });
	await refused(known.directory, /qemu there, not renode/, { spec: { emulator: 'renode' } });
	await refused(withHandles('renode', handlesOf({ emu: 'renode', procs: { renode: { pid: process.pid } } })), /renode/, { status: 422, code: 'unknown_emulator' });
});

test('an emulator that cannot be taken over', async (t) => {
	const targets = { driven: { mine: { machine: 'any' } } };
	const configText = JSON.stringify({ pw: { pw_emu: { emulators: { mine: { driver: ['/bin/cat'] } }, targets } }, server: { path_roots: [yard.root] } });
	const emud = await startEmud(t, { configText });
	const directory = withHandles('driven', handlesOf({ emu: 'mine', target: 'driven', procs: { mine: { pid: process.pid } } }));
	const problem = await emud.client().refused(409, 'not_adoptable', 'PUT', '/instances/driven', { json: { path: directory } });
	assert.match(problem.detail, /mine that runs already cannot be taken over/);
});

test('what only a start can give is refused, and each named', async () => {
	const pw = await yard.start('given');
	await refused(pw.directory, /\/file.*\/args.*\/paused/, { spec: { file: '/x', args: ['-d'], paused: true }, status: 422, code: 'invalid_value' });
	await refused(pw.directory, /\/start/, { spec: { start: false }, status: 422, code: 'invalid_value' });
});

test('a directory that is an instance already', async () => {
	const pw = await yard.start('twice');
	await adopt(shared.client, 'first', pw);
	await shared.client.refused(409, 'conflict', 'PUT', '/instances/second', { json: { path: pw.directory } });
	assert.ok(existsSync(ownDirectory(pw).path));
	const own = await shared.client.startBoard('of-emud', 'hello');
	await shared.client.refused(409, 'conflict', 'PUT', '/instances/second', { json: { path: own.path, target: 'board' } });
	await shared.client.refused(404, 'not_found', 'GET', '/instances/second');
	assert.equal((await shared.client.get('/instances/first')).json.state, 'running');
});

test("channels that are not the emulator's", async () => {
	const server = net.createServer().listen(0, '127.0.0.1');
	await new Promise((resolve) => server.once('listening', resolve));
	const { port } = /** @type {net.AddressInfo} */ (server.address());
	const connected = /** @type {unknown[]} */ ([]);
	server.on('connection', (socket) => connected.push(socket));
	const pw = await yard.start('strange-channel');
	const handles = pw.handles;
	handles.channels.serial0.port = port;
	writeFileSync(pw.handlesFile, JSON.stringify(handles));
	const reply = await shared.client.refused(502, 'start_failed', 'PUT', '/instances/strange', { json: { path: pw.directory } });
	assert.match(reply.detail, /serial0.*not the emulator's/);
	assert.deepEqual([connected.length, isAlive(handles.procs.qemu.pid)], [0, true]);
	assert.deepEqual(pw.handles, handles);
	await shared.client.delete('/instances/strange');
	assert.ok(isAlive(handles.procs.qemu.pid));
	server.close();
});
