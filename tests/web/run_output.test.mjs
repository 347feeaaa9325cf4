// The page's reader of a run's output against a scripted server: every byte once and in order, whatever breaks.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem } from '../../web/lib/api.js';
import { RunOutput, readPart } from '../../web/lib/run_output.js';
import { until } from '../lib/deadline.mjs';

/**
 * @param {string[]} chunks
 * @param {{offset?: number, first?: number, breaks?: boolean}} [options]
 */
function answer(chunks, { offset = 0, first = 0, breaks = false } = {}) {
	const body = new ReadableStream({
		pull(controller) {
			const chunk = chunks.shift();
			if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk));
			else if (breaks) controller.error(new TypeError('network error'));
			else controller.close();
		},
	}, { highWaterMark: 0 });
	return new Response(body, { headers: { 'emud-offset': String(offset), 'emud-first-offset': String(first) } });
}

/**
 * @param {(() => Response)[]} answers one a request
 * @param {object[]} runs one a question for the run; the last again and again
 */
function openOutput(answers, runs = [{ state: 'ended', output_bytes: 0 }], offset = 0) {
	/** @type {string[]} */
	const events = [];
	/** @type {string[]} */
	const asked = [];
	const api = /** @type {any} */ ({
		async fetch(/** @type {string} */ path) {
			asked.push(path);
			const next = answers.shift();
			if (!next) throw new Problem(0, 'unreachable', 'gone');
			return next();
		},
		getRun: async () => (runs.length > 1 ? runs.shift() : runs[0]),
	});
	const output = new RunOutput(api, '42', offset, {
		onPlace: (place, first) => events.push(`at ${place}, from ${first}`),
		onBytes: (bytes) => void events.push(new TextDecoder().decode(bytes)),
		onStatus: (status) => events.push(status),
	});
	output.setSeen(true);
	return { output, events, asked };
}

test('it is read to its end', async () => {
	const { events, asked } = openOutput([() => answer(['Hel', 'lo'])], [{ state: 'ended', output_bytes: 5 }]);
	await until(() => events.includes('ended'), 'the end');
	assert.deepEqual(events, ['connecting', 'at 0, from 0', 'live', 'Hel', 'lo', 'ended']);
	assert.deepEqual(asked, ['/v1/runs/42/output?follow=true&offset=0']);
});

test('it goes on at its offset after the connection broke, and after a stream that ended before the run', async () => {
	const answers = [
		() => answer(['12345'], { breaks: true }),
		() => answer(['678'], { offset: 5 }),
		() => answer(['9'], { offset: 8 }),
	];
	const { events, asked } = openOutput(answers, [{ state: 'running', output_bytes: 0 }, { state: 'ended', output_bytes: 9 }]);
	await until(() => events.includes('ended'), 'the end');
	assert.deepEqual(events, ['connecting', 'at 0, from 0', 'live', '12345', 'lost', 'connecting', 'live', '678', 'lost', 'connecting', 'live', '9', 'ended']);
	assert.deepEqual(asked.map((path) => /offset=(.*)/.exec(path)?.[1]), ['0', '5', '8']);
});

test('an end before the end the record names is none, unless nothing more comes', async () => {
	const { events } = openOutput([() => answer(['12']), () => answer(['3'], { offset: 2 }), () => answer([], { offset: 3 })], [{ state: 'ended', output_bytes: 5 }]);
	await until(() => events.includes('ended'), 'the end');
	assert.equal(events.filter((event) => event === 'lost').length, 2);
});

test('bytes that are no longer kept are told', async () => {
	const { events } = openOutput([() => answer(['1'], { breaks: true }), () => answer(['x'], { offset: 1000, first: 1000 })], [{ state: 'ended', output_bytes: 1001 }]);
	await until(() => events.includes('ended'), 'the end');
	assert.deepEqual(events.slice(-4), ['at 1000, from 1000', 'live', 'x', 'ended']);
});

test('from so many bytes before the end on', async () => {
	const { output, events, asked } = openOutput([() => answer(['end'], { offset: 97 })], [{ state: 'ended', output_bytes: 100 }], -3);
	await until(() => events.includes('ended'), 'the end');
	assert.equal(asked[0], '/v1/runs/42/output?follow=true&offset=-3');
	assert.equal(output.offset, 100);
});

test('no more is read until what came is taken', async () => {
	/** @type {(() => void)[]} */
	const takes = [];
	const chunks = ['a', 'b', 'c'];
	const api = /** @type {any} */ ({ fetch: async () => answer(chunks), getRun: async () => ({ state: 'ended', output_bytes: 3 }) });
	/** @type {string[]} */
	const events = [];
	new RunOutput(api, '1', 0, {
		onPlace() {},
		onBytes: () => new Promise((resolve) => takes.push(() => resolve())),
		onStatus: (status) => events.push(status),
	}).setSeen(true);
	await until(() => takes.length === 1, 'the first chunk');
	assert.deepEqual(chunks, ['b', 'c']);
	takes[0]();
	await until(() => takes.length === 2, 'the second chunk');
	assert.deepEqual(chunks, ['c']);
	takes[1]();
	await until(() => takes.length === 3, 'the third chunk');
	takes[2]();
	await until(() => events.includes('ended'), 'the end');
});

/** What has come so far, and then nothing, until it is given up: what comes then is too late. @param {string[]} chunks @param {number} [offset] */
function answerAndHang(chunks, offset = 0) {
	/** @type {ReadableStreamDefaultController<Uint8Array>} */
	let controller;
	const body = new ReadableStream({ start: (given) => void (controller = given) });
	const say = (/** @type {string} */ chunk) => controller.enqueue(new TextEncoder().encode(chunk));
	for (const chunk of chunks) say(chunk);
	return { say, give: () => new Response(body, { headers: { 'emud-offset': String(offset) } }) };
}

