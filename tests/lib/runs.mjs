// Runs, as their tests ask for them.

import { once } from 'node:events';

import { checkAnswer } from './contract.mjs';
import { until, within } from './deadline.mjs';
import { ByteStream } from './streams.mjs';

/** @typedef {Record<string, string | number | boolean | string[] | undefined>} Parameters a list: the parameter is repeated */

/** @param {Parameters} [parameters] @param {string} [path] */
export function withQuery(parameters = {}, path = '/runs') {
	const pairs = Object.entries(parameters).flatMap(([name, value]) => [value ?? []].flat().map((each) => [name, String(each)]));
	return `${path}?${new URLSearchParams(pairs)}`;
}

/**
 * A run of a firmware that is sent, told as JSON when it has ended.
 * @param {import('./client.mjs').Client} client
 * @param {Buffer} elf
 * @param {Parameters} [parameters]
 */
export async function runFirmware(client, elf, parameters = {}) {
	const query = withQuery({ target: 'board', ...parameters });
	const { json } = await client.post(query, { body: elf, headers: { accept: 'application/json' } });
	return json;
}

/**
 * A run that goes on by itself.
 * @param {import('./client.mjs').Client} client
 * @param {Buffer} elf
 * @param {Parameters} [parameters]
 */
export async function beginRun(client, elf, parameters = {}) {
	const { json } = await client.post(withQuery({ target: 'board', detach: true, ...parameters }), { body: elf, expect: 202 });
	return json;
}

/**
 * The instance of a run, once it runs.
 * @param {import('./client.mjs').Client} client
 * @param {string} id the run's
 */
export async function boardOf(client, id) {
	const instance = await until(async () => (await client.get(`/runs/${id}`)).json.instance, `run ${id} to have a board`);
	return client.waitFor(instance, 'running');
}

/**
 * The console's output of a run once it holds text, while the run goes on.
 * @param {import('./client.mjs').Client} client
 * @param {string} id
 * @param {string} text
 */
export async function untilPrinted(client, id, text) {
	const output = await client.follow(`/runs/${id}/output?follow=true`);
	try {
		return await output.until(text);
	} finally {
		output.close();
	}
}

/**
 * A run once it has ended, and all it printed.
 * @param {import('./client.mjs').Client} client
 * @param {string} id
 */
export async function untilEnded(client, id) {
	const output = await client.follow(`/runs/${id}/output?follow=true`);
	const how = await output.untilEnd();
	if (how !== 'end') throw new Error(`the output of run ${id} is ${how}`);
	const { json } = await client.get(`/runs/${id}`);
	return { ...json, output: output.bytes };
}

/**
 * A run once its board has been taken away, which is a moment behind its verdict.
 * @param {import('./client.mjs').Client} client
 * @param {string} id
 */
export const untilBoardGone = (client, id) =>
	until(async () => {
		const reply = await client.get(`/runs/${id}`);
		return reply.json.instance === null && reply;
	}, `the board of run ${id} to be gone`);

/**
 * What a run prints, as it comes.
 * @param {import('./client.mjs').Client} client
 * @param {Buffer | undefined} elf undefined: the path says it all
 * @param {string} path
 */
export async function streamRun(client, elf, path) {
	const request = client.send('POST', path, { body: elf });
	const [response] = await within(once(request, 'response'), `the head of POST ${path}`);
	checkAnswer('POST', client.target(path), { status: response.statusCode, headers: response.headers, body: null, json: undefined });
	const stream = new ByteStream();
	response.on('data', (/** @type {Buffer} */ bytes) => stream.push(bytes));
	response.on('end', () => stream.finish('end'));
	response.on('error', () => stream.finish('broken'));
	return Object.assign(stream, { status: response.statusCode, headers: response.headers, close: () => request.destroy() });
}
