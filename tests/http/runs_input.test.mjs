// What POST /runs refuses: every offender is named, and nothing is left behind.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, test } from 'node:test';

import { checkAnswer } from '../lib/contract.mjs';
import { until, within } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { FIRMWARE_DIR, firmware } from '../lib/firmware.mjs';
import { exchangeRaw } from '../lib/raw.mjs';

const shared = shareEmud();

const passed = readFileSync(firmware('passed'));

/** @param {string[] | Record<string, string>} parameters those with a name that stands twice as a list of name=value */
const runs = (parameters) => `/runs?${Array.isArray(parameters) ? parameters.join('&') : new URLSearchParams(parameters)}`;

/**
 * Refused; gives what is named.
 * @param {number} status
 * @param {string} code
 * @param {string} path
 * @param {import('../lib/client.mjs').RequestOptions} [options]
 * @returns {Promise<string[]>}
 */
async function offenders(status, code, path, options) {
	const { errors } = await shared.client.refused(status, code, 'POST', path, options);
	return errors.map((/** @type {{pointer: string}} */ { pointer }) => pointer);
}

/** @param {object} json */
const malformed = (json) => offenders(400, 'invalid_request', '/runs', { json });
/** @param {object} json */
const meaningless = (json) => offenders(422, 'invalid_value', '/runs', { json: { target: 'board', ...json } });

/** @param {import('../lib/client.mjs').Client} client */
async function expectNothing(client) {
	for (const name of ['runs', 'instances', 'files']) assert.deepEqual((await client.get(`/${name}`)).json[name], [], name);
}

afterEach(() => expectNothing(shared.client));

/**
 * A body in chunks, without a Content-Length.
 * @param {{port: number}} emud
 * @param {string} path
 * @param {Buffer} body
 */
async function sendChunked(emud, path, body) {
	const headers = { 'transfer-encoding': 'chunked' };
	const request = http.request({ host: '127.0.0.1', port: emud.port, method: 'PUT', path: `/v1${path}`, headers });
	for (let at = 0; at < body.length; at += 10_000) request.write(body.subarray(at, at + 10_000));
	request.end();
	const [response] = await within(once(request, 'response'), `PUT ${path} in chunks`);
	const parts = [];
	for await (const part of response) parts.push(part);
	const bytes = Buffer.concat(parts);
	const json = response.headers['content-type']?.includes('json') ? JSON.parse(bytes.toString()) : undefined;
	checkAnswer('PUT', `/v1${path}`, { status: response.statusCode, headers: response.headers, body: bytes, json });
	return { status: response.statusCode, headers: response.headers, text: bytes.toString(), json };
}

// ---- form ----

test('unknown, missing and mistyped members are named, all of them', async () => {
	assert.deepEqual(await malformed({}), ['/target']);
	assert.deepEqual(await malformed({ target: 1, pass: 'PASSED', fail: [1], timeout: '60', colour: 'red', labels: { a: 1 } }),
		['/target', '/pass', '/fail', '/timeout', '/colour', '/labels']);
	assert.deepEqual(await malformed({ target: 'board', detach: 1, strict: 'yes', stream: null, args: 'x', file: 7, emulator: {}, channel: [] }),
		['/detach', '/strict', '/stream', '/args', '/file', '/emulator', '/channel']);
	assert.deepEqual(await malformed({ target: 'board', idle_timeout: null, queue_timeout: false, input: [{ expect: 'a' }, { send: 1 }, 'x', { snd: '' }] }),
		['/idle_timeout', '/queue_timeout', '/input/0/send', '/input/1/send', '/input/2', '/input/3/snd', '/input/3/send']);
});

test('query parameters that cannot be read are named, all of them', async () => {
	const parameters = ['timeout=soon', 'idle_timeout=nan', 'queue_timeout=inf', 'strict=maybe', 'label=red', 'label=a:1', 'label=a:2', 'input=%7B'];
	assert.deepEqual(await offenders(400, 'invalid_parameter', runs(['target=board', ...parameters]), { body: passed }),
		['?timeout', '?idle_timeout', '?queue_timeout', '?input', '?strict', '?label', '?label']);
	assert.deepEqual(await offenders(400, 'invalid_parameter', runs({ target: 'board', input: '[{"expect":"a"}]', file: '' })), ['?file', '?input/0/send']);
	assert.deepEqual(await offenders(400, 'unknown_parameter', runs({ target: 'board', labels: 'a:b', colour: 'red' })), ['?labels', '?colour']);
});

