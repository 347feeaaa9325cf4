// The page's modules without DOM that turn one thing into another: addresses, filters, values, events of a stream.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../../web/lib/api.js';
import { formatBytes, formatCpu, formatDuration, formatExit } from '../../web/lib/format.js';
import { matchesFilter, readFilter } from '../../web/lib/instance_filter.js';
import { ACTIONS_FIT, STATES, compareIds, findReason, tellState, upSince } from '../../web/lib/instance_state.js';
import { matchRoute, route } from '../../web/lib/routes.js';
import { SseParser } from '../../web/lib/sse.js';

test('an address names a view with its parameters and query', () => {
	const patterns = ['/instances', '/instances/:id/:tab?', '/new'];
	const match = (/** @type {string} */ hash) => {
		const found = matchRoute(hash, patterns);
		return found && [found.pattern, found.parameters, found.query.toString()];
	};
	assert.deepEqual(match('#/instances'), ['/instances', {}, '']);
	assert.deepEqual(match('#/instances?q=state%3Afailed'), ['/instances', {}, 'q=state%3Afailed']);
	assert.deepEqual(match('#/instances/a'), ['/instances/:id/:tab?', { id: 'a' }, '']);
	assert.deepEqual(match('#/instances/a/logs'), ['/instances/:id/:tab?', { id: 'a', tab: 'logs' }, '']);
	assert.deepEqual(match('#/instances/%E0'), ['/instances/:id/:tab?', { id: '%E0' }, '']);
	for (const none of ['', '#', '#/nowhere', '#/instances/a/b/c']) assert.equal(match(none), null, none);
});

test('an address made of any name leads to that name', () => {
	for (const name of ['a', 'a b', 'ä/ö', '50%', '?x=#y', '..'])
		assert.equal(matchRoute(route('instances', name), ['/instances/:id'])?.parameters.id, name);
});

test('the filter of instances', () => {
	const instance = { id: 'Rack-1', target: 'qemu-board', state: 'running', labels: { owner: 'Ann', note: 'a:b=c', place: 'On the Shelf 0', size: '5"', said: '"Hi" \\ "ho"' } };
	const fits = (/** @type {string} */ text) => matchesFilter(instance, readFilter(text));
	for (const text of ['', 'rack', 'RACK board', 'state:running', 'state:failed state:running', 'target:qemu', 'label:owner', 'label:owner=ann',
		'label:owner:ann', 'label:note=a:b=c', 'ann', 'label:place="on the shelf 0"', 'label:"place=on the shelf 0" rack', '"on the"', 'label:place="on the shelf 0', '""',
		'label:size=5"', 'label:size="5\\""', '5" label:owner', 'label:said="\\"hi\\" \\\\ \\"ho\\""', '"\\ \\"ho"', '"hi\\"', 'label:size="5\\"'])
		assert.ok(fits(text), text);
	for (const text of ['rack-2', 'state:failed', 'target:renode', 'label:rack', 'label:owner=an', 'rack state:exited', 'label:owner=ann label:rack', 'label:place=on the shelf 0', 'label:place="on the shelf"', '"the on"', 'label:size=5', 'label:size="5"', 'label:said="hi" \\ "ho"'])
		assert.ok(!fits(text), text);
});

test('durations, sizes and shares are read at a glance', () => {
	for (const [seconds, text] of /** @type {[number | null, string][]} */ ([
		[null, ''], [0, '0 s'], [0.0042, '4 ms'], [0.9996, '1.0 s'], [3, '3 s'], [3.14, '3.1 s'], [9.96, '10 s'], [59.7, '1 min 0 s'], [61, '1 min 1 s'],
		[3599.9, '1 h 0 min'], [3600, '1 h 0 min'], [47 * 3600, '47 h 0 min'], [49 * 3600, '2 d 1 h'],
	])) assert.equal(formatDuration(seconds), text);
	for (const [bytes, text] of /** @type {[number | undefined, string][]} */ ([[undefined, ''], [0, '0 B'], [1023, '1023 B'], [1024, '1.0 KiB'], [123.4 * 1024 * 1024, '123 MiB']]))
		assert.equal(formatBytes(bytes), text);
	assert.deepEqual([formatCpu(undefined), formatCpu(0), formatCpu(0.012), formatCpu(1.5)], ['', '0.0 %', '1.2 %', '150 %']);
});

