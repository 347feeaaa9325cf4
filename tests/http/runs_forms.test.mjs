// The forms in which a run is asked for and answered: text, JSON, JUnit, live, as an exit code of curl; and again.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { within } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { beginRun, boardOf, runFirmware, streamRun, untilBoardGone, untilEnded, untilPrinted, withQuery } from '../lib/runs.mjs';
import { crash, exit, print, read, script } from '../lib/script.mjs';

const shared = shareEmud();

const passing = script([print('boot\nPASSED\nmore')]);
const failing = script([print('boot\nFAILED\n')]);
const PATTERNS = { target: 'board', pass: 'PASSED', fail: 'FAILED' };

/** @param {string} type */
const accept = (type) => ({ headers: { accept: type } });

/** The last line of a run's text. @param {string} text */
const lastLine = (text) => /** @type {string} */ (text.trimEnd().split('\n').at(-1));

// ---- text, JSON, JUnit ----

test('a firmware that is sent answers with the console and a last line', async () => {
	for (const options of [{}, accept('*/*'), accept('text/plain'), accept('text/*;q=0.5, image/png')]) {
		const reply = await shared.client.post(withQuery(PATTERNS), { body: passing, ...options });
		assert.match(reply.headers['content-type'], /^text\/plain/);
		const id = reply.headers['emud-run'];
		assert.match(reply.text, new RegExp(`^boot\nPASSED\n(more\n)?emud: run ${id} passed: pass pattern "PASSED" at offset 5, \\d+\\.\\d{3} s\n$`));
		assert.deepEqual([reply.headers['emud-verdict'], reply.headers.location], ['passed', `/v1/runs/${id}`]);
	}
});

test('the last line stands on a line of its own and says why', async () => {
	/** @type {[Buffer[], import('../lib/runs.mjs').Parameters, RegExp][]} */
	const cases = [
		[[print('no end')], { pass: 'NEVER', timeout: 0.5 }, /^no end\nemud: run \d+ timed_out: nothing decided the run within 0\.5 s, /],
		[[print('bye'), exit(3)], {}, /^bye\nemud: run \d+ failed: the guest exited with code 3, /],
		[[exit(0)], {}, /^emud: run \d+ passed: guest_exit, /],
		[[print('two\nlines\n')], { fail: 'two\\nlines' }, /^two\nlines\nemud: run \d+ failed: fail pattern "two\\nlines" at offset 0, /],
	];
	for (const [steps, parameters, expected] of cases) {
		const { text } = await shared.client.post(withQuery({ target: 'board', ...parameters }), { body: script(steps) });
		assert.match(text, expected);
		assert.equal(text.trimEnd().split('\n').length, text.split('\n').length - 1);
	}
});

test('words of the emulator stay on the last line', async () => {
	const { text } = await shared.client.post('/runs?target=board', { body: script([print('oops\n'), crash()]) });
	assert.match(lastLine(text), /^emud: run \d+ crashed: .*SIGABRT.*Lockup.* s$/);
	assert.equal(text.indexOf('emud: run'), 'oops\n'.length);
});

test('PUT is POST', async () => {
	const reply = await shared.client.put(withQuery(PATTERNS), { body: passing });
	assert.match(lastLine(reply.text), /passed/);
});

test('a spec as JSON, and one with its firmware in a form, answer with JSON', async () => {
	const spec = { target: 'board', pass: ['PASSED'] };
	const named = await shared.client.post('/runs', { json: { ...spec, file: firmware('passed') } });
	const form = { spec: { content: JSON.stringify(spec), type: 'application/json' }, file: { content: passing, filename: 'fw.elf' } };
	for (const { json, headers } of [named, await shared.client.post('/runs', { form })]) {
		assert.deepEqual([json.verdict, headers['emud-verdict']], ['passed', 'passed']);
		assert.deepEqual([headers['emud-run'], headers.location], [json.id, `/v1/runs/${json.id}`]);
	}
	assert.equal(named.json.file.path, firmware('passed'));
	assert.match(lastLine((await shared.client.post('/runs', { json: { ...spec, file: firmware('passed') }, ...accept('text/plain') })).text), /passed/);
});