test('one that hangs goes on at its offset when the connection is said to be back', async () => {
	const hung = answerAndHang(['123']);
	const { output, events, asked } = openOutput([hung.give, () => answer(['45'], { offset: 3 })], [{ state: 'ended', output_bytes: 5 }]);
	await until(() => events.includes('123'), 'the first part');
	output.renew();
	hung.say('late');
	await until(() => events.includes('ended'), 'the end');
	assert.deepEqual(events, ['connecting', 'at 0, from 0', 'live', '123', 'connecting', 'live', '45', 'ended']);
	assert.deepEqual(asked.map((path) => /offset=(.*)/.exec(path)?.[1]), ['0', '3']);
	output.renew();
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(asked.length, 2, 'what has ended is asked for no more');
});

test('one that is not seen holds no connection, says nothing, and goes on at its offset when it is seen', async () => {
	const hung = answerAndHang(['123']);
	/** @type {AbortSignal[]} */
	const signals = [];
	const answers = [hung.give(), answer(['45'], { offset: 3 })];
	const api = /** @type {any} */ ({
		async fetch(/** @type {string} */ path, /** @type {{signal: AbortSignal}} */ { signal }) {
			signals.push(signal);
			return answers.shift();
		},
		getRun: async () => ({ state: 'ended', output_bytes: 5 }),
	});
	/** @type {string[]} */
	const events = [];
	const output = new RunOutput(api, '1', 0, {
		onPlace() {}, onBytes: (bytes) => void events.push(new TextDecoder().decode(bytes)), onStatus: (status) => events.push(status),
	});
	output.renew();
	assert.deepEqual([signals.length, events], [0, []], 'as in a page that is opened behind others');
	output.setSeen(true);
	await until(() => events.includes('123'), 'the first part');
	output.setSeen(false);
	assert.ok(signals[0].aborted);
	hung.say('late');
	output.renew();
	await new Promise((resolve) => setImmediate(resolve));
	assert.deepEqual([signals.length, events], [1, ['connecting', 'live', '123']]);
	output.setSeen(true);
	await until(() => events.includes('ended'), 'the end');
	assert.deepEqual(events.slice(3), ['connecting', 'live', '45', 'ended']);
});

test('what is not taken yet when the connection changes is waited for', async () => {
	/** @type {() => void} */
	let take = () => {};
	const hung = answerAndHang(['1']);
	const answers = [hung.give(), answer(['2'], { offset: 1 })];
	const api = /** @type {any} */ ({ fetch: async () => answers.shift(), getRun: async () => ({ state: 'ended', output_bytes: 2 }) });
	/** @type {string[]} */
	const events = [];
	const output = new RunOutput(api, '1', 0, {
		onPlace() {},
		onBytes(bytes) {
			events.push(new TextDecoder().decode(bytes));
			return new Promise((resolve) => (take = () => resolve()));
		},
		onStatus: (status) => events.push(status),
	});
	output.setSeen(true);
	await until(() => events.includes('1'), 'the first part');
	output.renew();
	await until(() => events.filter((event) => event === 'live').length === 2, 'the second answer');
	await new Promise((resolve) => setImmediate(resolve));
	assert.ok(!events.includes('2'));
	take();
	await until(() => events.includes('2'), 'the second part');
	take();
	await until(() => events.includes('ended'), 'the end');
});

test('a lost one is tried again at once when the connection is said to be back, and never when it is closed', async () => {
	const { output, events, asked } = openOutput([]);
	await until(() => events.includes('lost'), 'the loss');
	output.renew();
	await until(() => asked.length === 2, 'another try');
	output.close();
	const count = events.length;
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(events.length, count);
});

test('output that is gone is asked for no more', async () => {
	const { events, asked } = openOutput([() => {
		throw new Problem(404, 'not_found', 'gone');
	}]);
	await until(() => events.includes('gone'), 'the answer');
	assert.equal(asked.length, 1);
});

test('an offset beyond the end begins anew', async () => {
	const refuse = () => {
		throw new Problem(416, 'range_not_satisfiable', 'beyond');
	};
	const { events, asked } = openOutput([() => answer(['12345'], { breaks: true }), refuse, () => answer(['123'])], [{ state: 'ended', output_bytes: 3 }]);
	await until(() => events.includes('ended'), 'the end');
	assert.match(asked[2], /offset=0$/);
	assert.deepEqual(events.slice(-4), ['at 0, from 0', 'live', '123', 'ended']);
});

test('word of an offset beyond the end that comes after another answer was asked for changes nothing', async () => {
	/** @type {(error: Problem) => void} */
	let refuse = () => {};
	const late = /** @type {any} */ (() => new Promise((_, reject) => (refuse = reject)));
	const { output, events } = openOutput([() => answer(['12345'], { breaks: true }), late, () => answer(['6'], { offset: 5 })], [{ state: 'ended', output_bytes: 6 }]);
	await until(() => events.includes('lost'), 'the loss');
	output.renew();
	await until(() => events.at(-1) === 'connecting', 'another try');
	output.renew();
	refuse(new Problem(416, 'range_not_satisfiable', 'beyond'));
	await until(() => events.includes('ended'), 'the end');
	assert.deepEqual(events.slice(-3), ['live', '6', 'ended']);
	assert.equal(events.filter((event) => event.startsWith('at ')).length, 1);
});

test('a part is read with its place', async () => {
	const api = /** @type {any} */ ({ fetch: async () => answer(['part'], { offset: 12, first: 4 }) });
	const { offset, firstOffset, bytes } = await readPart(api, '1', 12, 4);
	assert.deepEqual([offset, firstOffset, new TextDecoder().decode(bytes)], [12, 4, 'part']);
});