test('an end is told with its code or signal', () => {
	const exit = { reason: 'guest_exited', code: /** @type {number | null} */ (3), signal: /** @type {string | null} */ (null), detail: null };
	assert.equal(formatExit(exit), 'guest exited, code 3');
	assert.equal(formatExit({ ...exit, code: 0 }), 'guest exited');
	assert.equal(formatExit({ ...exit, code: null, signal: 'SIGSEGV' }), 'guest exited, SIGSEGV');
	assert.equal(tellState({ state: 'exited', paused_by: null, exit }), 'exited, guest exited, code 3');
	assert.equal(tellState({ state: 'paused', paused_by: 'disk_full', exit: null }), 'paused, disk full');
});

test('of an emulator\'s last words, the line that tells why is found', () => {
	for (const [reason, before, after] of [
		['fatal: Lockup: can\'t escalate 3 to HardFault (current priority -1)',
			'qemu-system-arm: warning: nic stellaris_enet.0 has no peer\nTimer with period zero, disabling\nqemu: ', '\n\nR00=20000000 R01=20000000\nXPSR=61000003 -ZC- T handler\nFPSCR: 00000000'],
		['-foo: invalid option', 'qemu-system-arm: warning: errors may follow\nqemu-system-arm: ', ''],
		['unsupported machine type', 'qemu-system-arm: ', '\nUse -machine help to list supported machines'],
		['There is no such board.', 'Loading\n', '\n\n pc       0000000080000000\n'],
		['warning: nic has no peer', 'qemu-system-arm: ', ''],
	]) assert.equal(findReason(before + reason + after, 'qemu'), reason);
});

test('every state has an action that leads on, and what is up is so since its start', () => {
	for (const state of STATES.filter((state) => state !== 'stopping'))
		assert.ok(Object.entries(ACTIONS_FIT).some(([action, fits]) => action !== 'delete' && fits(state)), state);
	assert.equal(upSince({ state: 'running', started_at: '1970-01-01T00:00:02Z' }), 2000);
	assert.equal(upSince({ state: 'exited', started_at: '1970-01-01T00:00:02Z' }), null);
});

test('an instance that has ended and could not be removed: the reason is asked for', async (t) => {
	const { fetch } = globalThis;
	t.after(() => Object.assign(globalThis, { fetch }));
	/** @type {string[]} */
	const asked = [];
	const answer = async (/** @type {string} */ path, /** @type {RequestInit} */ { method }) => {
		asked.push(`${method} ${path}`);
		return path.endsWith('?wait=false') ? new Response('{"state":"exited"}', { status: 202 }) : new Response('{"detail":"no right to"}', { status: 500 });
	};
	Object.assign(globalThis, { fetch: answer });
	await assert.rejects(new Api(async () => null).ask('one', 'delete'), /no right to/);
	assert.deepEqual(asked, ['DELETE /v1/instances/one?wait=false', 'DELETE /v1/instances/one']);
});

test('names stand as people count', () => {
	assert.deepEqual(['run-10', 'b', 'run-2', 'a', 'run-02'].sort(compareIds), ['a', 'b', 'run-02', 'run-2', 'run-10']);
	assert.equal(compareIds('a', 'a'), 0);
});

test('server-sent events, however they are cut', () => {
	const text = ': hello\n\nid: 1\nevent: a\ndata: one\ndata:two\n\nretry: 5\ndata: three\r\n\r\nevent: none\n\nid:4\ndata\n\n';
	const whole = new SseParser().push(text);
	assert.deepEqual(whole, [
		{ event: 'a', id: '1', data: 'one\ntwo' }, { event: 'message', id: null, data: 'three' }, { event: 'message', id: '4', data: '' },
	]);
	for (let at = 0; at <= text.length; at++) {
		const parser = new SseParser();
		assert.deepEqual([...parser.push(text.slice(0, at)), ...parser.push(text.slice(at))], whole, `cut at ${at}`);
	}
	const parser = new SseParser();
	assert.deepEqual([...text].flatMap((letter) => parser.push(letter)), whole);
});
