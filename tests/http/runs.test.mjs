// Verdicts of runs: each with its reason, from real firmware on real QEMU.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { mockEmulator, mockTarget } from '../lib/mock.mjs';
import { makePowerOff } from '../lib/power_off.mjs';
import { beginRun, boardOf, runFirmware, untilEnded, untilPrinted } from '../lib/runs.mjs';
import { crash, exit, pause, print, script } from '../lib/script.mjs';
import { findShim } from '../lib/shims.mjs';
import { makeBoard } from '../lib/boards.mjs';

const shared = shareEmud({
	pwEmu: mockEmulator(),
	targets: {
		mock: mockTarget(),
		'mock-exits': mockTarget({ exit: 0 }),
		'mock-fails': mockTarget({ exit: 3 }),
		'mock-deaf': mockTarget({ deaf: 1 }),
		'mock-mute': mockTarget({ channels: {} }),
		riscv: makeBoard({ executable: 'qemu-system-riscv32', machine: 'virt', args: ['-bios', 'none'] }),
		'arm-virt': makeBoard({ machine: 'virt' }),
	},
});

const hello = script([print('Hello\n')]);

/** @param {Buffer[]} steps @param {import('../lib/runs.mjs').Parameters} [parameters] */
const run = (steps, parameters) => runFirmware(shared.client, script(steps), parameters);

/** @param {any} ended @param {string} verdict @param {string} reason @param {RegExp | null} [detail] */
function assertVerdict(ended, verdict, reason, detail) {
	assert.deepEqual([ended.state, ended.verdict, ended.reason], ['ended', verdict, reason], JSON.stringify(ended));
	if (detail) assert.match(ended.detail, detail);
	if (detail === null) assert.equal(ended.detail, null);
}

/** The board of a run goes at once behind the verdict. @param {string} id */
async function untilBoardGone(id) {
	const { status } = await shared.client.request('GET', `/instances/run-${id}/wait?for=ended`);
	assert.ok([200, 404, 410].includes(status), `the board of run ${id}: ${status}`);
}

// ---- passed, failed ----

test('a pass pattern passes, and says where it stood', async () => {
	const ended = await run([print('test 1 ok\nPASSED: 12\nbye\n'), exit(3)], { pass: ['never', 'PASS(?<how>ED): (\\d+)'], fail: 'FAILED' });
	assertVerdict(ended, 'passed', 'pass_pattern', null);
	assert.deepEqual(ended.matched, {
		kind: 'pass', index: 1, pattern: 'PASS(?<how>ED): (\\d+)', text: 'PASSED: 12', start: 10, end: 20, groups: ['ED', '12'], named_groups: { how: 'ED' },
	});
	assert.equal(ended.exit, null);
});

test('a fail pattern fails, and says where it stood', async () => {
	const ended = await run([print('test 1 FAILED\nPASSED\n'), exit(0)], { pass: 'PASSED', fail: ['ERROR', 'FAILED'] });
	assertVerdict(ended, 'failed', 'fail_pattern', null);
	assert.deepEqual([ended.matched.kind, ended.matched.index, ended.matched.pattern, ended.matched.start], ['fail', 1, 'FAILED', 7]);
});

test('of a pass and a fail pattern in one read, the one that stands first decides', async () => {
	const patterns = { pass: 'PASSED', fail: 'FAILED' };
	assertVerdict(await run([print('PASSED FAILED\n')], patterns), 'passed', 'pass_pattern');
	assertVerdict(await run([print('FAILED PASSED\n')], patterns), 'failed', 'fail_pattern');
	assertVerdict(await run([print('PASSED FAILED\n')], { pass: 'ASSED', fail: 'PASSED' }), 'failed', 'fail_pattern');
});

test('an exit with 0 passes where no pattern has to', async () => {
	for (const parameters of [{}, { fail: 'FAILED' }]) {
		const ended = await run([print('done\n'), exit(0)], parameters);
		assertVerdict(ended, 'passed', 'guest_exit', null);
		assert.deepEqual(ended.exit, { code: 0, signal: null, reason: 'guest_exit', detail: null });
		assert.equal(ended.matched, null);
	}
});

test('an exit with 0 without the pass pattern fails', async () => {
	const ended = await run([print('done\n'), exit(0)], { pass: 'PASSED' });
	assertVerdict(ended, 'failed', 'no_pass_pattern', /no pass pattern/);
	assert.equal(ended.exit.code, 0);
});

test('a pattern in the last bytes before the exit counts, whatever the exit code', async () => {
	assertVerdict(await run([print('x PASSED'), exit(3)], { pass: 'PASSED$' }), 'passed', 'pass_pattern');
	assertVerdict(await run([print('x FAILED'), exit(0)], { fail: 'FAILED$' }), 'failed', 'fail_pattern');
});

