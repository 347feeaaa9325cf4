import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { openStream, refusedStream } from '../lib/streams.mjs';

const TOKEN = 'correct-horse-battery-staple-0123456789';
const TOKENS = `# who may call\nalice ${TOKEN}\n`;

const shared = shareEmud();

/** What a browser sends from then on. @param {import('../lib/client.mjs').Client} client */
async function signIn(client, token = TOKEN) {
	const { headers } = await client.request('POST', '/session', { json: { token }, expect: 204 });
	return headers['set-cookie'][0].split(';')[0];
}

test('only address literals, localhost and listed names are taken as Host', async (t) => {
	const emud = await startEmud(t, { server: { hosts: ['boards.example'] } });
	const client = emud.client();
	const { port } = emud;
	const allowed = ['127.0.0.1', `127.0.0.1:${port}`, 'localhost', `localhost:${port}`, '[::1]', '[::1]:80', '10.1.2.3', 'boards.example', 'Boards.Example:8080'];
	for (const host of allowed) await client.get('/version', { headers: { host } });
	for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:80', 'boards.example.evil', 'a b'])
		assert.ok([400, 403].includes((await client.request('GET', '/version', { headers: { host } })).status), host);
	await client.refused(403, 'host_not_allowed', 'GET', '/', { headers: { host: 'evil.example' } });
	await client.refused(403, 'host_not_allowed', 'GET', '/healthz', { headers: { host: 'evil.example' } });
});

test('only our own origin and listed ones may call', async (t) => {
	const emud = await startEmud(t, { server: { origins: ['https://lab.example'] } });
	const client = emud.client();
	for (const origin of [emud.baseUrl, 'https://lab.example']) await client.get('/version', { headers: { origin } });
	const strange = ['http://evil.example', 'null', 'http://lab.example', 'https://lab.example.evil', `http://127.0.0.1:${emud.port + 1}`];
	for (const origin of strange) {
		const reply = await client.request('GET', '/version', { headers: { origin } });
		assert.deepEqual([reply.status, reply.json.code], [403, 'origin_not_allowed'], origin);
	}
	await client.refused(403, 'origin_not_allowed', 'POST', '/instances', { json: { target: 'board' }, headers: { origin: 'http://evil.example' } });
	assert.deepEqual((await client.get('/instances')).json.instances, []);
});

test('a page elsewhere cannot open a WebSocket', async () => {
	await shared.client.startBoard('ws-origin', 'hello');
	const path = '/instances/ws-origin/channels/serial0/stream';
	for (const origin of ['http://evil.example', 'null'])
		assert.equal((await refusedStream(shared.client, path, { origin })).code, 'origin_not_allowed');
	assert.equal((await refusedStream(shared.client, path, { host: 'evil.example' })).code, 'host_not_allowed');
	const own = await openStream(shared.client, path, { origin: shared.emud.baseUrl });
	await own.close();
});

test('with a token file every call but the open ones needs a token', async (t) => {
	const emud = await startEmud(t, { tokens: TOKENS });
	const nobody = emud.client();
	for (const open of ['/healthz', '/readyz', '/', '/docs', '/openapi.yaml', '/openapi.json', '/ui/app.js']) await nobody.get(open);
	for (const [method, path] of [['GET', '/version'], ['GET', '/instances'], ['GET', '/metrics'], ['POST', '/instances'], ['GET', '/files'],
		['POST', '/config/reload'], ['GET', '/targets'], ['DELETE', '/instances/x'], ['GET', '/nothing']])
		await nobody.refused(401, 'unauthorized', method, path);
	for (const authorization of [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, 'Bearer ', 'Bearer', `Basic ${TOKEN}`, TOKEN, 'Bearer alice', 'Bearer #'])
		await nobody.refused(401, 'unauthorized', 'GET', '/version', { headers: { authorization } });
	await nobody.get('/version', { headers: { authorization: `Bearer ${TOKEN}` } });
	await nobody.get('/version', { headers: { authorization: `bearer ${TOKEN}` } });
});

test('a token line without a name serves too', async (t) => {
	const emud = await startEmud(t, { tokens: 'only-a-token-4711\n' });
	await emud.client({ token: 'only-a-token-4711' }).get('/version');
});

