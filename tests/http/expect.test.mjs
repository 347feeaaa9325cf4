// POST .../expect: what it finds, where, and how it ends when there is nothing to find.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { within } from '../lib/deadline.mjs';
import { shareEmud, startEmud } from '../lib/emud.mjs';
import { numberedBytes } from '../lib/numbered.mjs';
import { findShim } from '../lib/shims.mjs';

const shared = shareEmud();

const path = (/** @type {string} */ id, channel = 'serial0') => `/instances/${id}/channels/${channel}/expect`;

/** @param {string} id @param {object} json */
const expect = async (id, json) => (await shared.client.post(path(id), { json })).json;

/** @param {number} status @param {string} code @param {string} id @param {object} json */
const refused = (status, code, id, json) => shared.client.refused(status, code, 'POST', path(id), { json });

/** One pattern of each regex, named p0, p1, ... @param {string[]} regexes */
const patterns = (...regexes) => regexes.map((regex, index) => ({ name: `p${index}`, regex }));

test('what is sent is answered, and the named pattern that matches is told with its groups', async () => {
	await shared.client.startBoard('echo', 'echo');
	const answer = await expect('echo', {
		send: 'temp=21.5 C\n',
		patterns: [{ name: 'error', regex: 'E\\d+' }, { name: 'temperature', regex: '(?<name>\\w+)=(?<value>[\\d.]+) (F)?(C)?\\n' }],
	});
	assert.deepEqual(answer, {
		matched: 'temperature', text: 'temp=21.5 C\n', groups: ['temp', '21.5', null, 'C'], named_groups: { name: 'temp', value: '21.5' },
		start: 0, end: 12, next_offset: 12, start_number: 1,
	});
});

test('by default only what comes after the call began is looked at', async () => {
	await shared.client.startBoard('later', 'echo');
	await expect('later', { send: 'ready\n', patterns: patterns('ready\\n') });
	assert.equal((await refused(504, 'timeout', 'later', { patterns: patterns('ready'), timeout: 0.1 })).seen.text, '');
	assert.equal((await expect('later', { patterns: patterns('ready'), offset: 0, timeout: 0 })).start, 0);
	assert.equal((await expect('later', { patterns: patterns('dy'), offset: -4, timeout: 0 })).start, 3);
	assert.equal((await expect('later', { send: 'ready', patterns: patterns('ready') })).start, 6);
});

test('a chain of calls misses no line of a flood and finds none twice', async () => {
	await shared.client.startBoard('chain', 'counter');
	let offset = 0;
	for (let line = 0; line < 40; line++) {
		const answer = await expect('chain', { patterns: patterns('^(\\d+)\\r\\n'), offset });
		assert.equal(answer.groups[0], String(line));
		assert.equal(answer.start, offset);
		assert.equal(answer.next_offset, offset + answer.text.length);
		offset = answer.next_offset;
	}
});

test('what stands far inside a flood is found', async () => {
	await shared.client.startBoard('flood', 'flood');
	const answer = await expect('flood', { patterns: patterns('^123456\\r\\n', '^(?<line>20000)$'), offset: 0 });
	assert.equal(answer.matched, 'p1');
	assert.equal(answer.text, '20000');
	assert.equal(numberedBytes(answer.start, 5).toString(), '20000');
	await shared.client.post('/instances/flood/stop');
});

test('^ means the line, not the offset', async () => {
	await shared.client.startBoard('lines', 'echo');
	await expect('lines', { send: '> ', patterns: patterns('> ') });
	const { matched, start } = await expect('lines', { send: 'ok\nok\n', patterns: patterns('^ok$') });
	assert.deepEqual([matched, start], ['p0', 5]);
});

test('time up is told with what came, where, and where to go on', async () => {
	await shared.client.startBoard('late', 'echo');
	const problem = await refused(504, 'timeout', 'late', { send: 'half', patterns: patterns('half done'), timeout: 0.5 });
	assert.deepEqual(problem.seen, { text: 'half', offset: 0, start: 0, end: 4 });
	const answer = await expect('late', { send: ' done', patterns: patterns('half done'), offset: problem.seen.offset });
	assert.deepEqual([answer.start, answer.end], [0, 9]);
});

test('time up decides what only waited for a next byte', async () => {
	await shared.client.startBoard('prompt', 'echo');
	const answer = await expect('prompt', { send: 'login:', patterns: patterns('login:$'), timeout: 0.3 });
	assert.deepEqual([answer.text, answer.end], ['login:', 6]);
});

