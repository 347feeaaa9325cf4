import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { makeConfig } from '../lib/targets.mjs';

const shared = shareEmud();

test('health and readiness are ok', async () => {
	assert.deepEqual((await shared.client.get('/healthz')).json, { status: 'ok' });
	assert.deepEqual((await shared.client.get('/readyz')).json, { status: 'ok' });
});

test('the version tells QEMU by its version', async () => {
	const emulator = async () => (await shared.client.get('/version')).json.emulators.qemu;
	const { available, version } = await until(async () => (await emulator()).version && emulator(), 'QEMU to be asked');
	assert.equal(available, true);
	assert.match(version, /^\d+\.\d+/);
});

test('the metrics count requests in the Prometheus text format', async () => {
	await shared.client.get('/version');
	const { text, headers } = await shared.client.get('/metrics');
	assert.match(headers['content-type'], /^text\/plain/);
	assert.match(text, /^# TYPE \w+ (counter|gauge)$/m);
	for (const line of text.trim().split('\n')) assert.match(line, /^(#.*|[a-zA-Z_:][\w:]*(\{.*\})? [-+.\deE]+|)$/);
});

test('the specification is served as it stands, as YAML and as JSON', async () => {
	const { specification } = await import('../lib/specification.mjs');
	const { json } = await shared.client.get('/openapi.json');
	assert.deepEqual(json, specification);
	const { parse } = await import('yaml');
	assert.deepEqual(parse((await shared.client.get('/openapi.yaml')).text), specification);
});

test('every call answers without the version prefix too', async () => {
	const client = shared.emud.client({ version: '' });
	await client.get('/version');
	await client.get('/instances');
	client.close();
});

test('HEAD has the headers of GET and no body', async () => {
	const get = await shared.client.get('/targets');
	const head = await shared.client.request('HEAD', '/targets', { expect: 200 });
	assert.equal(head.body.length, 0);
	assert.equal(head.headers['content-length'], get.headers['content-length']);
	assert.equal(head.headers.etag, get.headers.etag);
});

test('OPTIONS tells the methods of a path', async () => {
	const { headers } = await shared.client.request('OPTIONS', '/instances', { expect: 204 });
	assert.deepEqual(headers.allow.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'POST']);
});

test('an unchanged answer is not sent again', async () => {
	const { headers } = await shared.client.get('/targets');
	const again = await shared.client.request('GET', '/targets', { headers: { 'if-none-match': headers.etag }, expect: 304 });
	assert.equal(again.body.length, 0);
	assert.equal(again.headers.etag, headers.etag);
});

test('JSON and assets are compressed for who accepts it', async () => {
	for (const path of ['/openapi.json', '/ui/app.js']) {
		const plain = await shared.client.get(path);
		assert.equal(plain.headers['content-encoding'], undefined);
		const packed = await shared.client.get(path, { headers: { 'accept-encoding': 'gzip' } });
		assert.equal(packed.headers['content-encoding'], 'gzip', path);
		assert.match(packed.headers.vary, /accept-encoding/i);
		assert.deepEqual(packed.body, plain.body);
	}
});

test('a sane request id of the client is kept, an insane one is replaced', async () => {
	const kept = await shared.client.get('/healthz', { headers: { 'x-request-id': 'ci-job.4711' } });
	assert.equal(kept.headers['x-request-id'], 'ci-job.4711');
	const replaced = await shared.client.get('/healthz', { headers: { 'x-request-id': 'a b="c"' } });
	assert.notEqual(replaced.headers['x-request-id'], 'a b="c"');
});

test('pages and assets come with a policy, and nothing outside them is served', async () => {
	for (const path of ['/', '/docs', '/ui/app.js', '/ui/vendor/xterm/xterm.mjs', '/ui/vendor/swagger-ui/swagger-ui.css'])
		await shared.client.get(path);
	for (const path of ['/ui/nothing.js', '/ui/../openapi/openapi.yaml', '/ui/%2e%2e/openapi/openapi.yaml', '/ui/lib'])
		assert.ok([400, 404].includes((await shared.client.request('GET', path)).status), path);
});

test('a reload puts a new target in force', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const { json } = await client.post('/config/reload');
	assert.equal(json.path, emud.configFile);
	await client.refused(404, 'not_found', 'GET', '/targets/new-board');
	emud.writeConfig({ targets: { 'new-board': { qemu: { executable: 'qemu-system-arm', machine: 'lm3s6965evb' } } } });
	await client.post('/config/reload');
	await client.get('/targets/new-board');
});

test('a bad configuration is refused whole with every error, and the old one stays', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const config = makeConfig();
	Object.assign(config.pw.pw_emu.targets, {
		'bad-one': { qemu: { executable: 5, machine: 'lm3s6965evb' } },
		'bad-two': { qemu: { executable: 'qemu-system-arm' } },
		'good-one': { qemu: { executable: 'qemu-system-arm', machine: 'lm3s6965evb' } },
	});
	writeFileSync(emud.configFile, JSON.stringify(config, null, '\t'));
	const { errors } = await client.refused(422, 'invalid_configuration', 'POST', '/config/reload');
	assert.equal(errors.length, 2, JSON.stringify(errors));
	for (const { detail } of errors) assert.match(detail, /config\.json:\d+: pw\.pw_emu\.targets\.bad-(one|two)\.qemu[.\w]*: /);
	await client.refused(404, 'not_found', 'GET', '/targets/good-one');
	await client.get('/targets/board');
});