test('tokens are never logged, names are', async (t) => {
	const emud = await startEmud(t, { tokens: TOKENS, args: ['--log-level', 'debug'] });
	await emud.client({ token: TOKEN }).get('/version');
	await emud.client({ token: 'a-wrong-token' }).refused(401, 'unauthorized', 'GET', '/version');
	await emud.client().request('POST', '/session', { json: { token: TOKEN }, expect: 204 });
	await emud.client().request('POST', '/session', { json: { token: 'another-wrong-token' }, expect: 401 });
	await emud.client({ token: TOKEN }).get('/version');
	assert.doesNotMatch(emud.stderr, new RegExp(`${TOKEN}|wrong-token`));
	assert.match(emud.stderr, /alice/);
});

test('a session stands for its token until it ends', async (t) => {
	const emud = await startEmud(t, { tokens: TOKENS });
	const client = emud.client();
	await client.refused(401, 'unauthorized', 'POST', '/session', { json: { token: 'wrong' } });
	const { headers } = await client.request('POST', '/session', { json: { token: TOKEN }, expect: 204 });
	const [setCookie] = headers['set-cookie'];
	assert.match(setCookie, /; ?HttpOnly/i);
	assert.match(setCookie, /; ?SameSite=Strict/i);
	const cookie = setCookie.split(';')[0];
	assert.ok(!cookie.includes(TOKEN));
	await client.get('/version', { headers: { cookie } });
	await client.get('/version', { headers: { cookie: `other=1; ${cookie}; more=2` } });
	await client.refused(401, 'unauthorized', 'GET', '/version', { headers: { cookie: `${cookie}x` } });
	await client.request('DELETE', '/session', { headers: { cookie }, expect: 204 });
	await client.refused(401, 'unauthorized', 'GET', '/version', { headers: { cookie } });
});

test('a session serves WebSockets and event streams, and outlives emud', async (t) => {
	const emud = await startEmud(t, { tokens: TOKENS });
	const client = emud.client();
	await emud.client({ token: TOKEN }).startBoard('with-session', 'hello');
	const cookie = await signIn(client);
	// On the same port: that is in the cookie's name.
	emud.options.listen = `127.0.0.1:${emud.port}`;
	await emud.end('SIGKILL');
	await emud.start();
	const path = '/instances/with-session/channels/serial0';
	assert.equal((await refusedStream(client, `${path}/stream`)).code, 'unauthorized');
	const socket = await openStream(client, `${path}/stream`, { cookie });
	await socket.until('Hello\r\n');
	await socket.close();
	const events = await client.follow(`${path}/output?follow=true`, { headers: { cookie, accept: 'text/event-stream' } });
	await events.until('data:');
	events.close();
});

test('two emuds of one host keep their sessions apart, as browsers do not', async (t) => {
	const emuds = [await startEmud(t, { tokens: TOKENS }), await startEmud(t, { tokens: 'bob another-token-of-bob\n' })];
	const [ours, theirs] = emuds.map((emud) => emud.client());
	await emuds[0].client({ token: TOKEN }).startBoard('apart', 'hello');
	const cookies = [await signIn(ours), await signIn(theirs, 'another-token-of-bob')];
	// A browser has one cookie of a name for all ports of a host, and sends those it has to each.
	const jar = new Map(cookies.map((cookie) => /** @type {[string, string]} */ (cookie.split('='))));
	const headers = { cookie: [...jar].map((pair) => pair.join('=')).join('; ') };
	for (const client of [ours, theirs]) await client.get('/version', { headers });
	const socket = await openStream(ours, '/instances/apart/channels/serial0/stream', headers);
	await socket.until('Hello\r\n');
	const events = await theirs.follow('/events', { headers: { ...headers, accept: 'text/event-stream' } });
	const left = await theirs.request('DELETE', '/session', { headers, expect: 204 });
	assert.match(left.headers['set-cookie'][0], new RegExp(`^${cookies[1].split('=')[0]}=;.*Max-Age=0`));
	assert.equal(await events.untilEnd(), 'broken');
	await theirs.refused(401, 'unauthorized', 'GET', '/version', { headers });
	await ours.get('/version', { headers });
	await socket.close();
});

test('a session is that of the port by which the browser came, or of none', async (t) => {
	const client = (await startEmud(t, { tokens: TOKENS })).client();
	for (const [host, name] of [['localhost:8080', 'emud_session_8080'], ['[::1]:8080', 'emud_session_8080'], ['localhost', 'emud_session']]) {
		const { headers } = await client.request('POST', '/session', { json: { token: TOKEN }, headers: { host }, expect: 204 });
		const cookie = headers['set-cookie'][0].split(';')[0];
		assert.equal(cookie.split('=')[0], name);
		await client.get('/version', { headers: { host, cookie } });
		await client.refused(401, 'unauthorized', 'GET', '/version', { headers: { host: 'localhost:8081', cookie } });
	}
});

