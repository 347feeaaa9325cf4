import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const shared = shareEmud();

const digest = (/** @type {string | Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');

test('an uploaded firmware is stored under its digest and known by its header', async () => {
	const body = readFileSync(firmware('hello'));
	const reply = await shared.client.post('/files?name=hello.elf', { body, expect: 201 });
	assert.equal(reply.json.sha256, digest(body));
	assert.equal(reply.headers.location, `/v1/files/${digest(body)}`);
	assert.equal(reply.json.size, body.length);
	assert.equal(reply.json.name, 'hello.elf');
	assert.equal(reply.json.kind, 'elf32');
	assert.match(reply.json.machine, /arm/i);
	assert.equal(typeof reply.json.entry, 'number');
	assert.ok(Math.abs(Date.parse(reply.json.created_at) - Date.now()) < 60_000, reply.json.created_at);
	assert.deepEqual((await shared.client.get(`/files/${digest(body)}`)).json, reply.json);
});

test('the same bytes again are there already', async () => {
	const body = Buffer.from('the same bytes');
	const first = await shared.client.post('/files?name=first', { body, expect: 201 });
	const second = await shared.client.post('/files?name=second', { body, expect: 200 });
	assert.deepEqual(second.json, first.json);
});

test('a file comes as multipart, named as its part', async () => {
	const { json } = await shared.client.post('/files', { form: { file: { content: 'not an ELF', filename: 'notes.bin' } }, expect: 201 });
	assert.equal(json.name, 'notes.bin');
	assert.equal(json.kind, 'raw');
	assert.equal(json.machine, null);
	assert.equal(json.entry, null);
});

test('content comes back byte for byte, as no browser would run it', async () => {
	const body = Buffer.from('<script>alert(1)</script>');
	const { json } = await shared.client.post('/files', { body, headers: { 'content-type': 'text/html' }, expect: 201 });
	const reply = await shared.client.get(`/files/${json.sha256}/content`);
	assert.deepEqual(reply.body, body);
	assert.equal(reply.headers['content-type'], 'application/octet-stream');
	assert.equal(reply.headers['x-content-type-options'], 'nosniff');
	await shared.client.request('GET', `/files/${json.sha256}/content`, { headers: { 'if-none-match': reply.headers.etag }, expect: 304 });
});

test('files are listed by name, a page at a time', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	for (const name of ['c', 'a', 'b']) await client.post(`/files?name=${name}`, { body: `file ${name}`, expect: 201 });
	const first = (await client.get('/files?limit=2')).json;
	assert.deepEqual(first.files.map(({ name }) => name), ['a', 'b']);
	const second = (await client.get(`/files?limit=2&cursor=${encodeURIComponent(first.next_cursor)}`)).json;
	assert.deepEqual(second.files.map(({ name }) => name), ['c']);
	assert.equal(second.next_cursor, null);
});

test('an uploaded file starts a board, written either way', async () => {
	const body = readFileSync(firmware('passed'));
	const { sha256 } = (await shared.client.request('POST', '/files', { body })).json;
	for (const [id, file] of /** @type {[string, object | string][]} */ ([['by-object', { sha256 }], ['by-string', `sha256:${sha256}`]])) {
		const { json } = await shared.client.put(`/instances/${id}`, { json: { target: 'board', file }, expect: 201 });
		assert.deepEqual(json.file, { sha256 });
		await shared.client.waitForOutput(id, 'PASSED');
	}
});

test('a file in use cannot be deleted, an unused one can', async () => {
	const body = readFileSync(firmware('echo'));
	const { sha256 } = (await shared.client.request('POST', '/files', { body })).json;
	await shared.client.put('/instances/user', { json: { target: 'board', file: { sha256 } }, expect: 201 });
	await shared.client.refused(409, 'file_in_use', 'DELETE', `/files/${sha256}`);
	await shared.client.delete('/instances/user');
	await shared.client.delete(`/files/${sha256}`);
	await shared.client.refused(404, 'not_found', 'GET', `/files/${sha256}`);
	await shared.client.refused(404, 'not_found', 'GET', `/files/${sha256}/content`);
	await shared.client.refused(404, 'not_found', 'DELETE', `/files/${sha256}`);
});

test('a digest that nobody uploaded is no file', async () => {
	const file = { sha256: digest('nothing') };
	await shared.client.refused(422, 'file_not_found', 'POST', '/instances', { json: { target: 'board', file } });
});

test('a file beyond the limit is refused', async (t) => {
	const emud = await startEmud(t, { server: { limits: { file_bytes: 4096 } } });
	const client = emud.client();
	await client.post('/files', { body: Buffer.alloc(4096), expect: 201 });
	// The second is judged by its head alone.
	for (const size of [4097, 1 << 20]) {
		const { detail } = await client.refused(413, 'too_large', 'POST', '/files', { body: Buffer.alloc(size) });
		assert.equal(detail, 'the file has more than 4096 bytes (limits.file_bytes)');
	}
	await client.refused(413, 'too_large', 'POST', '/files', { form: { file: { content: Buffer.alloc(5000), filename: 'a' } } });
	assert.equal((await client.get('/files')).json.files.length, 1);
});

test('files survive emud', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const { json } = await client.post('/files?name=kept', { body: 'kept', expect: 201 });
	await emud.end('SIGKILL');
	await emud.start();
	assert.deepEqual((await client.get('/files')).json.files, [json]);
});
