import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { isAlive } from '../lib/processes.mjs';

const shared = shareEmud();

test('POST creates an instance, starts it, and says where it is', async () => {
	const reply = await shared.client.post('/instances', { json: { target: 'board', file: firmware('hello') }, expect: 201 });
	const { json } = reply;
	assert.equal(reply.headers.location, `/v1/instances/${json.id}`);
	assert.equal(json.state, 'running');
	assert.equal(json.start_number, 1);
	assert.equal(json.exit, null);
	assert.equal(json.ended_at, null);
	assert.equal(json.emulator, 'qemu');
	assert.deepEqual(json.file, { path: firmware('hello') });
	assert.equal(json.path, path.join(shared.emud.stateDir, 'instances', json.id));
	assert.ok(isAlive(json.processes.qemu.pid));
	assert.ok(json.command.includes('lm3s6965evb'));
	assert.equal(json.channels.serial0.kind, 'console');
	assert.equal(json.channels.qmp.kind, 'control');
	assert.equal(json.gdb.remote, `${json.channels.gdb.host}:${json.channels.gdb.port}`);
	assert.deepEqual((await shared.client.get(`/instances/${json.id}`)).json, json);
});

test('the state directory is as pw emu leaves it', async () => {
	const instance = await shared.client.startBoard('handles', 'hello');
	const handles = JSON.parse(readFileSync(path.join(instance.path, 'handles.json'), 'utf8'));
	assert.equal(handles.emu, 'qemu');
	assert.equal(handles.target, 'board');
	assert.deepEqual(handles.procs, instance.processes);
	assert.equal(handles.channels.serial0.port, instance.channels.serial0.port);
	assert.equal(readFileSync(path.join(instance.path, 'qemu.pid'), 'utf8').trim(), String(instance.processes.qemu.pid));
	assert.ok(existsSync(handles.config));
});

test('an instance may be created without a start', async () => {
	const { json } = await shared.client.put('/instances/unstarted', { json: { target: 'board', start: false }, expect: 201 });
	assert.equal(json.state, 'created');
	assert.equal(json.start_number, 0);
	assert.equal(json.started_at, null);
	assert.deepEqual(json.processes, {});
	const started = await shared.client.post('/instances/unstarted/start', { json: { file: firmware('hello') } });
	assert.equal(started.json.state, 'running');
	assert.equal(started.json.start_number, 1);
});

test('a paused start lets the guest run no instruction', async () => {
	const instance = await shared.client.startBoard('paused-start', 'hello', { paused: true });
	assert.equal(instance.state, 'paused');
	assert.equal(instance.paused_by, 'user');
	assert.equal(await shared.client.nextOffset('paused-start'), 0);
	const { json } = await shared.client.post('/instances/paused-start/resume');
	assert.equal(json.state, 'running');
	assert.equal(json.paused_by, null);
	await shared.client.waitForOutput('paused-start', 'Hello\r\n');
});

test('PUT with the same spec again answers 200 and changes nothing', async () => {
	const spec = { target: 'board', file: firmware('hello'), labels: { a: 'b' } };
	const first = await shared.client.put('/instances/twice', { json: spec, expect: 201 });
	const second = await shared.client.put('/instances/twice', { json: spec, expect: 200 });
	assert.deepEqual(second.json, first.json);
});

test('PUT with another spec is refused and changes nothing', async () => {
	const instance = await shared.client.startBoard('taken', 'hello');
	await shared.client.refused(409, 'id_taken', 'PUT', '/instances/taken', { json: { target: 'board', file: firmware('echo') } });
	assert.deepEqual((await shared.client.get('/instances/taken')).json, instance);
});

test('POST with an id that is taken is refused', async () => {
	await shared.client.startBoard('taken-too', 'hello');
	await shared.client.refused(409, 'id_taken', 'POST', '/instances', { json: { target: 'board', id: 'taken-too' } });
});

