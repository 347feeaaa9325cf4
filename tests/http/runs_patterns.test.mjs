// No byte of a run's console escapes its patterns, and no pattern holds up others.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud, startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { beginRun, runFirmware, untilBoardGone, untilEnded, untilPrinted } from '../lib/runs.mjs';
import { exit, host, pause, print, repeat, script } from '../lib/script.mjs';

const shared = shareEmud();

/** @param {Buffer[]} steps @param {import('../lib/runs.mjs').Parameters} parameters */
const run = (steps, parameters) => runFirmware(shared.client, script(steps), { timeout: 60, ...parameters });

/** @param {any} ended @param {string} verdict @param {string} reason */
function assertVerdict(ended, verdict, reason) {
	assert.deepEqual([ended.verdict, ended.reason], [verdict, reason], JSON.stringify({ ...ended, configuration: 0, command: 0 }));
}

/** @param {string} id */
const outputOf = async (id) => (await shared.client.get(`/runs/${id}/output`)).body;

// ---- chunks ----

test('a pattern is found however its bytes come', async () => {
	const text = 'boot\r\n12 PASSED\r\n';
	const parameters = { pass: '^(\\d+) PASSED$', fail: ['^PASSED', '2 PASSEDx', 'FAILED'] };
	/** @param {any} ended */
	const check = async (ended) => {
		assertVerdict(ended, 'passed', 'pass_pattern');
		assert.deepEqual([ended.matched.start, ended.matched.groups], [6, ['12']]);
		assert.equal((await outputOf(ended.id)).toString().slice(0, 15), text.slice(0, 15));
	};
	await check(await run([...text].flatMap((byte) => [print(byte), pause(4)]), parameters));
	for (let at = 6; at < text.length; at++)
		await check(await run([print(text.slice(0, at)), pause(20), print(text.slice(at))], parameters));
});

test('of patterns that share bytes the one that is complete first decides, however the bytes come', async () => {
	for (const between of [[], [pause(20)]]) {
		const steps = [print('ABC'), ...between, print('DEF\n')];
		assertVerdict(await run(steps, { pass: 'ABCDE', fail: 'BCD' }), 'failed', 'fail_pattern');
		assertVerdict(await run(steps, { pass: 'BCD', fail: 'ABCDE' }), 'passed', 'pass_pattern');
		assertVerdict(await run(steps, { pass: 'CD', fail: 'ABCD' }), 'failed', 'fail_pattern');
	}
});

// ---- bytes ----

test('any bytes may come, and any be looked for', async () => {
	const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
	const bytes = Buffer.concat([all, Buffer.alloc(1000), all.reverse(), Buffer.from([0, 0xff, 0, 0xfe])]);
	const ended = await run([print(bytes), exit(0)], { pass: '\\x00\\xff\\x00(\\xfe)' });
	assertVerdict(ended, 'passed', 'pass_pattern');
	const { matched } = ended;
	assert.deepEqual([matched.start, matched.end], [bytes.length - 4, bytes.length]);
	assert.equal(Buffer.from(matched.text_base64, 'base64').toString('hex'), '00ff00fe');
	assert.equal(Buffer.from(matched.groups_base64[0], 'base64').toString('hex'), 'fe');
	assert.deepEqual(await outputOf(ended.id), bytes);
	const text = await shared.client.get(`/runs/${ended.id}/output?offset=-4`);
	assert.equal(text.body.toString('hex'), '00ff00fe');
});

test('a line of megabytes before the pattern hides nothing', async () => {
	const length = 3 * 1024 * 1024;
	const ended = await run([host.print('begin '), host.repeat('x', length), host.print(' PASSED\n')], { channel: 'semihosting', pass: 'x PASSED$' });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assert.deepEqual([ended.matched.start, ended.output_bytes], [length + 5, length + 14]);
	const { body } = await shared.client.get(`/runs/${ended.id}/output`);
	assert.equal(body.length, length + 14);
	assert.equal(body.subarray(-9).toString(), 'x PASSED\n');
});

test('the first byte and the last one before the exit are looked at', async () => {
	assertVerdict(await run([print('!'), repeat('.', 2000)], { pass: '\\A!', fail: '\\.' }), 'passed', 'pass_pattern');
	for (const pass of ['!', '!$', '!\\z', '\\.!(?!.)']) {
		const ended = await run([repeat('.', 100_000), print('!'), exit(3)], { pass });
		assertVerdict(ended, 'passed', 'pass_pattern');
		assert.equal(ended.matched.end, 100_001, pass);
	}
});

test('^ and $ mean lines, whatever ends them', async () => {
	for (const end of ['\n', '\r\n', '\r'])
		assertVerdict(await run([print(`xPASSED${end}PASSEDx${end}PASSED${end}bye`), exit(1)], { pass: '^PASSED$' }), 'passed', 'pass_pattern');
	assertVerdict(await run([print('xPASSED\nPASSEDx\n'), exit(0)], { pass: '^PASSED$' }), 'failed', 'no_pass_pattern');
});

// ---- floods ----