test('an instance that ends meanwhile is told, after all it printed was looked at', async () => {
	await shared.client.startBoard('ends', 'counter');
	const waiting = refused(409, 'ended', 'ends', { patterns: patterns('never'), offset: 0 });
	await expect('ends', { patterns: patterns('^5\\r\\n'), offset: 0 });
	await shared.client.post('/instances/ends/stop');
	assert.match((await waiting).seen.text, /^0\r\n1\r\n/);
	// What is kept can still be looked at.
	assert.equal((await expect('ends', { patterns: patterns('^3\\r\\n'), offset: 0 })).start, 9);
	await refused(409, 'ended', 'ends', { patterns: patterns('never'), offset: 0 });
	await refused(409, 'not_running', 'ends', { patterns: patterns('never') });
	await refused(409, 'not_running', 'ends', { patterns: patterns('0'), offset: 0, send: 'x' });
});

test('the end decides what only waited for a next byte', async () => {
	await shared.client.startBoard('cut', 'echo');
	await expect('cut', { send: 'so ok', patterns: patterns('so ok') });
	const waiting = expect('cut', { patterns: patterns('ok$'), offset: 0 });
	await shared.client.post('/instances/cut/stop');
	assert.equal((await waiting).start, 3);
});

test('an instance that is deleted meanwhile ends the wait', async () => {
	await shared.client.startBoard('deleted', 'echo');
	const waiting = shared.client.request('POST', path('deleted'), { json: { send: 'here', patterns: patterns('never') } });
	await shared.client.waitForOutput('deleted', 'here');
	await shared.client.delete('/instances/deleted');
	const { status, json } = await waiting;
	assert.deepEqual([status, json.code, json.seen.text], [410, 'gone', 'here']);
});

test('a paused board answers when it is resumed', async () => {
	await shared.client.startBoard('paused', 'echo');
	await shared.client.post('/instances/paused/pause');
	await refused(504, 'timeout', 'paused', { send: 'first', patterns: patterns('first'), timeout: 0.2 });
	const waiting = expect('paused', { send: 'second', patterns: patterns('second') });
	await shared.client.post('/instances/paused/resume');
	assert.deepEqual([(await waiting).start, (await waiting).text], [5, 'second']);
});

test('a restart is an end', async () => {
	await shared.client.startBoard('again', 'counter');
	const waiting = refused(409, 'ended', 'again', { patterns: patterns('never') });
	await expect('again', { patterns: patterns('1\\r'), offset: 0 });
	await shared.client.post('/instances/again/restart');
	await waiting;
	assert.equal((await expect('again', { patterns: patterns('^1\\r'), offset: 0 })).start_number, 2);
});

test('bytes of any kind are sent, matched and told', async () => {
	await shared.client.startBoard('bytes', 'echo');
	const bytes = Buffer.from([0xff, 0, 0x80, 0x0a, 0xfe]);
	const answer = await expect('bytes', { send_base64: bytes.toString('base64'), patterns: patterns('\\xff(?<middle>\\x00.)\\n(x)?\\xfe') });
	assert.equal(Buffer.from(answer.text_base64, 'base64').compare(bytes), 0);
	assert.equal(answer.text, '\ufffd\ufffd\ufffd\n\ufffd');
	assert.deepEqual(answer.groups_base64, [Buffer.from([0, 0x80]).toString('base64'), null]);
	assert.deepEqual(answer.named_groups_base64, { middle: answer.groups_base64[0] });
	const { seen } = await refused(504, 'timeout', 'bytes', { patterns: patterns('x'), offset: 0, timeout: 0 });
	assert.equal(seen.text_base64, bytes.toString('base64'));
});

test('every offending field is named at once', async () => {
	await shared.client.startBoard('faults', 'hello');
	const form = await refused(400, 'invalid_request', 'faults', { patterns: [{ name: 1 }, 'x'], offset: 1.5, timeout: '1', sent: 'x' });
	assert.deepEqual(form.errors.map(({ pointer }) => pointer).sort(),
		['/offset', '/patterns/0/name', '/patterns/0/regex', '/patterns/1', '/sent', '/timeout']);
	const meaning = await refused(422, 'invalid_value', 'faults', {
		patterns: [{ name: 'a', regex: 'x(' }, { name: 'a', regex: 'y' }, { name: '', regex: 'a*' }], timeout: 3601, send: 'x', send_base64: 'eA==',
	});
	assert.deepEqual(meaning.errors.map(({ pointer }) => pointer).sort(),
		['/patterns/0/regex', '/patterns/1/name', '/patterns/2/name', '/patterns/2/regex', '/send_base64', '/timeout']);
	await refused(422, 'invalid_value', 'faults', { patterns: [] });
	await refused(422, 'invalid_value', 'faults', { patterns: patterns(...Array.from({ length: 65 }, () => 'x')) });
	await refused(422, 'invalid_value', 'faults', { patterns: patterns('x'), send_base64: '!' });
});

