import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
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

test('the service tells its limits, counts and where it lies', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_starts: 7, stop_timeout: 2.5 } } });
	const client = emud.client();
	await client.startBoard('one', 'echo');
	await client.put('/instances/two', { json: { target: 'board', start: false }, expect: 201 });
	const stream = await client.follow('/events', { headers: { accept: 'text/event-stream' } });
	const { json } = await client.get('/service');
	assert.equal(json.state_dir, emud.stateDir);
	assert.deepEqual([json.limits.kept_starts, json.limits.stop_timeout, json.limits.running_instances], [7, 2.5, 256]);
	assert.deepEqual([json.instances.running, json.instances.created, json.instances.failed], [1, 1, 0]);
	assert.deepEqual(json.runs, { queued: 0, running: 0 });
	assert.deepEqual([json.event_listeners, json.websockets], [1, 0]);
	assert.ok(json.free_bytes > 0 && json.free_bytes < json.disk_bytes);
	assert.ok(json.uptime > 0 && Math.abs(Date.parse(json.started_at) + 1000 * json.uptime - Date.now()) < 5000);
	assert.equal(json.config.path, emud.configFile);
	stream.close();
	await until(async () => (await client.get('/service')).json.event_listeners === 0, 'nobody to listen');
});

test('every limit of the configuration is told by the name it has there', async () => {
	const { specification } = await import('../lib/specification.mjs');
	const source = readFileSync(new URL('../../core/config/config.h', import.meta.url), 'utf8');
	const [, members] = /struct config_limits \{([^]*?)\} limits;/.exec(source) ?? [];
	const names = [...members.matchAll(/^\s*(?:uint64_t|double) (\w+);/gm)].map(([, name]) => name);
	assert.deepEqual(names.sort(), [...specification.components.schemas.ServiceLimits.required].sort());
});

test('runs that wait and run are counted', async (t) => {
	const emud = await startEmud(t, { server: { limits: { running_instances: 1 } } });
	const client = emud.client();
	const spec = { target: 'board', file: firmware('echo'), pass: ['never'], detach: true };
	const ids = [];
	for (let i = 0; i < 2; i++) ids.push((await client.post('/runs', { json: spec, expect: 202 })).json.id);
	await until(async () => (await client.get(`/runs/${ids[0]}`)).json.state === 'running', 'the first to run');
	assert.deepEqual((await client.get('/service')).json.runs, { queued: 1, running: 1 });
	for (const id of ids.reverse()) await client.request('DELETE', `/runs/${id}`, { expect: 200 });
	await until(async () => (await client.get('/instances')).json.instances.length === 0, 'its board to go');
	assert.deepEqual((await client.get('/service')).json.runs, { queued: 0, running: 0 });
});

test('what an administrator should see to is told with what to do', async (t) => {
	const emud = await startEmud(t, { targets: { 'also-not': { qemu: { executable: 'qemu-system-nowhere', machine: 'x' } } } });
	const client = emud.client();
	const service = async () => (await client.get('/service')).json;
	/** @param {string} code */
	const problems = async (code) => (await service()).problems.filter((/** @type {{code: string}} */ problem) => problem.code === code);
	const [missing, ...more] = await problems('emulator_unavailable');
	assert.match(missing.detail, /qemu-system-nowhere.*; needed by also-not, not-installed$/);
	assert.deepEqual(more, []);
	assert.deepEqual(await problems('disk_full'), []);
	const { confinement } = (await client.get('/version')).json;
	for (const [code, holds] of [['no_landlock', confinement.landlock_abi], ['no_seccomp', confinement.seccomp], ['no_cgroups', confinement.cgroup], ['no_namespaces', confinement.namespaces]])
		assert.equal((await problems(code)).length, holds ? 0 : 1, code);

	writeFileSync(emud.configFile, JSON.stringify({ server: { limits: { kept_starts: 'many' } } }));
	await client.refused(422, 'invalid_configuration', 'POST', '/config/reload');
	const { config } = await service();
	assert.match(config.refused.errors[0], /config\.json:1: server\.limits\.kept_starts: /);
	assert.equal((await problems('configuration_refused')).length, 1);

	emud.writeConfig({ server: { limits: { free_bytes: 2 ** 40 }, no_such_key: 1 } });
	await client.post('/config/reload');
	const { config: taken, free_bytes: free } = await service();
	assert.equal(taken.refused, null);
	assert.match(taken.warnings[0], /no_such_key/);
	assert.deepEqual(await problems('configuration_refused'), []);
	// A disk may have that much.
	const [full] = await problems('disk_full');
	assert.equal(full !== undefined, free < 2 ** 40);
	if (full) assert.match(full.detail, /bytes are free under .*: boards are paused/);
});