/** Values of an XPath in a report, by libxml2's xmllint. @param {string} xml @param {string} xpath */
function query(xml, xpath) {
	const { status, stdout, stderr } = spawnSync('xmllint', ['--nonet', '--xpath', xpath, '-'], { input: xml, encoding: 'utf8' });
	assert.equal(status, 0, `${xpath}: ${stderr}\n${xml}`);
	return stdout.trimEnd();
}

test('JUnit is XML that tells each case, whichever way it is asked for', async () => {
	const transcript = '[ RUN      ] Math.Adds\n[       OK ] Math.Adds (1 ms)\n[ RUN      ] Math.Divides\nby \x00\x1b[31m <zero> & \xff ]]>\n[  FAILED  ] Math.Divides (2 ms)\n';
	const elf = script([print(Buffer.from(transcript, 'latin1')), exit(1)]);
	const reply = await shared.client.post('/runs?target=board', { body: elf, ...accept('application/xml') });
	assert.match(reply.headers['content-type'], /^application\/xml/);
	const again = await shared.client.get(`/runs/${reply.headers['emud-run']}/junit`);
	for (const xml of [reply.text, again.text]) {
		assert.equal(query(xml, 'count(//testcase)'), '2');
		assert.equal(query(xml, 'string(//testcase[@name="Adds"]/@classname)'), 'Math');
		assert.equal(query(xml, 'count(//testcase[@name="Adds"]/failure)'), '0');
		assert.match(query(xml, 'string(//testcase[@name="Divides"]/failure)'), /<zero> & .*\]\]>/);
		assert.equal(query(xml, 'string(//testsuites/@failures)'), '1');
	}
});

test('JUnit of a run without cases is one case with its verdict', async () => {
	const { text } = await shared.client.post(withQuery(PATTERNS), { body: failing, ...accept('application/xml') });
	assert.equal(query(text, 'count(//testcase)'), '1');
	assert.equal(query(text, 'count(//testcase/failure)'), '1');
	const crashed = await shared.client.post('/runs?target=board', { body: script([crash()]), ...accept('application/xml') });
	assert.match(query(crashed.text, 'string(//testcase/error)'), /Lockup/);
});

test('a run that goes on has no report yet', async () => {
	const { id } = await beginRun(shared.client, failing, { pass: 'NEVER' });
	await shared.client.refused(409, 'conflict', 'GET', `/runs/${id}/junit`);
	await shared.client.delete(`/runs/${id}`, { expect: 200 });
	assert.equal(query((await shared.client.get(`/runs/${id}/junit`)).text, 'count(//testcase)'), '1');
});

test('a form that nobody has is refused before anything runs', async () => {
	const before = (await shared.client.get('/runs?limit=1')).json.runs[0].id;
	await shared.client.refused(406, 'not_acceptable', 'POST', withQuery(PATTERNS), { body: passing, ...accept('image/png') });
	await shared.client.refused(406, 'not_acceptable', 'POST', withQuery({ ...PATTERNS, stream: true }), { body: passing, ...accept('application/json') });
	assert.equal((await shared.client.get('/runs?limit=1')).json.runs[0].id, before);
});

// ---- strict ----

test('under strict the status is the verdict, in every form', async () => {
	/** @type {[string, Buffer[], import('../lib/runs.mjs').Parameters][]} */
	const verdicts = [
		['passed', [print('PASSED\n')], {}],
		['failed', [print('FAILED\n')], {}],
		['timed_out', [print('hello\n')], { timeout: 0.5 }],
		['crashed', [crash()], {}],
		['not_started', [], { args: ['-device', 'nowhere'] }],
	];
	for (const [verdict, steps, parameters] of verdicts) {
		const expect = verdict === 'passed' ? 200 : 417;
		const path = withQuery({ ...PATTERNS, strict: true, ...parameters });
		const { headers, json } = await shared.client.post(path, { body: script(steps), expect, ...accept('application/json') });
		assert.deepEqual([json.verdict, headers['emud-verdict'], headers['emud-run']], [verdict, verdict, json.id]);
		for (const type of ['text/plain', 'application/xml']) {
			const reply = await shared.client.post(path, { body: script(steps), expect, ...accept(type) });
			assert.ok(reply.headers['content-type'].startsWith(type));
		}
	}
});