test('a pattern that cannot be used is refused in PCRE2\'s words, with the place', async () => {
	await shared.client.startBoard('invalid', 'hello');
	const { errors, detail } = await refused(422, 'invalid_pattern', 'invalid', { patterns: patterns('ok', 'a(b', '[z-a]', 'a?') });
	assert.match(detail, /missing closing parenthesis/);
	assert.deepEqual(errors.map(({ pointer }) => pointer), ['/patterns/1/regex', '/patterns/2/regex', '/patterns/3/regex']);
	assert.match(errors[0].detail, /missing closing parenthesis, at offset 3/);
	assert.match(errors[1].detail, /range out of order.* at offset 3/);
	assert.match(errors[2].detail, /without taking a byte/);
});

test('what is no console, no channel or no place in the output is refused', async () => {
	await shared.client.startBoard('places', 'hello');
	await shared.client.waitForOutput('places', 'Hello\r\n');
	const json = { patterns: patterns('x') };
	await shared.client.refused(404, 'channel_not_found', 'POST', path('places', 'gdb'), { json });
	await shared.client.refused(404, 'channel_not_found', 'POST', path('places', 'serial9'), { json });
	await shared.client.refused(404, 'not_found', 'POST', path('nobody'), { json });
	await refused(416, 'range_not_satisfiable', 'places', { ...json, offset: 8 });
	await refused(504, 'timeout', 'places', { ...json, offset: 7, timeout: 0 });
	await shared.client.put('/instances/never', { json: { target: 'board', start: false }, expect: 201 });
	await refused(409, 'not_running', 'never', json);
});

test('what is no longer kept is told, not skipped', async (t) => {
	const emud = await startEmud(t, { server: { limits: { console_bytes: 128 * 1024 } } });
	const client = emud.client();
	await client.startBoard('window', 'flood');
	await client.waitForOffset('window', 1024 * 1024);
	const problem = await client.refused(410, 'gone', 'POST', path('window'), { json: { patterns: patterns('x'), offset: 0 } });
	assert.match(problem.detail, /kept from offset \d+ on/);
	await client.delete('/instances/window');
	client.close();
});

test('a guest that does not read what is sent is told with how much it took', async () => {
	await shared.client.startBoard('deaf', 'ignore_input');
	const problem = await refused(504, 'timeout', 'deaf', { send: 'x'.repeat(512 * 1024), patterns: patterns('never'), timeout: 0.3 });
	assert.ok(problem.seen);
	await shared.client.post('/instances/deaf/stop');
});

test('hostile patterns end with an error and hold up nobody', async () => {
	await shared.client.startBoard('victim', 'echo');
	await shared.client.startBoard('bystander', 'echo');
	await shared.client.post('/instances/victim/channels/serial0/input', { body: 'a'.repeat(20000) });
	await shared.client.waitForOffset('victim', 20000);
	const hostile = ['(a+)+[bc]', '(a|aa)+[bc]', '(.*)*x\\b', '(?=(a+)+b)a', '(*NO_JIT)(a+)+[bc]', '(?s)(a.*)+\\d', '(?>a+?)+(a|b|ab)*c', '(a*)*\\1[bc]'];
	const calls = hostile.map((regex) =>
		shared.client.request('POST', path('victim'), { json: { patterns: patterns(regex), offset: 0, timeout: 3 } }));
	let ended = false;
	const all = Promise.all(calls).finally(() => (ended = true));
	let slowest = 0;
	while (!ended) {
		const begun = performance.now();
		await shared.client.get('/instances/bystander');
		slowest = Math.max(slowest, performance.now() - begun);
	}
	// Some are merely slow, and time is up for them.
	const codes = (await all).map(({ json }) => json.code);
	codes.forEach((code) => assert.ok(['pattern_too_slow', 'timeout'].includes(code), codes.join()));
	assert.ok(codes.filter((code) => code === 'pattern_too_slow').length >= 4, codes.join());
	assert.ok(slowest < 500, `a GET took ${slowest} ms`);
	await expect('bystander', { send: 'alive', patterns: patterns('alive') });
});

test('many wait at once, each for its own', async () => {
	await shared.client.startBoard('many', 'echo');
	const waiting = Array.from({ length: 100 }, (_, index) => expect('many', { patterns: patterns(`<${index}>`), offset: 0 }));
	for (let index = 99; index >= 0; index--) await shared.client.post('/instances/many/channels/serial0/input', { body: `<${index}>` });
	const answers = await Promise.all(waiting);
	answers.forEach(({ text }, index) => assert.equal(text, `<${index}>`));
});

test('a client that hangs up leaves nothing behind', async () => {
	await shared.client.startBoard('left', 'echo');
	const json = { send: 'x', patterns: patterns('never', '(a+)+[bc]'), offset: 0 };
	const calls = Array.from({ length: 20 }, () => shared.client.send('POST', path('left'), { json }));
	await Promise.all(calls.slice(10).map((call) => within(once(call, 'socket'), 'a connection')));
	for (const call of calls) {
		call.on('error', () => {});
		call.destroy();
	}
	await expect('left', { send: 'still here', patterns: patterns('still here') });
	assert.ok(findShim((await shared.client.get('/instances/left')).json));
});
