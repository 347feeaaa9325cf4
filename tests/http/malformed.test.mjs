// What libmicrohttpd lets through or would hang on, and emud must not.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';

import { within } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { exchangeRaw } from '../lib/raw.mjs';

const shared = shareEmud();

/**
 * @param {string | Buffer} bytes
 * @param {number[]} [statuses]
 * @param {{byLibrary?: boolean}} [options]
 */
async function refusedRaw(bytes, statuses = [400], options = {}) {
	const { status } = await exchangeRaw(shared.emud, bytes, options);
	assert.ok(statuses.includes(status), `${JSON.stringify(bytes.toString())} answered ${status}`);
	await shared.client.get('/healthz');
}

const get = (...lines) => ['GET /v1/version HTTP/1.1', ...lines, '', ''].join('\r\n');
const post = (...lines) => ['POST /v1/instances HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...lines, '', ''].join('\r\n');

test('a sound request by hand is answered', async () => {
	assert.equal((await exchangeRaw(shared.emud, get('Host: localhost'))).status, 200);
});

test('both Content-Length and Transfer-Encoding are refused', async () => {
	await refusedRaw(post('Content-Length: 2', 'Transfer-Encoding: chunked') + '0\r\n\r\n');
});

test('two Content-Lengths are refused, alike or not', async () => {
	await refusedRaw(post('Content-Length: 2', 'Content-Length: 2') + '{}');
	await refusedRaw(post('Content-Length: 2', 'Content-Length: 3') + '{}');
});

test('a Content-Length that is no number is refused', async () => {
	for (const length of ['-1', '+2', '0x2', '2, 2', '99999999999999999999999', ''])
		await refusedRaw(post(`Content-Length: ${length}`) + '{}', [400, 413], { byLibrary: true });
});

test('an unknown Transfer-Encoding is refused instead of hanging', async () => {
	await refusedRaw(post('Transfer-Encoding: gzip') + '{}', [400, 501]);
	await refusedRaw(post('Transfer-Encoding: chunked, gzip') + '{}', [400, 501]);
	await refusedRaw(post('Transfer-Encoding: xchunked') + '0\r\n\r\n', [400, 501]);
});

test('a missing Host, two of them, or none of use are refused', async () => {
	await refusedRaw(get());
	await refusedRaw(get('Host: localhost', 'Host: localhost'));
	await refusedRaw(get('Host: localhost', 'Host: evil.example'), [400, 403]);
	await refusedRaw(get('Host:'), [400, 403]);
});

test('a bare carriage return or a NUL in a header is refused', async () => {
	await refusedRaw(get('Host: localhost', 'X-Request-Id: a\rSet-Cookie: b'));
	await refusedRaw(get('Host: localhost', 'X-Other: a\0b'));
});

test('a NUL in the path, raw or encoded, is refused', async () => {
	await refusedRaw('GET /v1/version%00/../.. HTTP/1.1\r\nHost: localhost\r\n\r\n');
	await refusedRaw('GET /v1/version\0x HTTP/1.1\r\nHost: localhost\r\n\r\n');
	await refusedRaw('GET /v1/instances?state=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n');
});

test('a path with broken escapes or not in UTF-8 is refused', async () => {
	for (const target of ['/v1/%zz', '/v1/version%', '/v1/%ff', '/v1/%c0%ae', '/v1/instances?state=%zz', '/v1/instances?cursor=%ff'])
		await refusedRaw(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`, [400, 404]);
});

test('a request line or headers beyond all measure are refused', async () => {
	await refusedRaw(`GET /v1/version?${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, [414, 431], { byLibrary: true });
	await refusedRaw(get('Host: localhost', `X-Large: ${'x'.repeat(100_000)}`), [431], { byLibrary: true });
	await refusedRaw(get('Host: localhost', ...Array.from({ length: 5000 }, (_, index) => `X-${index}: y`)), [431], { byLibrary: true });
});

test('chunks that are broken are refused', async () => {
	await refusedRaw(post('Transfer-Encoding: chunked') + 'zz\r\n{}\r\n0\r\n\r\n', [400], { byLibrary: true });
	await refusedRaw(post('Transfer-Encoding: chunked') + '-1\r\n{}\r\n0\r\n\r\n', [400], { byLibrary: true });
});

test('a body in sound chunks is taken', async () => {
	const body = '{"target":"board","id":"chunked","start":false}';
	const bytes = `${post('Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
	assert.equal((await exchangeRaw(shared.emud, bytes, { method: 'POST', target: '/v1/instances' })).status, 201);
});

test('what is not HTTP ends the connection and nothing else', async () => {
	for (const bytes of ['{"execute":"quit"}\r\n\r\n', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0, 13, 10, 13, 10])]) {
		const socket = net.connect(shared.emud.port, '127.0.0.1');
		socket.write(bytes);
		socket.resume();
		await within(new Promise((resolve) => socket.on('close', resolve)), 'the connection to close');
	}
	await shared.client.get('/healthz');
});

test('a too large body is refused by its header, before it is sent', async () => {
	const bytes = post('Content-Length: 1000000000', 'Expect: 100-continue');
	const { status } = await exchangeRaw(shared.emud, bytes, { method: 'POST', target: '/v1/instances' });
	assert.equal(status, 413);
});

test('a client that goes away in the middle of a body leaves nothing behind', async () => {
	const socket = net.connect(shared.emud.port, '127.0.0.1');
	await new Promise((resolve) => socket.write('POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nbegin', () => resolve(null)));
	socket.destroy();
	await shared.client.get('/healthz');
	assert.deepEqual((await shared.client.get('/files')).json.files, []);
});

test('methods that emud does not know are refused', async () => {
	for (const method of ['BREW', 'TRACE', 'CONNECT', 'get'])
		await refusedRaw(`${method} /v1/version HTTP/1.1\r\nHost: localhost\r\n\r\n`, [400, 405, 501]);
});
