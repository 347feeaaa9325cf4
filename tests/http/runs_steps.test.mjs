// Input of runs: steps that wait for a pattern and send, in their order.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { beginRun, boardOf, untilEnded, untilPrinted } from '../lib/runs.mjs';
import { exit, pause, print, read, repeat, script } from '../lib/script.mjs';

const shared = shareEmud();

const echo = readFileSync(firmware('echo'));

/**
 * @param {Buffer} elf
 * @param {object[]} input
 * @param {object} more
 */
async function run(elf, input, more) {
	const spec = { content: JSON.stringify({ target: 'board', timeout: 30, ...more, input }), type: 'application/json' };
	return (await shared.client.post('/runs', { form: { spec, file: { content: elf, filename: 'fw.elf' } } })).json;
}

/** @param {any} ended @param {string} verdict @param {string} reason */
function assertVerdict(ended, verdict, reason) {
	assert.deepEqual([ended.verdict, ended.reason], [verdict, reason], ended.detail);
}

/** @param {string} id */
const outputOf = async (id) => (await shared.client.get(`/runs/${id}/output`)).body;

test('steps are taken in their order, each when its pattern has come', async () => {
	const elf = script([print('login: '), read(5), print('password: '), read(7), print('# '), read(3), print('bye\n'), exit(0)]);
	const input = [
		{ expect: 'login: ', send: 'root\n' }, { expect: 'password: ', send: 'secret\n' }, { expect: '# ', send: 'ls\n' },
	];
	const ended = await run(elf, input, { pass: ['bye'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assert.equal((await outputOf(ended.id)).toString(), 'login: password: # bye\n');
	assert.deepEqual(ended.input.map((/** @type {any} */ { expect, send_base64: sent }) => [expect, Buffer.from(sent, 'base64').toString()]),
		input.map(({ expect, send }) => [expect, send]));
});

test('a step looks only behind what the one before it took', async () => {
	const elf = script([print('> > '), read(1), print('one '), pause(100), print('> '), read(1), print('two\n')]);
	const begun = await run(elf, [{ expect: '> > ', send: 'a' }, { expect: '> ', send: 'b' }], { pass: ['two'] });
	assertVerdict(begun, 'passed', 'pass_pattern');
	const never = await run(elf, [{ expect: '> > ', send: 'a' }, { expect: 'one > one', send: 'b' }], { pass: ['two'], timeout: 1.5 });
	assertVerdict(never, 'timed_out', 'timeout');
	assert.equal((await outputOf(never.id)).toString(), '> > one > ');
});

// What follows on the line is not known while the board waits.
test('a pattern that asks for the end of the line does not match a prompt', async () => {
	const ended = await run(script([print('> '), read(1), print('one\n')]), [{ expect: '> $', send: 'a' }], { pass: ['one'], timeout: 1 });
	assertVerdict(ended, 'timed_out', 'timeout');
	assert.match(ended.detail, /step 0 of its input was not taken yet/);
});

test('a step without a pattern sends at once', async () => {
	const ended = await run(script([read(3), print('abc\n')]), [{ send: 'a' }, { send: '' }, { send: 'bc' }], { pass: ['abc'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
});

test('what is sent before the board listens is not lost', async () => {
	const ended = await run(script([pause(300), print('now\n'), read(4), print('ok\n')]), [{ send: 'four' }], { pass: ['ok'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
});

test('any bytes are sent as they are', async () => {
	const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => (index * 7) & 0xff));
	const ended = await run(echo, [{ send_base64: bytes.toString('base64') }, { send_base64: Buffer.from('\0\xffEND\n', 'latin1').toString('base64') }], { pass: ['\\x00\\xffEND$'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assert.deepEqual(await outputOf(ended.id), Buffer.concat([bytes, Buffer.from('\0\xffEND\n', 'latin1')]));
});

test('what is echoed is output like any other', async () => {
	assertVerdict(await run(echo, [{ send: 'PASSED\n' }], { pass: ['^PASSED$'] }), 'passed', 'pass_pattern');
	assertVerdict(await run(echo, [{ send: 'FAILED PASSED\n' }], { pass: ['PASSED'], fail: ['FAILED'] }), 'failed', 'fail_pattern');
	const chained = await run(echo, [{ send: 'one\n' }, { expect: 'one\\n', send: 'two\n' }, { expect: 'two\\n', send: 'three\n' }], { pass: ['three\\n'] });
	assertVerdict(chained, 'passed', 'pass_pattern');
	assert.equal((await outputOf(chained.id)).toString(), 'one\ntwo\nthree\n');
});

test('a verdict comes whether or not all steps were taken', async () => {
	const ended = await run(script([print('PASSED\n')]), [{ expect: 'never', send: 'x' }], { pass: ['PASSED'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assertVerdict(await run(script([print('bye\n'), exit(3)]), [{ expect: 'never', send: 'x' }], {}), 'failed', 'guest_exit');
});

test('a step whose pattern never comes ends with the time', async () => {
	const ended = await run(script([print('hello\n')]), [{ expect: 'login', send: 'x' }], { pass: ['PASSED'], timeout: 0.8 });
	assertVerdict(ended, 'timed_out', 'timeout');
	assert.match(ended.detail, /within 0\.8 s; step 0 of its input was not taken yet$/);
	const idle = await run(script([read(1), print('hello\n')]), [{ send: 'x' }, { expect: 'login', send: 'x' }], { idle_timeout: 0.5 });
	assertVerdict(idle, 'timed_out', 'idle_timeout');
	assert.match(idle.detail, /for 0\.5 s; step 1 of its input was not taken yet$/);
	const taken = await run(script([read(1), print('hello\n')]), [{ send: 'x' }], { idle_timeout: 0.5 });
	assert.match(taken.detail, /for 0\.5 s$/);
});

test('a step\'s pattern that takes too long ends the run, and names the step', async () => {
	const elf = script([print('$ '), read(1), repeat('a', 200), print('!\n')]);
	const ended = await run(elf, [{ expect: '\\$ ', send: 'x' }, { expect: '(a+)+\\$', send: 'y' }], { pass: ['PASSED'] });
	assertVerdict(ended, 'canceled', 'pattern_too_slow');
	assert.match(ended.detail, /^input step 1: .*takes too long/);
});

test('a board that does not read its input is timed out and taken away', async () => {
	const deaf = readFileSync(firmware('ignore_input'));
	const ended = await run(deaf, [{ send: 'x'.repeat(1000_000) }, { send: 'y' }], { pass: ['PASSED'], timeout: 1 });
	assertVerdict(ended, 'timed_out', 'timeout');
	assert.equal((await outputOf(ended.id)).toString(), 'not listening\r\n');
	await until(async () => (await shared.client.get('/instances')).json.instances.length === 0, 'its board to go');
});

test('a board that ends while it is sent to has ended as it did', async () => {
	const ended = await run(script([print('bye\n'), exit(0)]), [{ send: 'x'.repeat(1000_000) }], {});
	assertVerdict(ended, 'passed', 'guest_exit');
});

test('others may type as well', async () => {
	const elf = script([print('> '), read(2), print('PASSED\n')]);
	const { id } = await beginRun(shared.client, elf, { pass: 'PASSED', timeout: 30, input: '[{"expect":"> ","send":"a"}]' });
	const instance = await boardOf(shared.client, id);
	await untilPrinted(shared.client, id, '> ');
	await shared.client.post(`/instances/${instance.id}/channels/serial0/input`, { body: 'b' });
	assertVerdict(await untilEnded(shared.client, id), 'passed', 'pass_pattern');
});

test('a run on the second console sends to that one', async () => {
	const ended = await run(readFileSync(firmware('two_serials')), [{ expect: 'one\\r\\n', send: 'to one\n' }], { target: 'board-two', channel: 'serial1', pass: ['to one'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assert.deepEqual([ended.channel, (await outputOf(ended.id)).toString()], ['serial1', 'one\r\nto one\n']);
});