test('of many PUTs at once one creates', async () => {
	const put = () => shared.client.request('PUT', '/instances/race', { json: { target: 'board', file: firmware('hello') } });
	const replies = await Promise.all(Array.from({ length: 8 }, put));
	const statuses = replies.map(({ status }) => status);
	assert.equal(statuses.filter((status) => status === 201).length, 1, `${statuses}`);
	for (const { status, json } of replies) if (status !== 201 && status !== 200) assert.equal(json.code, 'instance_busy');
	assert.equal((await shared.client.waitFor('race', 'running')).start_number, 1);
});

test('wait=false answers at once and the state tells the rest', async () => {
	const options = { json: { target: 'board', file: firmware('hello') }, expect: 202 };
	const { json } = await shared.client.request('PUT', '/instances/no-wait?wait=false', options);
	assert.ok(['created', 'starting', 'running'].includes(json.state));
	assert.equal((await shared.client.waitFor('no-wait', 'running')).state, 'running');
});

test('lists are filtered by state, target and label', async () => {
	await shared.client.startBoard('filter-a', 'hello', { labels: { suite: 'filter', part: 'a' } });
	await shared.client.startBoard('filter-b', 'hello', { labels: { suite: 'filter' }, target: 'board-two', paused: true });
	const ids = async (/** @type {string} */ query) =>
		(await shared.client.get(`/instances?${query}`)).json.instances.map(({ id }) => id);
	assert.deepEqual(await ids('label=suite:filter'), ['filter-a', 'filter-b']);
	assert.deepEqual(await ids('label=part:a'), ['filter-a']);
	assert.deepEqual(await ids('label=suite:filter&state=paused'), ['filter-b']);
	assert.deepEqual(await ids('label=suite:filter&target=board'), ['filter-a']);
	assert.deepEqual(await ids('label=suite:nothing'), []);
});

test('pages of instances come by id and make up the whole list', async () => {
	const ids = ['page-1', 'page-2', 'page-3', 'page-4', 'page-5'];
	for (const id of [...ids].reverse())
		await shared.client.put(`/instances/${id}`, { json: { target: 'board', start: false, labels: { suite: 'page' } }, expect: 201 });
	const paged = [];
	let query = '';
	do {
		const { json } = await shared.client.get(`/instances?label=suite:page&limit=2${query}`);
		assert.ok(json.instances.length > 0 && json.instances.length <= 2);
		paged.push(...json.instances.map(({ id }) => id));
		query = json.next_cursor === null ? '' : `&cursor=${encodeURIComponent(json.next_cursor)}`;
	} while (query);
	assert.deepEqual(paged, ids);
});

test('DELETE stops an instance and removes all of it', async () => {
	const instance = await shared.client.startBoard('deleted', 'hello');
	await shared.client.delete('/instances/deleted');
	assert.equal(existsSync(instance.path), false);
	assert.equal(isAlive(instance.processes.qemu.pid), false);
	await shared.client.refused(404, 'not_found', 'GET', '/instances/deleted');
	await shared.client.refused(404, 'not_found', 'DELETE', '/instances/deleted');
});

test('DELETE leaves files that are not emud\'s, and their directory', async () => {
	const instance = await shared.client.startBoard('foreign-file', 'hello');
	const foreign = path.join(instance.path, 'notes.txt');
	writeFileSync(foreign, 'mine');
	await shared.client.delete('/instances/foreign-file');
	assert.equal(readFileSync(foreign, 'utf8'), 'mine');
	assert.equal(existsSync(path.join(instance.path, 'handles.json')), false);
});