for (const [target, board] of [['board', undefined], ['riscv', 'riscv32-virt']])
	test(`an exit with 3 fails (${target})`, async () => {
		const ended = await runFirmware(shared.client, script([print('bye\n'), exit(3)], board), { target: String(target), pass: 'PASSED' });
		assertVerdict(ended, 'failed', 'guest_exit', /code 3/);
		assert.deepEqual([ended.exit.code, ended.exit.reason, ended.output_bytes], [3, 'guest_exit', 4]);
	});

test('a guest that shuts down says nothing of how it went', async () => {
	const ended = await runFirmware(shared.client, makePowerOff(), { target: 'arm-virt' });
	assertVerdict(ended, 'failed', 'guest_shutdown', /pass pattern/);
	assert.equal(ended.exit.reason, 'guest_shutdown');
	assertVerdict(await runFirmware(shared.client, makePowerOff(), { target: 'arm-virt', pass: 'OK' }), 'failed', 'no_pass_pattern');
});

// ---- timed_out ----

test('a board that neither ends nor matches is timed out', async () => {
	const ended = await runFirmware(shared.client, hello, { pass: 'PASSED', timeout: 0.7 });
	assertVerdict(ended, 'timed_out', 'timeout', /0\.7 s/);
	assert.ok(ended.duration >= 0.698 && ended.duration < 5, `${ended.duration} s`);
	assert.equal(ended.exit, null);
});

test('a board that falls silent is idle, counted from its last byte', async () => {
	const ended = await run([print('one\n'), pause(400), print('two\n')], { pass: 'PASSED', idle_timeout: 1, timeout: 60 });
	assertVerdict(ended, 'timed_out', 'idle_timeout', /nothing for 1 s/);
	assert.equal(ended.output_bytes, 8);
	const lastByte = statSync(`${shared.emud.stateDir}/runs/${ended.id}/output`).mtimeMs;
	const silence = Date.parse(ended.ended_at) - lastByte;
	assert.ok(silence > 990 && silence < 3000, `silent for ${silence} ms`);
});

test('a board that prints now and then is not idle', async () => {
	const steps = Array.from({ length: 6 }, () => [print('.'), pause(300)]).flat();
	const ended = await run([...steps, print('PASSED\n')], { pass: 'PASSED', idle_timeout: 1, timeout: 60 });
	assertVerdict(ended, 'passed', 'pass_pattern');
	assert.ok(ended.duration > 1.5, `${ended.duration} s`);
});

// ---- crashed ----

test('a lockup is a crash', async () => {
	const ended = await run([print('oops\n'), crash()], { pass: 'PASSED', timeout: 30 });
	assertVerdict(ended, 'crashed', 'crashed', /Lockup/);
	assert.deepEqual([ended.exit.signal, ended.exit.code, ended.exit.reason], ['SIGABRT', null, 'crashed']);
	assertVerdict(await runFirmware(shared.client, readFileSync(firmware('lockup'))), 'crashed', 'crashed', /Lockup/);
});

for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGSEGV', 'SIGKILL']))
	test(`an emulator that dies by ${signal} has crashed`, async () => {
		const { id } = await beginRun(shared.client, hello, { pass: 'PASSED', timeout: 30, idle_timeout: 30 });
		const { processes } = await boardOf(shared.client, id);
		await untilPrinted(shared.client, id, 'Hello\n');
		process.kill(processes.qemu.pid, signal);
		const ended = await untilEnded(shared.client, id);
		assertVerdict(ended, 'crashed', 'crashed', new RegExp(signal));
		assert.equal(ended.exit.signal, signal);
		assert.equal(ended.output.toString(), 'Hello\n');
	});

test('a board whose supervisor dies has crashed, and what it printed is kept', async () => {
	const { id } = await beginRun(shared.client, hello, { timeout: 30 });
	const instance = await boardOf(shared.client, id);
	await untilPrinted(shared.client, id, 'Hello\n');
	process.kill(findShim(instance), 'SIGKILL');
	const ended = await untilEnded(shared.client, id);
	assertVerdict(ended, 'crashed', 'supervisor_lost');
	assert.equal(ended.output.toString(), 'Hello\n');
});

// ---- not_started ----

test('what the emulator refuses to start is told in its words', async () => {
	const ended = await run([], { args: ['-device', 'no-such-device'] });
	assertVerdict(ended, 'not_started', 'start_failed', /no-such-device/);
	assert.deepEqual([ended.exit.reason, ended.output_bytes], ['start_failed', 0]);
	assertVerdict(await runFirmware(shared.client, hello, { target: 'no-machine' }), 'not_started', 'start_failed', /unsupported machine type|no-such-machine/);
});