test('a pattern somewhere in a flood is found at once, and the output ends with its line', async () => {
	const started = performance.now();
	const ended = await runFirmware(shared.client, readFileSync(firmware('flood')), { pass: '^20000$', fail: '^20001$' });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assert.ok(performance.now() - started < 15_000);
	const text = (await outputOf(ended.id)).toString();
	assert.ok(text.startsWith('0\r\n1\r\n2\r\n'));
	assert.ok(text.endsWith('\r\n19999\r\n20000\r\n'), JSON.stringify(text.slice(-30)));
	assert.equal(text.length, ended.output_bytes);
	assert.equal(text.split('\r\n').length, 20_002);
});

test('what falls out of the kept window of a flood is told', async (t) => {
	const emud = await startEmud(t, { server: { limits: { console_bytes: 1 << 17 } } });
	const client = emud.client();
	const reply = await client.post('/runs?target=board&timeout=60&pass=%5E80000%24', { body: readFileSync(firmware('flood')) });
	// Behind the verdict the board floods on for a moment.
	const { json } = await untilBoardGone(client, reply.headers['emud-run']);
	assertVerdict(json, 'passed', 'pass_pattern');
	assert.ok(json.first_offset > 0);
	const [, skipped] = /^emud: (\d+) bytes from offset 0 on are no longer kept\n/.exec(reply.text) ?? [];
	assert.ok(Number(skipped) > 0 && Number(skipped) <= json.first_offset, `${skipped} of ${json.first_offset} bytes, ${reply.text.slice(0, 100)}`);
	const output = await client.get(`/runs/${json.id}/output?offset=0`);
	assert.deepEqual([output.headers['emud-offset'], output.headers['emud-first-offset']], Array(2).fill(String(json.first_offset)));
	assert.equal(output.body.length, json.output_bytes - json.first_offset);
	assert.ok(!output.body.includes(0), 'a punched hole was read');
	assert.ok(output.text.endsWith('\r\n80000\r\n'));
});

// ---- hostile patterns ----

const HOSTILE = '(a+)+\\$';

test('a pattern that takes exponential time ends its run with a clear error', async () => {
	const ended = await run([repeat('a', 200), print('!\n'), pause(100), print('PASSED\n')], { pass: ['PASSED'], fail: HOSTILE });
	assertVerdict(ended, 'canceled', 'pattern_too_slow');
	assert.match(ended.detail, /takes too long.*make it simpler/);
	assert.ok(ended.duration < 10);
});

test('a pattern that takes exponential time holds up nobody', async () => {
	const elf = script([repeat('a', 200), print('!\n')]);
	const hostile = [];
	for (let i = 0; i < 8; i++) hostile.push((await beginRun(shared.client, elf, { pass: HOSTILE, timeout: 60 })).id);
	for (const id of hostile) await untilPrinted(shared.client, id, 'a');
	const others = runFirmware(shared.client, script([print('PASSED\n')]), { pass: 'PASSED', timeout: 20 });
	const taken = [];
	for (let i = 0; i < 40; i++) {
		const begun = performance.now();
		await shared.client.get('/readyz');
		taken.push(performance.now() - begun);
	}
	taken.sort((a, b) => a - b);
	assert.ok(taken[20] < 50, `median ${taken[20]} ms`);
	assertVerdict(await others, 'passed', 'pass_pattern');
	for (const id of hostile) assertVerdict(await untilEnded(shared.client, id), 'canceled', 'pattern_too_slow');
});

test('a pattern that only looks slow is as fast as others', async () => {
	const ended = await run([repeat('a', 5000), print('!\nPASSED\n')], { pass: 'PASSED', fail: ['(?:a|b|ab)*c', '.*.*=.*', 'a{1,200}b'] });
	assertVerdict(ended, 'passed', 'pass_pattern');
});

// ---- test cases ----

const TRANSCRIPTS = new URL('../unit/core/cases/data/', import.meta.url);

for (const name of readdirSync(TRANSCRIPTS).filter((each) => each.endsWith('.txt')).map((each) => each.slice(0, -4)))
	test(`test cases are found in what a board prints (${name})`, async () => {
		const expected = JSON.parse(readFileSync(new URL(`${name}.json`, TRANSCRIPTS), 'utf8'));
		const ended = await run([print(readFileSync(new URL(`${name}.txt`, TRANSCRIPTS))), exit(0)], {});
		assert.deepEqual(ended.tests, expected);
		for (const result of ['passed', 'failed', 'skipped', 'error'])
			assert.equal(ended.test_counts[result], expected.filter((/** @type {{result: string}} */ each) => each.result === result).length, result);
	});

test('test cases are found up to the verdict, wherever the pattern stood', async () => {
	const text = '[ RUN      ] A.one\n[       OK ] A.one\n[ RUN      ] A.two\n[  FAILED  ] A.two (3 ms)\n[ RUN      ] A.three\n[       OK ] A.three\n';
	const ended = await run([print(text), exit(0)], { fail: 'FAILED' });
	assertVerdict(ended, 'failed', 'fail_pattern');
	assert.deepEqual(ended.tests.map((/** @type {any} */ { name, result, duration }) => [name, result, duration]), [['one', 'passed', undefined], ['two', 'failed', 0.003]]);
	const timedOut = await run([print('[ RUN      ] A.one\n[       OK ] A.one\n[ RUN      ] A.hangs\n')], { idle_timeout: 0.5 });
	assertVerdict(timedOut, 'timed_out', 'idle_timeout');
	assert.deepEqual(timedOut.test_counts, { passed: 1, failed: 0, skipped: 0, error: 1 });
});
