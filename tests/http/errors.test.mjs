import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const shared = shareEmud();

before(() => mkdirSync(shared.emud.filesDir));

/** @param {string} name @param {string | Buffer} content */
function makeFile(name, content) {
	const file = path.join(shared.emud.filesDir, name);
	writeFileSync(file, content);
	return file;
}

let refusals = 0;

/** Expects that nothing was created. @param {number} status @param {string} code @param {object} spec */
async function refusedSpec(status, code, spec) {
	const url = `/instances/refused-${++refusals}`;
	const problem = await shared.client.refused(status, code, 'PUT', url, { json: spec });
	await shared.client.refused(404, 'not_found', 'GET', url);
	return problem;
}

test('an unknown target names those there are or where to look', async () => {
	const { detail } = await refusedSpec(422, 'unknown_target', { target: 'bord' });
	assert.match(detail, /bord/);
});

test('an emulator the target does not have is refused', async () => {
	await refusedSpec(422, 'unknown_emulator', { target: 'board', emulator: 'renode' });
});

test('an emulator that is not installed is told by name', async () => {
	const { detail } = await refusedSpec(503, 'emulator_unavailable', { target: 'not-installed' });
	assert.match(detail, /qemu-system-nowhere/);
});

test('a start that QEMU refuses fails in its own words and leaves the instance with its logs', async () => {
	for (const [id, spec, words] of /** @type {[string, object, RegExp][]} */ ([
		['bad-machine', { target: 'no-machine' }, /unsupported machine type/],
		['bad-args', { target: 'board', args: ['-no-such-option'] }, /invalid option/],
		['bad-device', { target: 'board', args: ['-device', 'no-such-device'] }, /no-such-device/],
	])) {
		const json = { file: firmware('hello'), ...spec };
		const { detail } = await shared.client.refused(502, 'start_failed', 'PUT', `/instances/${id}`, { json });
		assert.match(detail, words);
		const instance = (await shared.client.get(`/instances/${id}`)).json;
		assert.equal(instance.state, 'failed');
		assert.equal(instance.exit.reason, 'start_failed');
		assert.match(instance.exit.detail, words);
		assert.match((await shared.client.get(`/instances/${id}/logs/qemu`)).text, words);
		await shared.client.delete(`/instances/${id}`);
	}
});

test('a missing file is not found', async () => {
	await refusedSpec(422, 'file_not_found', { target: 'board', file: path.join(shared.emud.filesDir, 'missing.elf') });
});

test('files that the board cannot run are refused with the reason', async () => {
	const elf = readFileSync(firmware('hello'));
	for (const [file, words] of /** @type {[string, RegExp][]} */ ([
		[makeFile('empty.elf', ''), /empty/],
		[makeFile('truncated.elf', elf.subarray(0, 60)), /truncated|cut|short|beyond/i],
		[makeFile('cut.elf', elf.subarray(0, elf.length >> 1)), /truncated|cut|short|beyond/i],
		[firmware('hello', 'riscv32-virt'), /risc-?v/i],
	])) {
		const { detail } = await refusedSpec(422, 'invalid_file', { target: 'board', file });
		assert.match(detail, words);
	}
	copyFileSync(process.execPath, path.join(shared.emud.filesDir, 'x86.elf'));
	await refusedSpec(422, 'invalid_file', { target: 'board', file: path.join(shared.emud.filesDir, 'x86.elf') });
});

test('a directory or device is no firmware', async () => {
	const { status } = await shared.client.request('POST', '/instances', { json: { target: 'board', file: shared.emud.filesDir } });
	assert.ok([403, 422].includes(status));
	const device = await shared.client.request('POST', '/instances', { json: { target: 'board', file: '/dev/zero' } });
	assert.ok([403, 422].includes(device.status));
});

test('every unknown field and wrong type is named', async () => {
	const spec = { target: 5, fil: 'x', args: 'x', labels: { a: 1 }, paused: 'yes' };
	const { errors } = await refusedSpec(400, 'invalid_request', spec);
	const fields = errors.map(({ pointer }) => pointer.split('/')[1]).sort();
	assert.deepEqual(fields, ['args', 'fil', 'labels', 'paused', 'target']);
});

test('a missing field is named', async () => {
	const { errors } = await refusedSpec(400, 'invalid_request', { file: firmware('hello') });
	assert.equal(errors[0].pointer, '/target');
});

test('a body that is no object is refused', async () => {
	for (const json of [[], 'board', 5, null, true])
		await shared.client.refused(400, 'invalid_request', 'POST', '/instances', { json });
});