// ---- canceled ----

/** @param {import('../lib/runs.mjs').Parameters} [parameters] */
async function beginHello(parameters) {
	const { id } = await beginRun(shared.client, hello, { timeout: 60, ...parameters });
	const instance = await boardOf(shared.client, id);
	await untilPrinted(shared.client, id, 'Hello\n');
	return { id, instance };
}

test('DELETE cancels, and changes nothing when it comes again', async () => {
	const { id } = await beginHello();
	const { json } = await shared.client.delete(`/runs/${id}`, { expect: 200 });
	assertVerdict(json, 'canceled', 'canceled', /127\.0\.0\.1 asked for it/);
	assert.deepEqual((await shared.client.delete(`/runs/${id}`, { expect: 200 })).json.ended_at, json.ended_at);
	await untilBoardGone(id);
	assert.deepEqual((await shared.client.delete(`/runs/${id}`, { expect: 200 })).json.reason, 'canceled');
	assert.equal((await untilEnded(shared.client, id)).output.toString(), 'Hello\n');
});

test('DELETE of a run that has passed leaves it passed', async () => {
	const { id } = await run([print('PASSED\n')], { pass: 'PASSED' });
	const { json } = await shared.client.delete(`/runs/${id}`, { expect: 200 });
	assertVerdict(json, 'passed', 'pass_pattern');
});

test('a board that somebody stops is no pass', async () => {
	for (const parameters of [{}, { pass: 'PASSED' }]) {
		const { id, instance } = await beginHello(parameters);
		await shared.client.post(`/instances/${instance.id}/stop`);
		const ended = await untilEnded(shared.client, id);
		assertVerdict(ended, 'canceled', 'stopped');
		assert.equal(ended.output.toString(), 'Hello\n');
	}
});

test('QEMU, which exits with 0 on SIGTERM, has not passed', async () => {
	const { id, instance } = await beginHello();
	process.kill(instance.processes.qemu.pid, 'SIGTERM');
	const ended = await untilEnded(shared.client, id);
	assertVerdict(ended, 'canceled', 'stopped');
	assert.deepEqual([ended.exit.reason, ended.exit.code], ['terminated', 0]);
});

test('a board that somebody deletes leaves what it printed', async () => {
	const { id, instance } = await beginHello();
	await shared.client.delete(`/instances/${instance.id}`);
	const ended = await untilEnded(shared.client, id);
	assertVerdict(ended, 'canceled', 'instance_deleted', /deleted/);
	assert.equal(ended.output.toString(), 'Hello\n');
	assert.equal((await shared.client.get(`/runs/${id}/output`)).text, 'Hello\n');
});

test('a board that somebody starts anew is another one', async () => {
	const { id, instance } = await beginHello();
	/* It is taken away as soon as it has stopped. */
	const { status } = await shared.client.request('POST', `/instances/${instance.id}/restart`);
	assert.ok([200, 410].includes(status), `restart: ${status}`);
	const ended = await untilEnded(shared.client, id);
	assertVerdict(ended, 'canceled', 'stopped');
	assert.equal(ended.output.toString(), 'Hello\n');
});

test('a reset by the guest or by somebody goes on', async () => {
	const { id, instance } = await beginHello({ pass: 'Hello\\nHello' });
	await shared.client.post(`/instances/${instance.id}/reset`);
	assertVerdict(await untilEnded(shared.client, id), 'passed', 'pass_pattern');
});

test('a pause holds the board, not the time', async () => {
	const { id, instance } = await beginHello({ timeout: 3 });
	await shared.client.post(`/instances/${instance.id}/pause`);
	assertVerdict(await untilEnded(shared.client, id), 'timed_out', 'timeout');
});

// ---- other emulators ----

test('boards of a driver get their verdicts as those of QEMU', async () => {
	/** @type {[object, string, string, RegExp?][]} */
	const cases = [
		[{ target: 'mock', pass: ['^uart ready$'] }, 'passed', 'pass_pattern'],
		[{ target: 'mock', pass: ['abc'], input: [{ expect: 'ready', send: 'abc\n' }] }, 'passed', 'pass_pattern'],
		[{ target: 'mock-exits' }, 'passed', 'guest_exit'],
		[{ target: 'mock-exits', pass: ['never'] }, 'failed', 'no_pass_pattern'],
		[{ target: 'mock-fails' }, 'failed', 'guest_exit', /code 3/],
		[{ target: 'mock-deaf', timeout: 0.5 }, 'timed_out', 'timeout'],
		[{ target: 'mock-mute' }, 'not_started', 'start_failed', /no console/],
	];
	for (const [json, verdict, reason, detail] of cases) assertVerdict((await shared.client.post('/runs', { json })).json, verdict, reason, detail);
});