/**
 * A console, and what follows it and emud: each by those headers.
 * @param {import('../lib/client.mjs').Client} client
 * @param {string} id
 * @param {Record<string, string>} headers
 */
async function openAll(client, id, headers) {
	const path = `/instances/${id}/channels/serial0`;
	const socket = await openStream(client, `${path}/stream`, headers);
	const followed = [
		await client.follow('/events', { headers: { ...headers, accept: 'text/event-stream' } }),
		await client.follow(`${path}/output?follow=true`, { headers: { ...headers, accept: 'text/event-stream' } }),
		await client.follow(`${path}/output?follow=true`, { headers }),
		await client.follow(`/instances/${id}/logs/qemu?follow=true`, { headers }),
	];
	return { socket, followed };
}

/** @param {Awaited<ReturnType<typeof openAll>>} opened */
async function ends({ socket, followed }) {
	await socket.untilEnd();
	const ways = await Promise.all(followed.map((stream) => stream.untilEnd()));
	assert.deepEqual(ways, ['broken', 'broken', 'broken', 'broken']);
	return socket.closed;
}

/** @param {Awaited<ReturnType<typeof openAll>>} opened */
async function goesOn({ socket, followed }) {
	const before = socket.length;
	socket.send('x');
	await socket.wait(() => socket.length > before, 'the echo');
	assert.deepEqual(followed.map(({ ended }) => ended), [null, null, null, null]);
	followed.forEach((stream) => stream.close());
	await socket.close();
}

test('what a session has opened ends with it', async (t) => {
	const emud = await startEmud(t, { tokens: TOKENS });
	const client = emud.client(), owner = emud.client({ token: TOKEN });
	await owner.startBoard('left', 'echo');
	const [cookie, other] = [await signIn(client), await signIn(client)];
	const ended = await openAll(client, 'left', { cookie }), kept = await openAll(client, 'left', { cookie: other });
	await client.request('DELETE', '/session', { headers: { cookie }, expect: 204 });
	assert.deepEqual(await ends(ended), { code: 1008, reason: 'the session has ended: sign in again' });
	await goesOn(kept);
});

test('what a token has opened, itself or by a session, ends once it is no longer in the file', async (t) => {
	const emud = await startEmud(t, { tokens: `bob another-token-of-bob\n${TOKENS}` });
	const owner = emud.client({ token: TOKEN });
	await owner.startBoard('taken', 'echo');
	const bob = { authorization: 'Bearer another-token-of-bob' };
	const client = emud.client();
	const cookie = await signIn(client, 'another-token-of-bob');
	const byToken = await openAll(client, 'taken', bob), bySession = await openAll(client, 'taken', { cookie });
	const kept = await openAll(client, 'taken', { cookie: await signIn(client) });
	writeFileSync(emud.tokenFile, TOKENS);
	await owner.post('/config/reload');
	assert.deepEqual(await ends(byToken), { code: 1008, reason: 'this token is not one of the token file' });
	assert.deepEqual(await ends(bySession), { code: 1008, reason: 'the token of this session is no longer valid: sign in again' });
	writeFileSync(emud.tokenFile, `${TOKENS}three words here\n`);
	const { detail, errors } = await owner.refused(422, 'invalid_configuration', 'POST', '/config/reload');
	assert.match(detail, /token file .*: line \d+: more than NAME and TOKEN/);
	assert.equal(errors, undefined);
	await goesOn(kept);
});

test('the raw endpoints of channels are off with tokens, unless asked for', async (t) => {
	const hidden = (await startEmud(t, { tokens: TOKENS })).client({ token: TOKEN });
	const { channels } = await hidden.startBoard('hidden', 'hello');
	for (const channel of Object.values(channels)) {
		assert.equal(channel.host, undefined);
		assert.equal(channel.port, undefined);
		assert.equal(channel.path, undefined);
	}
	await hidden.waitForOutput('hidden', 'Hello\r\n');
	assert.match((await hidden.post('/instances/hidden/gdb', { json: { commands: ['print 6 * 7'] } })).json.stdout, /42/);
	const open = (await startEmud(t, { tokens: TOKENS, server: { raw_channels: true } })).client({ token: TOKEN });
	assert.equal((await open.startBoard('open', 'hello')).channels.serial0.host, '127.0.0.1');
});