test('values without meaning are refused, each named', async () => {
	for (const [pointer, spec] of /** @type {[string, object][]} */ ([
		['/id', { id: '../etc' }], ['/id', { id: '.hidden' }], ['/id', { id: 'x'.repeat(64) }], ['/id', { id: '' }],
		['/path', { path: 'relative' }], ['/labels', { labels: { 'a:b': 'c' } }],
	])) {
		const { errors } = await shared.client.refused(422, 'invalid_value', 'POST', '/instances', { json: { target: 'board', start: false, ...spec } });
		assert.ok(errors.some((error) => error.pointer.startsWith(pointer)), `${JSON.stringify(spec)}: ${JSON.stringify(errors)}`);
	}
});

test('a fault that is told in part, since it is long, is one wherever it is cut', async () => {
	for (const ahead of ['', 'a', 'ab', 'abc']) {
		const long = ahead + '\u{1f47e}'.repeat(100);
		for (const [code, pointer, spec] of /** @type {[string, string, object][]} */ ([
			['invalid_request', `/${ahead}`, { [long]: 1 }], ['invalid_value', `/labels/${ahead}`, { labels: { [long]: 'x' } }], ['invalid_value', '/file', { file: long }],
		])) {
			const { status, json } = await shared.client.request('POST', '/instances', { json: { target: 'board', start: false, ...spec } });
			assert.deepEqual([status, json.code], [code === 'invalid_request' ? 400 : 422, code], JSON.stringify(spec));
			assert.deepEqual(json.errors.map((/** @type {{pointer: string}} */ error) => error.pointer.startsWith(pointer)), [true]);
		}
	}
});

test('what cannot name a file is refused', async () => {
	for (const file of ['', 'sha256:', 'sha256:abc', { sha256: 'abc' }, { path: '' }, {}, 5, ['a']]) {
		const { status, json } = await shared.client.request('POST', '/instances', { json: { target: 'board', start: false, file } });
		assert.ok([400, 422].includes(status), JSON.stringify(file));
		assert.match(json.detail, /file|SHA-256/, JSON.stringify(file));
	}
});

test('text with a NUL in it is refused', async () => {
	for (const spec of [{ args: ['a\0b'] }, { labels: { a: 'b\0' } }, { path: '/tmp/a\0b' }, { file: `${firmware('hello')}\0` }]) {
		const { status } = await shared.client.request('POST', '/instances', { json: { target: 'board', start: false, ...spec } });
		assert.ok([400, 422].includes(status), JSON.stringify(spec));
	}
});

test('a file named in two ways at once is refused', async () => {
	const file = { path: firmware('hello'), sha256: '0'.repeat(64) };
	await refusedSpec(400, 'invalid_request', { target: 'board', file });
});

test('an id in the path that cannot be one is refused and creates nothing', async () => {
	for (const id of ['.hidden', 'a%20b', 'x'.repeat(64), 'a%2Fb', '%2e%2e']) {
		const { status } = await shared.client.request('PUT', `/instances/${id}`, { json: { target: 'board', start: false } });
		assert.ok([400, 404, 422].includes(status), `${id}: ${status}`);
	}
	for (const { id } of (await shared.client.get('/instances')).json.instances) assert.match(id, /^[A-Za-z0-9][\w.-]*$/);
});

test('an id in the body other than in the path is refused', async () => {
	await refusedSpec(422, 'invalid_value', { target: 'board', id: 'another' });
});

test('a file that is named by a relative path is refused at its field', async () => {
	for (const file of ['fw.elf', { path: 'fw.elf' }])
		for (const at of ['/instances', '/runs']) {
			const { errors } = await shared.client.refused(422, 'invalid_value', 'POST', at, { json: { target: 'board', file } });
			assert.deepEqual(errors, [{ pointer: '/file', detail: 'a file is named by an absolute path, not "fw.elf"' }]);
		}
});

test('what is not JSON in UTF-8 is refused, with the place', async () => {
	for (const body of ['{"target":', '{"target":"board"} x', '{"a":1,"a":2}', "{'target':'board'}", '', Buffer.from('{"target":"\xff"}', 'latin1')]) {
		const reply = await shared.client.request('POST', '/instances', { body, headers: { 'content-type': 'application/json' } });
		assert.ok(['invalid_json', 'invalid_request'].includes(reply.json.code), `${body}: ${reply.text}`);
		assert.equal(reply.status, 400);
	}
	const { detail } = await shared.client.refused(400, 'invalid_json', 'POST', '/instances',
		{ body: '{"target":"board",\n "file" 5}', headers: { 'content-type': 'application/json' } });
	assert.match(detail, /line 2|2:/);
});

test('JSON nested without end is refused', async () => {
	const body = '['.repeat(500_000);
	await shared.client.refused(400, 'invalid_json', 'POST', '/instances', { body, headers: { 'content-type': 'application/json' } });
});

test('a body of another type is refused where JSON is wanted', async () => {
	for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
		await shared.client.refused(415, 'unsupported_media_type', 'POST', '/instances', { body: '{}', headers: { 'content-type': type } });
});