test('a parameter may be repeated only where it is a list', async () => {
	const parameters = ['target=board', 'pass=a', 'pass=b', 'timeout=1', 'timeout=2', 'target=other'];
	assert.deepEqual(await offenders(400, 'invalid_parameter', runs(parameters), { body: passed }), ['?timeout', '?target']);
});

test('JSON without its Content-Type is told how to say so', async () => {
	const body = JSON.stringify({ target: 'board' });
	const { detail } = await shared.client.refused(400, 'invalid_parameter', 'POST', '/runs', { body });
	assert.match(detail, /target.*required.*Content-Type: application\/json/);
	await shared.client.refused(400, 'invalid_parameter', 'PUT', '/runs', { body: passed, headers: { 'content-type': 'text/plain' } });
	await shared.client.refused(400, 'invalid_parameter', 'POST', '/runs');
});

test('JSON takes no query parameters', async () => {
	assert.deepEqual(await offenders(400, 'unknown_parameter', '/runs?strict=true&pass=a', { json: { target: 'board' } }), ['?pass', '?strict']);
	const form = { spec: { content: '{"target":"board"}' } };
	assert.deepEqual(await offenders(400, 'unknown_parameter', '/runs?label=a:b', { form }), ['?label']);
});

test('what is no JSON is refused', async () => {
	const headers = { 'content-type': 'application/json' };
	for (const body of ['', '{', '[]]', '{"target":"board","timeout":NaN}', '{"target":"board","timeout":1e999}', '{"target":"\xff"}'])
		await shared.client.refused(400, 'invalid_json', 'POST', '/runs', { body: Buffer.from(body, 'latin1'), headers });
	assert.deepEqual(await offenders(400, 'invalid_request', '/runs', { json: [] }), ['']);
});

test('a form has one spec and at most one file', async () => {
	const spec = { content: '{"target":"board"}' };
	const file = { content: passed, filename: 'passed.elf' };
	const refused = (/** @type {import('../lib/client.mjs').RequestOptions['form']} */ form) => shared.client.refused(400, 'invalid_request', 'POST', '/runs', { form });
	assert.match((await refused({ file })).detail, /`spec`/);
	assert.match((await refused({ spec, firmware: file })).detail, /firmware/);
	await shared.client.refused(400, 'invalid_json', 'POST', '/runs', { form: { spec: { content: 'target=board' }, file } });
	assert.deepEqual(await offenders(400, 'invalid_request', '/runs', { form: { spec: { content: '{"targt":"board"}' }, file } }), ['/targt', '/target']);
});

// ---- meaning ----

test('times out of range are refused, in JSON and in the query', async () => {
	assert.deepEqual(await meaningless({ timeout: 0, idle_timeout: 0, queue_timeout: -1 }), ['/timeout', '/idle_timeout', '/queue_timeout']);
	assert.deepEqual(await meaningless({ timeout: -1, idle_timeout: 2678401, queue_timeout: 1e300 }), ['/timeout', '/idle_timeout', '/queue_timeout']);
	assert.deepEqual(await offenders(422, 'invalid_value', runs({ target: 'board', timeout: '0', idle_timeout: '-0.5', queue_timeout: '1e9' }), { body: passed }),
		['?timeout', '?idle_timeout', '?queue_timeout']);
});

test('too many patterns, steps and bytes are refused', async () => {
	const many = Array.from({ length: 65 }, (_, index) => `p${index}`);
	assert.deepEqual(await meaningless({ pass: many, fail: ['', 'x'.repeat(4097)], input: many.map((send) => ({ send })) }),
		['/pass', '/fail/0', '/fail/1', '/input']);
	assert.deepEqual(await meaningless({ input: [{ expect: '', send: 'a', send_base64: 'YQ==' }, { send_base64: '?' }] }),
		['/input/0/expect', '/input/0/send_base64', '/input/1/send_base64']);
	assert.deepEqual(await offenders(422, 'invalid_value', runs(['target=board', 'pass=', 'pass=a', 'fail=']), { body: passed }), ['?pass/0', '?fail/0']);
});

