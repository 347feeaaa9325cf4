// emud killed at random moments while detached runs come and go: each that was promised ends once, with its verdict.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeRandom } from '../lib/churn.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { listAll } from '../lib/events.mjs';
import { firmware } from '../lib/firmware.mjs';
import { expectNothingLeft, listRuns } from '../lib/run_remains.mjs';
import { crash, exit, pause, print, script } from '../lib/script.mjs';

const KILLS = 20;
const WORKERS = 10;

/** What is asked for, and what must come of it. @type {Record<string, {elf: Buffer | null, spec: object, verdict: string, reason: string, output: string}>} */
const KINDS = {
	passing: { elf: script([print('ready\r\n'), pause(150), print('PASSED\r\n')]), spec: { pass: ['PASSED'], fail: ['FAILED'] }, verdict: 'passed', reason: 'pass_pattern', output: 'ready\r\nPASSED\r\n' },
	failing: { elf: script([print('FAILED\r\n'), pause(50), print('PASSED\r\n')]), spec: { pass: ['PASSED'], fail: ['FAILED'] }, verdict: 'failed', reason: 'fail_pattern', output: 'FAILED\r\n' },
	exiting: { elf: script([print('bye\r\n'), pause(50), exit(3)]), spec: {}, verdict: 'failed', reason: 'guest_exit', output: 'bye\r\n' },
	crashing: { elf: script([print('oh\r\n'), pause(50), crash()]), spec: { pass: ['PASSED'] }, verdict: 'crashed', reason: 'crashed', output: 'oh\r\n' },
	hanging: { elf: script([print('hm\r\n')]), spec: { pass: ['PASSED'], timeout: 0.7 }, verdict: 'timed_out', reason: 'timeout', output: 'hm\r\n' },
	talking: {
		elf: null, // echo
		spec: { pass: ['END'], input: [{ send: 'a' }, ...[...'abcdefg'].map((expect, at) => ({ expect, send: 'bcdefgh'[at] })), { expect: 'h', send: 'END\r' }] },
		verdict: 'passed', reason: 'pass_pattern', output: 'abcdefghEND\r',
	},
};

/** One client: a run, and when it has ended the next one. */
class Worker {
	/** @param {import('../lib/client.mjs').Client} client @param {number} number @param {(below: number) => number} random */
	constructor(client, number, random) {
		this.client = client;
		this.number = number;
		this.random = random;
		this.promised = /** @type {string[]} */ ([]);
		this.isStopping = false;
	}

	/** emud may be dead just now. @param {string} method @param {string} path @param {import('../lib/client.mjs').RequestOptions} [options] */
	async ask(method, path, options = {}) {
		return this.client.exchange(method, path, options).catch(() => null);
	}

	/** Its id; whether one that got no answer has come to be, the list tells. */
	async begin() {
		const names = Object.keys(KINDS);
		const kind = names[this.random(names.length)];
		const { elf, spec } = KINDS[kind];
		const label = `${this.number}-${this.promised.length}-${this.random(1e6)}`;
		const json = { target: 'board', detach: true, labels: { kind, label }, ...spec };
		const form = { spec: { content: JSON.stringify(json) }, ...elf && { file: { content: elf } } };
		const reply = await this.ask('POST', '/runs', elf ? { form } : { json: { ...json, file: firmware('echo') } });
		if (reply) return assert.equal(reply.status, 202, reply.text), reply.json.id;
		const list = await until(() => this.ask('GET', `/runs?label=label:${label}`), 'emud to be back');
		assert.ok(list.json.runs.length <= 1, 'one request, two runs');
		return list.json.runs[0]?.id;
	}

	async run() {
		while (!this.isStopping) {
			const id = await this.begin();
			if (id === undefined) continue;
			this.promised.push(id);
			await until(async () => (await this.ask('GET', `/runs/${id}`))?.json.state === 'ended', `run ${id} to end`, 60_000);
		}
	}
}

/** @param {import('../lib/client.mjs').Client} client @param {string[]} promised */
async function checkEach(client, promised) {
	const runs = await listRuns(client);
	assert.deepEqual(promised.map(Number).sort((a, b) => a - b), runs.map(({ id }) => Number(id)).sort((a, b) => a - b), 'none is lost, none is there twice');
	for (const { id, labels, verdict, reason, detail } of runs) {
		const expected = KINDS[labels.kind];
		assert.deepEqual([labels.kind, verdict, reason], [labels.kind, expected.verdict, expected.reason], `run ${id}: ${detail}`);
		assert.equal((await client.get(`/runs/${id}/output`)).text, expected.output, `run ${id}: ${labels.kind}`);
	}
	// A kill between a row and its event costs the event.
	const events = await listAll(client, '&type=run.state');
	const ended = events.filter(({ data }) => data.state === 'ended');
	assert.equal(new Set(ended.map(({ run }) => run)).size, ended.length, 'none is told twice to have ended');
	for (const { run, data } of ended) assert.equal(runs.find(({ id }) => id === run).verdict, data.verdict);
}

test('killed at random moments while detached runs come and go, it loses none and gives each its verdict', async (t) => {
	const seed = Date.now() & 0xffffffff;
	t.diagnostic(`seed ${seed}`);
	const random = makeRandom(seed);
	const emud = await startEmud(t, { server: { limits: { running_instances: 6 } } });
	const client = emud.client();
	t.after(() => client.close());
	const workers = Array.from({ length: WORKERS }, (_, number) => new Worker(client, number, makeRandom(seed + number)));
	const working = Promise.all(workers.map((worker) => worker.run()));
	working.catch(() => {});
	for (let kill = 0; kill < KILLS; kill++) {
		await new Promise((resolve) => setTimeout(resolve, random(400)));
		await emud.end(random(3) ? 'SIGKILL' : 'SIGTERM');
		await emud.start();
	}
	workers.forEach((worker) => (worker.isStopping = true));
	await working;
	const promised = workers.flatMap((worker) => worker.promised);
	t.diagnostic(`${promised.length} runs`);
	assert.ok(promised.length >= WORKERS);
	await expectNothingLeft(emud, client);
	await checkEach(client, promised);
});