// ---- when emud is late ----

/** Enough for a board to begin among others' work. */
const LATE_S = 3;

for (const late of [{ timeout: LATE_S }, { idle_timeout: LATE_S }]) {
	const name = Object.keys(late)[0];
	/**
	 * Ends after emud has stood still, from the board's first byte until the time was up.
	 * @param {Buffer[]} steps what the board does meanwhile
	 * @param {(instance: any) => void} [act]
	 */
	const standStill = async (steps, act = () => {}) => {
		const { id } = await beginRun(shared.client, script([print('Hello\n'), pause(300), ...steps]), { pass: 'PASSED', ...late });
		const instance = await boardOf(shared.client, id);
		await untilPrinted(shared.client, id, 'Hello\n');
		const { pid } = /** @type {import('node:child_process').ChildProcess} */ (shared.emud.process);
		const output = `${shared.emud.stateDir}/runs/${id}/output`;
		process.kill(/** @type {number} */ (pid), 'SIGSTOP');
		try {
			act(instance);
			await until(() => Date.now() - statSync(output).mtimeMs > (LATE_S + 0.5) * 1000, 'the time to be up');
		} finally {
			process.kill(/** @type {number} */ (pid), 'SIGCONT');
		}
		return untilEnded(shared.client, id);
	};

	test(`what was printed in time counts, however late it is looked at (${name})`, async () => {
		assertVerdict(await standStill([print('PASSED\n')]), 'passed', 'pass_pattern');
	});

	test(`an end in time counts, however late it is heard of (${name})`, async () => {
		assertVerdict(await standStill([print('bye\n'), exit(3)]), 'failed', 'guest_exit');
		const crashed = await standStill([], ({ processes }) => process.kill(processes.qemu.pid, 'SIGSEGV'));
		assertVerdict(crashed, 'crashed', 'crashed');
	});

	test(`silence is told as what it is, however late (${name})`, async () => {
		assertVerdict(await standStill([]), 'timed_out', name);
	});
}

// ---- how soon ----

const ROUNDS = 3;
const SAMPLES = 20;
const PROMISED_MS = 50;

/** @type {string[]} */
const measured = [];
after(() => console.log(measured.join('\n')));

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * How long after the last byte was written the answer is there, beyond what this machine's other work takes: an answer is three hand-overs
 * between processes, each as late as the two of a bare request are at that time. A round among others' work may be late, not each.
 * @param {string} what
 * @param {Buffer} elf
 * @param {import('../lib/runs.mjs').Parameters} parameters
 */
async function measure(what, elf, parameters) {
	const medians = [];
	for (let round = 0; round < ROUNDS && !(Math.min(...medians) < PROMISED_MS); round++) {
		const late = [];
		const bare = [];
		for (let sample = 0; sample < SAMPLES; sample++) {
			const { id } = await runFirmware(shared.client, elf, parameters);
			const answered = performance.now();
			late.push(performance.timeOrigin + answered - statSync(`${shared.emud.stateDir}/runs/${id}/output`).mtimeMs);
			await shared.client.get('/version');
			bare.push(performance.now() - answered);
		}
		medians.push(median(late) - median(bare) * 3);
		measured.push(`${what}: median ${median(late).toFixed(1)} ms, worst ${Math.max(...late).toFixed(1)} ms of ${SAMPLES}; a bare request ${median(bare).toFixed(1)} ms`);
	}
	return Math.min(...medians);
}

test('the answer comes within 50 ms of the deciding byte', async () => {
	const elf = script([print('some line\nPASSED\n')]);
	assert.ok(await measure('line with a pattern', elf, { pass: 'PASSED' }) < PROMISED_MS, measured.join('\n'));
	const unfinished = script([print('some line\nPASSED')]);
	assert.ok(await measure('pattern without the end of its line', unfinished, { pass: 'PASSED' }) < PROMISED_MS, measured.join('\n'));
});

test('the answer comes within 50 ms of the exit', async () => {
	const elf = script([print('bye\n'), exit(0)]);
	assert.ok(await measure('exit, counted from the byte before it', elf, {}) < PROMISED_MS, measured.join('\n'));
});

test('the answer comes within 50 ms of a crash', async () => {
	const elf = script([print('oops\n'), crash()]);
	assert.ok(await measure('lockup, counted from the byte before it', elf, {}) < PROMISED_MS, measured.join('\n'));
});