test('labels are checked as those of an instance', async () => {
	assert.deepEqual(await meaningless({ labels: { '-a': 'b', ok: 'x'.repeat(256) } }), ['/labels/-a', '/labels/ok']);
	assert.deepEqual(await offenders(422, 'invalid_value', runs(['target=board', 'label=-a:b', 'label=ok:1'])), ['?label/-a']);
});

test('who goes at once cannot wait for the verdict', async () => {
	assert.deepEqual(await meaningless({ detach: true, strict: true, stream: true }), ['/strict', '/stream']);
	assert.deepEqual(await offenders(422, 'invalid_value', runs({ target: 'board', detach: '', strict: '1' })), ['?strict']);
});

test('what flows is text, and an answer has a form', async () => {
	const headers = { accept: 'application/json' };
	await shared.client.refused(406, 'not_acceptable', 'POST', '/runs', { json: { target: 'board', stream: true }, headers });
	await shared.client.refused(406, 'not_acceptable', 'POST', '/runs', { json: { target: 'board' }, headers: { accept: 'image/png' } });
});

test('an unknown target is refused with the one that was meant, an unknown emulator with those there are', async () => {
	const { detail } = await shared.client.refused(422, 'unknown_target', 'PUT', runs({ target: 'bord' }), { body: passed });
	assert.match(detail, /board/);
	await shared.client.refused(422, 'unknown_emulator', 'POST', '/runs', { json: { target: 'board', emulator: 'bochs' } });
	await shared.client.refused(503, 'emulator_unavailable', 'PUT', runs({ target: 'not-installed' }), { body: passed });
});

test('an unknown console is refused with those there are', async () => {
	for (const channel of ['uart9', 'gdb', '']) {
		const { detail } = await shared.client.refused(422, 'invalid_value', 'PUT', runs({ target: 'board-two', channel }), { body: passed });
		assert.match(detail, /serial0, serial1/);
	}
});

test('an invalid pattern is refused with its place', async () => {
	const json = { target: 'board', pass: ['ok', 'a(b'], fail: ['[z-a]', 'a?'], input: [{ expect: '*', send: '' }] };
	const { errors } = await shared.client.refused(422, 'invalid_pattern', 'POST', '/runs', { json });
	assert.deepEqual(errors.map((/** @type {{pointer: string}} */ { pointer }) => pointer), ['/input/0/expect', '/pass/1', '/fail/0', '/fail/1']);
	assert.match(errors[0].detail, /quantifier does not follow a repeatable item, at offset 0/);
	assert.match(errors[1].detail, /missing closing parenthesis, at offset 3/);
	assert.deepEqual(await offenders(422, 'invalid_pattern', runs(['target=board', 'pass=ok', 'pass=%28', 'fail=%5B']), { body: passed }), ['?pass/1', '?fail/0']);
});

// ---- firmware ----

test('a firmware that is damaged or made for another machine is refused, however it comes', async () => {
	const foreign = readFileSync(firmware('hello', 'riscv32-virt'));
	for (const content of [passed.subarray(0, 100), foreign]) {
		await shared.client.refused(422, 'invalid_file', 'PUT', runs({ target: 'board' }), { body: content });
		const form = { spec: { content: '{"target":"board"}' }, file: { content } };
		await shared.client.refused(422, 'invalid_file', 'POST', '/runs', { form });
		assert.equal((await sendChunked(shared.emud, runs({ target: 'board' }), content)).json.code, 'invalid_file');
	}
	await shared.client.refused(422, 'invalid_file', 'POST', '/runs', { json: { target: 'board', file: firmware('hello', 'riscv32-virt') } });
});