test('files outside the roots are not opened, by whatever way', async () => {
	const { emud, client } = shared;
	mkdirSync(emud.filesDir, { recursive: true });
	symlinkSync('/etc/passwd', path.join(emud.filesDir, 'link'));
	symlinkSync('/etc', path.join(emud.filesDir, 'directory'));
	for (const file of ['/etc/passwd', path.join(emud.filesDir, '../../../etc/passwd'), path.join(emud.filesDir, 'link'),
		path.join(emud.filesDir, 'directory/passwd'), `${emud.filesDir}/../../../etc/passwd`, '/proc/self/root/etc/passwd', `${emud.directory}-evil/x`])
		for (const form of [file, { path: file }]) {
			const reply = await client.request('POST', '/instances', { json: { target: 'board', file: form } });
			assert.deepEqual([reply.status, reply.json.code], [403, 'path_not_allowed'], file);
		}
	await client.startBoard('roots', 'hello');
	await client.refused(403, 'path_not_allowed', 'POST', '/instances/roots/load', { json: { file: '/etc/passwd' } });
	await client.refused(403, 'path_not_allowed', 'POST', '/instances/roots/gdb', { json: { commands: ['print 1'], executable: '/etc/passwd' } });
});

test('state directories outside the roots are not made, by whatever way', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const root = path.join(emud.directory, 'root');
	mkdirSync(root);
	symlinkSync('/tmp', path.join(root, 'link'));
	emud.writeConfig({ server: { path_roots: [root] } });
	await client.post('/config/reload');
	for (const directory of ['/tmp/elsewhere', `${root}/../elsewhere`, `${root}/link/elsewhere`, '/', root + 'x'])
		await client.refused(403, 'path_not_allowed', 'POST', '/instances', { json: { target: 'board', start: false, path: directory } });
	await client.post('/instances', { json: { target: 'board', start: false, path: path.join(root, 'inside') }, expect: 201 });
});

test('what emud keeps is private', async () => {
	const { path: directory } = await shared.client.startBoard('private', 'hello');
	for (const place of [shared.emud.stateDir, directory]) {
		assert.equal(statSync(place).mode & 0o077, 0, place);
		for (const name of readdirSync(place)) {
			const { mode } = statSync(path.join(place, name), { throwIfNoEntry: false }) ?? { mode: 0 };
			assert.equal(mode & 0o022, 0, `${name} can be written by others`);
		}
	}
	assert.equal(statSync(path.join(directory, 'control.sock')).mode & 0o177, 0);
});

test('what users sent or boards printed is never HTML', async () => {
	await shared.client.startBoard('html', 'echo');
	await shared.client.post('/instances/html/channels/serial0/input', { body: '<script>alert(1)</script>' });
	await shared.client.waitForOutput('html', '</script>');
	const { headers } = await shared.client.get('/instances/html/channels/serial0/output', { headers: { accept: 'text/html,*/*' } });
	assert.equal(headers['content-type'], 'application/octet-stream');
	assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('a guest writes no file outside its state directory', async () => {
	const victim = path.join(shared.emud.directory, 'victim');
	writeFileSync(victim, 'untouched');
	const spec = { file: firmware('hello'), target: 'board', args: ['-D', victim, '-d', 'in_asm'] };
	await shared.client.request('PUT', '/instances/confined', { json: spec });
	assert.equal(readFileSync(victim, 'utf8'), 'untouched');
});

test('without a token file emud listens on no address but loopback', async (t) => {
	await assert.rejects(startEmud(t, { listen: '0.0.0.0:0' }), /token/);
});

test('a token file that cannot be used starts nothing, and no start is told', async (t) => {
	const emud = await startEmud(t, { tokens: TOKENS });
	await emud.end();
	for (const [mode, text, words] of /** @type {[number, string, RegExp][]} */ ([[0o644, TOKENS, /mode 0644/], [0o600, 'alice and bob\n', /line 1/], [0o600, 'n\u00e4me correct-horse-battery\n', /line 1.*ASCII/]])) {
		writeFileSync(emud.tokenFile, text);
		chmodSync(emud.tokenFile, mode);
		await assert.rejects(emud.start(), words);
	}
	writeFileSync(emud.tokenFile, TOKENS);
	await emud.start();
	const { events } = (await emud.client({ token: TOKEN }).get('/events?type=service.*')).json;
	assert.deepEqual(events.map((/** @type {{type: string}} */ { type }) => type), ['service.started', 'service.stopping', 'service.started']);
});