test('JSON may come with a charset, in any case of letters', async () => {
	const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
	await shared.client.post('/instances', { body: '{"target":"board","start":false}', headers, expect: 201 });
});

test('an action without a body needs no type, and one that takes none refuses one', async () => {
	await shared.client.startBoard('bodies', 'hello');
	await shared.client.post('/instances/bodies/reset');
	await shared.client.refused(400, 'invalid_request', 'POST', '/instances/bodies/reset', { json: { hard: true } });
	await shared.client.refused(400, 'invalid_request', 'POST', '/instances/bodies/restart', { json: { hard: true } });
});

test('bodies beyond the limit are refused', async () => {
	const body = JSON.stringify({ target: 'board', labels: { a: 'x'.repeat(2 << 20) } });
	await shared.client.refused(413, 'too_large', 'POST', '/instances', { body, headers: { 'content-type': 'application/json' } });
	await shared.client.startBoard('large-input', 'echo');
	await shared.client.refused(413, 'too_large', 'POST', '/instances/large-input/channels/serial0/input', { body: Buffer.alloc((1 << 20) + 1) });
});

test('every unknown query parameter is named', async () => {
	const { errors } = await shared.client.refused(400, 'unknown_parameter', 'GET', '/instances?limt=1&stat=x');
	assert.deepEqual(errors.map(({ pointer }) => pointer).sort(), ['?limt', '?stat']);
});

test('query parameters that do not fit are refused', async () => {
	await shared.client.startBoard('queries', 'hello');
	const output = '/instances/queries/channels/serial0/output';
	for (const url of [
		'/instances?limit=0', '/instances?limit=1001', '/instances?limit=x', '/instances?limit=', '/instances?state=happy', '/instances?label=nocolon',
		'/instances?limit=1&limit=2', `${output}?offset=abc`, `${output}?offset=1.5`, `${output}?offset=99999999999999999999`,
		`${output}?limit=-1`, `${output}?follow=maybe`, '/instances/queries/wait', '/instances/queries/wait?for=ever',
		'/instances/queries/wait?for=ended&timeout=-1', '/instances/queries/wait?for=ended&timeout=nan', '/instances/queries/wait?for=ended&timeout=1e9',
	]) {
		const reply = await shared.client.request('GET', url);
		assert.deepEqual([reply.status, reply.json.code], [400, 'invalid_parameter'], `${url}: ${reply.text}`);
	}
	const { status } = await shared.client.request('GET', output, { headers: { accept: 'text/event-stream', 'last-event-id': 'x' } });
	assert.equal(status, 400);
});

test('unknown resources are not found and other methods not allowed', async () => {
	await shared.client.refused(404, 'not_found', 'GET', '/nothing');
	await shared.client.refused(404, 'not_found', 'GET', '/instances/');
	await shared.client.refused(404, 'not_found', 'GET', '/instances/nobody');
	await shared.client.refused(404, 'not_found', 'POST', '/instances/nobody/stop');
	await shared.client.refused(404, 'not_found', 'GET', '/instances/nobody/channels/serial0/output');
	await shared.client.refused(404, 'not_found', 'GET', '/files/abc');
	await shared.client.refused(405, 'method_not_allowed', 'DELETE', '/instances');
	await shared.client.refused(405, 'method_not_allowed', 'PATCH', '/instances/nobody');
	await shared.client.refused(405, 'method_not_allowed', 'GET', '/instances/nobody/stop');
});

test('bad input is answered in milliseconds', async () => {
	const times = [];
	for (let round = 0; round < 20; round++) {
		const begin = performance.now();
		await shared.client.refused(422, 'unknown_target', 'POST', '/instances', { json: { target: 'nowhere' } });
		times.push(performance.now() - begin);
	}
	const median = times.sort((a, b) => a - b)[10];
	assert.ok(median < 50, `${median} ms`);
});

test('instances beyond the limit are refused with a time to try again', async (t) => {
	const emud = await startEmud(t, { server: { limits: { running_instances: 1, instances: 3 } } });
	const client = emud.client();
	await client.startBoard('one', 'hello');
	await client.refused(429, 'too_many_instances', 'PUT', '/instances/two', { json: { target: 'board', file: firmware('hello') } });
	await client.put('/instances/two', { json: { target: 'board', start: false }, expect: 201 });
	await client.refused(429, 'too_many_instances', 'POST', '/instances/two/start');
	await client.put('/instances/three', { json: { target: 'board', start: false }, expect: 201 });
	await client.refused(429, 'too_many_instances', 'PUT', '/instances/four', { json: { target: 'board', start: false } });
	await client.delete('/instances/one');
	await client.post('/instances/two/start', { json: { file: firmware('hello') } });
});