test('a firmware that is not there, or not to be seen, is refused', async () => {
	const refused = (/** @type {number} */ status, /** @type {string} */ code, /** @type {unknown} */ file) =>
		shared.client.refused(status, code, 'POST', '/runs', { json: { target: 'board', file } });
	await refused(422, 'file_not_found', `sha256:${'0'.repeat(64)}`);
	await refused(422, 'file_not_found', { path: `${FIRMWARE_DIR}/none.elf` });
	await refused(403, 'path_not_allowed', '/etc/passwd');
	await refused(422, 'invalid_value', { sha256: '12' });
	await shared.client.refused(422, 'file_not_found', 'POST', runs({ target: 'board', file: `sha256:${'0'.repeat(64)}` }));
});

test('a firmware is sent or named, not both', async () => {
	assert.deepEqual(await offenders(422, 'invalid_value', runs({ target: 'board', file: firmware('passed') }), { body: passed }), ['?file']);
	const form = { spec: { content: JSON.stringify({ target: 'board', file: firmware('passed') }) }, file: { content: passed } };
	assert.deepEqual(await offenders(422, 'invalid_value', '/runs', { form }), ['/file']);
});

test('what is too large is refused, before it is sent where its length is told', async (t) => {
	const emud = await startEmud(t, { server: { limits: { file_bytes: 65536, body_bytes: 4096, input_bytes: 8 } } });
	const client = emud.client();
	const large = Buffer.alloc(200_000, 'x');
	await client.refused(413, 'too_large', 'PUT', runs({ target: 'board' }), { body: large });
	assert.equal((await sendChunked(emud, runs({ target: 'board' }), large)).json.code, 'too_large');
	await client.refused(413, 'too_large', 'POST', '/runs', { json: { target: 'board', pass: ['x'.repeat(5000)] } });
	const form = { spec: { content: JSON.stringify({ target: 'x'.repeat(5000) }) }, file: { content: 'x' } };
	await client.refused(413, 'too_large', 'POST', '/runs', { form });
	const { errors } = await client.refused(422, 'invalid_value', 'POST', '/runs', { json: { target: 'board', input: [{ send: '123456789' }] } });
	assert.match(errors[0].detail, /8 bytes/);
	await expectNothing(client);
});

test('what the head tells is refused before the body is asked for', async () => {
	const target = runs({ target: 'board', timeout: '0' });
	const head = `PUT /v1${target} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n`;
	const { status, json } = await exchangeRaw(shared.emud, head, { method: 'PUT', target });
	assert.deepEqual([status, json.code], [422, 'invalid_value']);
});

test('a client that leaves in the middle of its firmware leaves nothing', async () => {
	const request = http.request({
		host: '127.0.0.1', port: shared.emud.port, method: 'PUT', path: `/v1${runs({ target: 'board' })}`,
		headers: { 'content-length': String(passed.length), expect: '100-continue' },
	});
	request.on('error', () => {});
	request.flushHeaders();
	await within(once(request, 'continue'), 'the body to be asked for');
	request.write(passed.subarray(0, 1000));
	const uploads = () => readdirSync(`${shared.emud.stateDir}/files`).length;
	await until(() => uploads() === 1, 'the firmware to come in');
	request.destroy();
	await until(() => uploads() === 0, 'the half of it to be removed');
});

// ---- what is taken ----

test('a firmware in chunks, and one that is asked for with 100 Continue, runs', async (t) => {
	const emud = await startEmud(t);
	const reply = await sendChunked(emud, runs(['target=board', 'pass=NEVER', 'pass=PASS%5BE%5DD', 'fail=FAILED', 'label=a:b', 'label=c:d:e', 'timeout=604800']), passed);
	assert.equal(reply.status, 200, reply.text);
	assert.equal(reply.headers['emud-verdict'], 'passed');
	const { json } = await emud.client().get(`/runs/${reply.headers['emud-run']}`);
	assert.deepEqual([json.pass, json.labels, json.timeout, json.queue_timeout], [['NEVER', 'PASS[E]D'], { a: 'b', c: 'd:e' }, 604800, 3600]);
	assert.deepEqual([json.matched.pattern, json.matched.index], ['PASS[E]D', 1]);
});
