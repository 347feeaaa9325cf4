// What becomes of requests that have no answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api, Problem } from '../../web/lib/api.js';
import { outputPath, readOutput } from '../../web/lib/console_output.js';
import { readPart } from '../../web/lib/run_output.js';
import { holdTime } from '../lib/clock.mjs';

/** A network that has forgotten its connections: nothing comes, and nothing ends. @param {import('node:test').TestContext} t */
function beSilent(t) {
	/** @type {Record<string, (response: Response) => void>} by path */
	const answer = {};
	t.mock.method(globalThis, 'fetch', (/** @type {string} */ path, /** @type {{signal: AbortSignal}} */ { signal }) => new Promise((resolve, reject) => {
		answer[path] = resolve;
		signal.addEventListener('abort', () => reject(signal.reason));
	}));
	return answer;
}

/** How each of them ended, by name. @param {Record<string, Promise<unknown>>} requests */
function watch(requests) {
	/** @type {Record<string, string>} */
	const ended = {};
	for (const [name, request] of Object.entries(requests))
		request.then(() => (ended[name] = 'well'), (error) => (ended[name] = error instanceof Problem ? `${error.status} ${error.message}` : String(error)));
	return ended;
}

const makeApi = () => new Api(async () => null);

test('what emud answers at once has a deadline, and says what it was', async (t) => {
	const clock = holdTime(t);
	beSilent(t);
	const api = makeApi();
	const ended = watch({
		question: api.getRun('1'), stop: api.ask('p', 'stop'), delete: api.ask('p', 'delete'),
		run: readPart(api, '1', 0, 8), console: readOutput(api, outputPath('p', 'uart0'), { offset: 0, limit: 8 }),
	});
	await clock.pass(29_000);
	assert.deepEqual(ended, {});
	await clock.pass(1000);
	const part = '0 That part of the output did not come: emud did not answer.';
	assert.deepEqual(ended, {
		question: '0 emud does not answer: it may be down, or the network.', run: part, console: part,
		stop: '0 Stop of p had no answer: whether it was done shows when emud is back.',
		delete: '0 Delete of p had no answer: whether it was done shows when emud is back.',
	});
});

test('an answer that stops amid its bytes has the same deadline', async (t) => {
	const clock = holdTime(t);
	t.mock.method(globalThis, 'fetch', async (/** @type {string} */ path, /** @type {{signal: AbortSignal}} */ { signal }) =>
		new Response(new ReadableStream({ start: (body) => signal.addEventListener('abort', () => body.error(signal.reason)) })));
	const api = makeApi();
	const ended = watch({ run: readPart(api, '1', 0, 8), console: readOutput(api, outputPath('p', 'uart0'), { offset: 0, limit: 8 }) });
	await clock.pass(30_000);
	const part = '0 That part of the output did not come: emud did not answer.';
	assert.deepEqual(ended, { run: part, console: part });
});

test('what takes its time ends when a lost connection has been back for a while; what is well has its answer, what was begun since goes on', async (t) => {
	const clock = holdTime(t);
	const answer = beSilent(t);
	const api = makeApi();
	const before = watch({ reset: api.ask('p', 'reset'), gdb: api.act('p', 'gdb', {}), reload: api.request('POST', '/v1/config/reload') });
	await clock.pass(3600_000);
	api.noteReturn();
	const since = watch({ gdb: api.act('q', 'gdb', {}) });
	await clock.pass(29_000);
	assert.deepEqual(before, {});
	answer['/v1/instances/p/gdb'](Response.json({}));
	await clock.pass(1000);
	assert.deepEqual(before, {
		gdb: 'well', reset: '0 Reset of p had no answer: whether it was done shows when emud is back.',
		reload: '0 What was asked for had no answer: whether it was done shows when emud is back.',
	});
	await clock.pass(3600_000);
	assert.deepEqual(since, {});
});