test('under strict a run that somebody cancels is no pass', async () => {
	const stream = shared.client.post(withQuery({ ...PATTERNS, strict: true, label: 'test:canceled' }), { body: script([]), expect: 417 });
	const running = await within((async () => {
		for (;;) {
			const { json } = await shared.client.get('/runs?label=test:canceled');
			if (json.runs.length) return json.runs[0].id;
		}
	})(), 'the run to be there');
	await shared.client.delete(`/runs/${running}`, { expect: 200 });
	assert.equal((await stream).headers['emud-verdict'], 'canceled');
});

test('without strict every verdict is 200', async () => {
	const { json } = await shared.client.post(withQuery(PATTERNS), { body: failing, ...accept('application/json') });
	assert.equal(json.verdict, 'failed');
});

// ---- curl ----

/** @param {string[]} args */
async function curl(args) {
	const child = spawn('curl', ['-sS', '--max-time', '60', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	let stdout = '', stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	const [code] = await within(once(child, 'close'), 'curl to end');
	return { code, stdout, stderr };
}

/** @param {Buffer} elf */
function writeFirmware(elf) {
	const file = path.join(shared.emud.directory, 'fw.elf');
	writeFileSync(file, elf);
	return file;
}

test('one line of curl is a test step', async () => {
	const url = `${shared.emud.baseUrl}/runs?target=board&pass=PASSED&fail=FAILED&timeout=60&strict=true`;
	const good = await curl(['--fail-with-body', '-T', writeFirmware(passing), url]);
	assert.deepEqual([good.code, good.stderr], [0, '']);
	assert.match(good.stdout, /^boot\nPASSED\n(more\n)?emud: run \d+ passed: .*\n$/);
	const bad = await curl(['--fail-with-body', '-T', writeFirmware(failing), url]);
	assert.equal(bad.code, 22, bad.stderr);
	assert.match(bad.stdout, /^boot\nFAILED\nemud: run \d+ failed: fail pattern "FAILED" at offset 5, .*\n$/);
});

test('one line of curl that flows is a test step, too', async () => {
	const url = `${shared.emud.baseUrl}/runs?target=board&pass=PASSED&fail=FAILED&timeout=60&strict=true&stream=true`;
	const good = await curl(['-N', '-T', writeFirmware(passing), url]);
	assert.deepEqual([good.code, good.stderr], [0, '']);
	assert.match(lastLine(good.stdout), /^emud: run \d+ passed: /);
	const bad = await curl(['-N', '-T', writeFirmware(failing), url]);
	assert.equal(bad.code, 18, bad.stderr);
	assert.match(bad.stdout, /^boot\nFAILED\nemud: run \d+ failed: .*\n$/);
	const refused = await curl(['--fail-with-body', '-T', writeFirmware(passing.subarray(0, 100)), url]);
	assert.equal(refused.code, 22);
	assert.match(refused.stdout, /"code":"invalid_file"/);
});

// ---- live ----

const asking = script([print('ready? '), read(1), print('yes\nPASSED\n')]);

/** @param {import('../lib/client.mjs').Client} client @param {string} id */
async function answer(client, id) {
	const { id: instance } = await boardOf(client, id);
	await client.post(`/instances/${instance}/channels/serial0/input`, { body: 'y', expect: 200 });
}

for (const strict of [true, false])
	test(`with stream output comes before the verdict (strict=${strict})`, async () => {
		const stream = await streamRun(shared.client, asking, withQuery({ ...PATTERNS, stream: true, strict }));
		assert.match(stream.headers['content-type'], /^text\/plain/);
		assert.equal(stream.headers['emud-verdict'], undefined);
		const id = stream.headers['emud-run'];
		await stream.until('ready? ');
		assert.deepEqual([(await shared.client.get(`/runs/${id}`)).json.state, stream.length], ['running', 'ready? '.length]);
		await answer(shared.client, id);
		assert.equal(await stream.untilEnd(), 'end');
		assert.match(stream.bytes.toString(), /^ready\? yes\nPASSED\nemud: run \d+ passed: pass pattern "PASSED" at offset 11, .*\n$/);
	});

test('with stream a bad verdict ends the body unfinished under strict alone', async () => {
	for (const strict of [true, false]) {
		const stream = await streamRun(shared.client, failing, withQuery({ ...PATTERNS, stream: true, strict }));
		assert.equal(await stream.untilEnd(), strict ? 'broken' : 'end');
		assert.match(stream.bytes.toString(), /^boot\nFAILED\nemud: run \d+ failed: .*\n$/);
	}
});

test('with stream and a spec as JSON text flows as well', async () => {
	const json = { target: 'board', file: firmware('passed'), pass: ['PASSED'], stream: true };
	const { text } = await shared.client.post('/runs', { json });
	assert.match(text, /^test 1 ok\r\ntest 2 ok\r\nPASSED\r\nemud: run \d+ passed: /);
});

// ---- detached, and what is told of one ----

test('a detached run is answered at once', async () => {
	const reply = await shared.client.post(withQuery({ ...PATTERNS, detach: true }), { body: passing, expect: 202, ...accept('*/*') });
	const { id } = reply.json;
	assert.deepEqual([reply.headers.location, reply.headers['emud-run'], reply.headers['emud-verdict']], [`/v1/runs/${id}`, id, undefined]);
	assert.deepEqual([reply.json.verdict, reply.json.detach, reply.json.ended_at], [null, true, null]);
	assert.equal((await untilEnded(shared.client, id)).verdict, 'passed');
});

test('HEAD answers as GET does, and other methods are named', async () => {
	const { id } = await runFirmware(shared.client, passing, PATTERNS);
	for (const name of ['/runs', `/runs/${id}`, `/runs/${id}/output`, `/runs/${id}/junit`]) {
		const { status, body } = await shared.client.request('HEAD', name);
		assert.deepEqual([status, body.length], [200, 0], name);
		for (const method of ['PATCH', 'DELETE'])
			if (method === 'PATCH' || name !== `/runs/${id}`) await shared.client.refused(405, 'method_not_allowed', method, name);
	}
	await shared.client.refused(405, 'method_not_allowed', 'GET', `/runs/${id}/rerun`);
});

test('a run that is not there is not found', async () => {
	for (const id of ['0', '999999', '-1', '01', '1x', 'run-1', '9223372036854775808', '%2e%2e', '1%00'])
		for (const [method, rest] of [['GET', ''], ['DELETE', ''], ['GET', '/output'], ['GET', '/junit'], ['POST', '/rerun']]) {
			const { status } = await shared.client.request(method, `/runs/${id}${rest}`);
			assert.ok(status === 404 || (status === 400 && id.startsWith('%')) || (status === 400 && id.endsWith('%00')), `${method} ${id}${rest}: ${status}`);
		}
});

test('a run that has ended is not sent twice to who has it', async () => {
	const { id } = await runFirmware(shared.client, passing, PATTERNS);
	// Behind its verdict its board is taken away, which the record tells.
	const { headers } = await untilBoardGone(shared.client, id);
	assert.ok(headers.etag);
	await shared.client.get(`/runs/${id}`, { headers: { 'if-none-match': headers.etag }, expect: 304 });
});

test('a page after the other tells every run once, newest first', async () => {
	/** @type {string[]} */
	const begun = [];
	for (let i = 0; i < 5; i++) begun.unshift((await beginRun(shared.client, passing, { ...PATTERNS, label: 'test:pages' })).id);
	const listed = [];
	let cursor = '';
	do {
		const { json } = await shared.client.get(`/runs?limit=2&label=test:pages${cursor}`);
		listed.push(...json.runs.map((/** @type {{id: string}} */ { id }) => id));
		cursor = json.next_cursor && `&cursor=${json.next_cursor}`;
	} while (cursor);
	assert.deepEqual(listed, begun);
	for (const id of begun) await untilEnded(shared.client, id);
});

// ---- output ----

test('output is read from anywhere, up to the verdict', async () => {
	const { id, output_bytes: length } = await runFirmware(shared.client, script([print('0123456789\n'), exit(0)]));
	assert.equal(length, 11);
	/** @type {[string, string, number][]} */
	const ranges = [['', '0123456789\n', 0], ['offset=3', '3456789\n', 3], ['offset=-4&limit=2', '78', 7], ['offset=-99', '0123456789\n', 0],
		['offset=11', '', 11], ['limit=0', '', 0], ['limit=99&follow=true', '0123456789\n', 0], ['offset=2&limit=3&follow=true', '234', 2]];
	for (const [parameters, text, offset] of ranges) {
		const reply = await shared.client.get(`/runs/${id}/output?${parameters}`);
		assert.equal(reply.text, text, parameters);
		assert.deepEqual([reply.headers['emud-offset'], reply.headers['emud-first-offset']], [String(offset), '0'], parameters);
		assert.equal(reply.headers['content-type'], 'application/octet-stream');
		assert.equal(reply.headers['x-content-type-options'], 'nosniff');
	}
	await shared.client.refused(416, 'range_not_satisfiable', 'GET', `/runs/${id}/output?offset=12`);
	await shared.client.refused(400, 'invalid_parameter', 'GET', `/runs/${id}/output?offset=x`);
	await shared.client.refused(400, 'invalid_parameter', 'GET', `/runs/${id}/output?limit=-1`);
	await shared.client.refused(406, 'not_acceptable', 'GET', `/runs/${id}/output`, accept('application/json'));
});

test('output of a run that goes on is read and followed to its end', async () => {
	const { id } = await beginRun(shared.client, asking, PATTERNS);
	await untilPrinted(shared.client, id, 'ready? ');
	assert.equal((await shared.client.get(`/runs/${id}/output`)).text, 'ready? ');
	assert.equal((await shared.client.get(`/runs/${id}/output?offset=-2`)).text, '? ');
	const followed = [await shared.client.follow(`/runs/${id}/output?follow=true`), await shared.client.follow(`/runs/${id}/output?follow=true&offset=-2`)];
	await answer(shared.client, id);
	for (const output of followed) assert.equal(await output.untilEnd(), 'end');
	assert.equal(followed[0].bytes.toString(), 'ready? yes\nPASSED\n');
	assert.equal(followed[1].bytes.toString(), '? yes\nPASSED\n');
});

test('output of a run that waits is followed from before it begins', async (t) => {
	const emud = await startEmud(t, { server: { limits: { running_instances: 1 } } });
	const client = emud.client();
	const first = await beginRun(client, asking, PATTERNS);
	await untilPrinted(client, first.id, 'ready? ');
	const second = await beginRun(client, passing, PATTERNS);
	const output = await client.follow(`/runs/${second.id}/output?follow=true`);
	const canceled = await beginRun(client, passing, PATTERNS);
	const nothing = await client.follow(`/runs/${canceled.id}/output?follow=true`);
	assert.deepEqual([(await client.get(`/runs/${second.id}`)).json.state, (await client.get(`/runs/${second.id}/output`)).text], ['queued', '']);
	await client.delete(`/runs/${canceled.id}`, { expect: 200 });
	assert.deepEqual([await nothing.untilEnd(), nothing.length], ['end', 0]);
	await answer(client, first.id);
	assert.equal(await output.untilEnd(), 'end');
	assert.match(output.bytes.toString(), /^boot\nPASSED\n/);
});

// ---- again ----

test('a run is repeated from its record', async () => {
	const parameters = { ...PATTERNS, label: 'commit:4f1c', timeout: 33, idle_timeout: 22, input: '[{"expect":"boot","send":"x"}]' };
	const first = await runFirmware(shared.client, passing, parameters);
	const { json } = await shared.client.post(`/runs/${first.id}/rerun`, { expect: 200 });
	assert.notEqual(json.id, first.id);
	assert.deepEqual([json.rerun_of, first.rerun_of, json.verdict], [first.id, null, 'passed']);
	for (const key of ['target', 'emulator', 'file', 'args', 'channel', 'pass', 'fail', 'timeout', 'idle_timeout', 'queue_timeout', 'input', 'labels', 'configuration'])
		assert.deepEqual(json[key], first[key], key);
	assert.equal((await shared.client.get(`/runs/${json.id}/output`)).text.slice(0, 12), 'boot\nPASSED\n');
	const again = await shared.client.post(`/runs/${json.id}/rerun`);
	assert.equal(again.json.rerun_of, json.id);
});

test('a firmware that a path named is repeated as it was, whatever has become of the path', async () => {
	const file = path.join(shared.emud.directory, 'named.elf');
	copyFileSync(firmware('passed'), file);
	const { json: first } = await shared.client.post('/runs', { json: { target: 'board', file, pass: ['PASSED'] } });
	writeFileSync(file, failing);
	const { json: changed } = await shared.client.post(`/runs/${first.id}/rerun`);
	assert.deepEqual([changed.verdict, changed.file.sha256], ['passed', first.file.sha256]);
	rmSync(file);
	const { json: gone } = await shared.client.post(`/runs/${first.id}/rerun`);
	assert.deepEqual([gone.verdict, gone.file.sha256], ['passed', first.file.sha256]);
});

test('a path\'s firmware is the one it named when the run was asked for', async (t) => {
	const emud = await startEmud(t, { server: { limits: { running_instances: 1 } } });
	const client = emud.client();
	const first = await beginRun(client, asking, PATTERNS);
	await untilPrinted(client, first.id, 'ready? ');
	const file = path.join(emud.directory, 'named.elf');
	copyFileSync(firmware('passed'), file);
	const { json: waiting } = await client.post('/runs', { json: { target: 'board', file, pass: ['PASSED'], detach: true }, expect: 202 });
	rmSync(file);
	await answer(client, first.id);
	assert.equal((await untilEnded(client, waiting.id)).verdict, 'passed');
});

test('a configuration that has changed since does not change what is repeated', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const first = await runFirmware(client, passing, { ...PATTERNS, target: 'board-two', channel: 'serial0' });
	const config = JSON.parse(readFileSync(emud.configFile, 'utf8'));
	delete config.pw.pw_emu.targets['board-two'];
	writeFileSync(emud.configFile, JSON.stringify(config));
	await client.post('/config/reload');
	await client.refused(422, 'unknown_target', 'PUT', withQuery({ target: 'board-two' }), { body: passing });
	const { json } = await client.post(`/runs/${first.id}/rerun`);
	assert.deepEqual([json.verdict, json.target, json.configuration], ['passed', 'board-two', first.configuration]);
});

test('a repeated run is answered as a first one is', async () => {
	const { id: bad } = await runFirmware(shared.client, failing, PATTERNS);
	const { id: good } = await runFirmware(shared.client, passing, PATTERNS);
	assert.equal((await shared.client.post(`/runs/${bad}/rerun?strict=true`, { expect: 417 })).json.verdict, 'failed');
	assert.equal((await shared.client.post(`/runs/${good}/rerun?strict=true`)).headers['emud-verdict'], 'passed');
	assert.match(lastLine((await shared.client.post(`/runs/${good}/rerun`, accept('text/plain'))).text), /passed/);
	assert.equal(query((await shared.client.post(`/runs/${bad}/rerun`, accept('application/xml'))).text, 'count(//failure)'), '1');
	const { json, headers } = await shared.client.post(`/runs/${good}/rerun?detach=true`, { expect: 202 });
	assert.deepEqual([json.rerun_of, json.detach, headers.location], [good, true, `/v1/runs/${json.id}`]);
	assert.equal((await untilEnded(shared.client, json.id)).verdict, 'passed');
	const stream = await streamRun(shared.client, undefined, `/runs/${bad}/rerun?stream=true&strict=true`);
	assert.equal(await stream.untilEnd(), 'broken');
	assert.match(stream.bytes.toString(), /^boot\nFAILED\nemud: run \d+ failed: /);
	await shared.client.refused(422, 'invalid_value', 'POST', `/runs/${good}/rerun?detach=true&strict=true`);
	await shared.client.refused(400, 'unknown_parameter', 'POST', `/runs/${good}/rerun?timeout=3`);
});

test('a run that has not ended is repeated as well', async () => {
	const { id } = await beginRun(shared.client, asking, PATTERNS);
	await untilPrinted(shared.client, id, 'ready? ');
	const { json } = await shared.client.post(`/runs/${id}/rerun?detach=true`, { expect: 202 });
	for (const each of [id, json.id]) {
		await answer(shared.client, each);
		assert.equal((await untilEnded(shared.client, each)).verdict, 'passed');
	}
});