test('a firmware comes with the spec as multipart', async () => {
	const form = {
		spec: { content: JSON.stringify({ target: 'board', id: 'multipart' }), type: 'application/json' },
		file: { content: readFileSync(firmware('hello')), type: 'application/octet-stream', filename: 'mine.elf' },
	};
	const { json } = await shared.client.post('/instances', { form, expect: 201 });
	assert.match(json.file.sha256, /^[0-9a-f]{64}$/);
	assert.equal((await shared.client.get(`/files/${json.file.sha256}`)).json.name, 'mine.elf');
	await shared.client.waitForOutput('multipart', 'Hello\r\n');
	await shared.client.refused(409, 'file_in_use', 'DELETE', `/files/${json.file.sha256}`);
});

test('PUT of the same firmware as multipart again changes nothing', async () => {
	const form = {
		spec: { content: JSON.stringify({ target: 'board' }), type: 'application/json' },
		file: { content: readFileSync(firmware('hello')), filename: 'a.elf' },
	};
	const first = await shared.client.put('/instances/form-twice', { form, expect: 201 });
	const second = await shared.client.put('/instances/form-twice', { form, expect: 200 });
	assert.deepEqual(second.json, first.json);
	const other = { ...form, file: { content: readFileSync(firmware('echo')), filename: 'a.elf' } };
	await shared.client.refused(409, 'id_taken', 'PUT', '/instances/form-twice', { form: other });
});

test('a multipart body with an unknown or missing part is refused and creates nothing', async () => {
	const spec = { content: JSON.stringify({ target: 'board', id: 'half-form' }), type: 'application/json' };
	const file = { content: readFileSync(firmware('hello')), filename: 'a.elf' };
	/** @type {import('../lib/client.mjs').RequestOptions['form'][]} */
	const forms = [{ spec, file, more: { content: 'x' } }, { file }, { spec: { content: '{"target":' }, file }];
	for (const form of forms) {
		const { status } = await shared.client.request('POST', '/instances', { form });
		assert.equal(status, 400, Object.keys(form ?? {}).join());
	}
	await shared.client.refused(404, 'not_found', 'GET', '/instances/half-form');
});

test('a state directory of one\'s own is used below an allowed root, if it is absent or empty', async (t) => {
	const emud = await startEmud(t, { server: { path_roots: ['/tmp'] } });
	const client = emud.client();
	const own = path.join(emud.directory, 'own');
	const { json } = await client.put('/instances/own', { json: { target: 'board', file: firmware('hello'), path: own }, expect: 201 });
	assert.equal(json.path, own);
	assert.ok(existsSync(path.join(own, 'handles.json')));
	const full = path.join(emud.directory, 'full');
	mkdirSync(full);
	writeFileSync(path.join(full, 'precious'), '');
	const refused = await client.request('PUT', '/instances/full', { json: { target: 'board', path: full } });
	assert.ok([409, 422].includes(refused.status), refused.text);
	await client.refused(409, 'conflict', 'PUT', '/instances/other', { json: { target: 'board', path: own } });
	await client.delete('/instances/own');
	assert.equal(existsSync(own), false);
});

test('a state directory whose path is longer than a socket address works', async (t) => {
	const emud = await startEmud(t, { server: { path_roots: ['/tmp'] } });
	const client = emud.client();
	const long = path.join(emud.directory, 'd'.repeat(120), 'e'.repeat(120));
	mkdirSync(path.dirname(long));
	await client.put('/instances/long', { json: { target: 'board', file: firmware('hello'), path: long }, expect: 201 });
	await client.waitForOutput('long', 'Hello\r\n');
	const { json } = await client.post('/instances/long/gdb', { json: { commands: ['print 6 * 7'] } });
	assert.match(json.stdout, /42/);
});

test('instances are there again after emud was killed', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const instance = await client.startBoard('survivor', 'echo', { labels: { a: 'b' } });
	await emud.end('SIGKILL');
	await emud.start();
	const { json } = await client.get('/instances/survivor');
	assert.deepEqual(json, instance);
	await client.post('/instances/survivor/channels/serial0/input', { body: 'still here' });
	await client.waitForOutput('survivor', 'still here');
});
