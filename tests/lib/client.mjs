// An HTTP client that holds every answer against the specification, and says what it got when a test expected another.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { gunzipSync } from 'node:zlib';

import { checkAnswer } from './contract.mjs';
import { DEADLINE_MS, until, within } from './deadline.mjs';
import { firmware } from './firmware.mjs';
import { ByteStream } from './streams.mjs';

/**
 * @typedef {{
 *   json?: unknown, body?: string | Buffer, form?: Record<string, {content: string | Buffer, type?: string, filename?: string}>,
 *   headers?: Record<string, string>, expect?: number, deadlineMs?: number,
 * }} RequestOptions
 * expect: the status, else the test fails with what came.
 * @typedef {import('./contract.mjs').Answer & {text: string, body: Buffer}} Reply
 */

/**
 * A body of multipart/form-data.
 * @param {NonNullable<RequestOptions['form']>} form
 */
export function encodeForm(form) {
	const boundary = `emud-${randomBytes(12).toString('hex')}`;
	const parts = Object.entries(form).map(([name, { content, type, filename }]) => {
		const disposition = `form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}`;
		const head = `--${boundary}\r\nContent-Disposition: ${disposition}\r\n${type ? `Content-Type: ${type}\r\n` : ''}\r\n`;
		return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]);
	});
	return {
		body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
		type: `multipart/form-data; boundary=${boundary}`,
	};
}

export class Client {
	/**
	 * @param {{port: number}} emud
	 * @param {{token?: string, version?: string}} [options] version: the prefix of every path
	 */
	constructor(emud, { token, version = '/v1' } = {}) {
		this.emud = emud;
		this.version = version;
		this.token = token;
		this.agent = new http.Agent({ keepAlive: true });
	}

	close() {
		this.agent.destroy();
	}

	/** Pages and their assets lie outside every version. @param {string} path */
	target(path) {
		return path === '/' || path.startsWith('/ui/') ? path : this.version + path;
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @param {RequestOptions} options
	 */
	send(method, path, { json, body, form, headers = {} }) {
		const all = { ...headers };
		if (this.token !== undefined && !('authorization' in all)) all.authorization = `Bearer ${this.token}`;
		let bytes = body;
		if (json !== undefined) {
			bytes = JSON.stringify(json);
			all['content-type'] ??= 'application/json';
		} else if (form) {
			const encoded = encodeForm(form);
			bytes = encoded.body;
			all['content-type'] = encoded.type;
		}
		if (bytes !== undefined) all['content-length'] ??= String(Buffer.byteLength(bytes));
		else if (method === 'POST' || method === 'PUT') all['content-length'] = '0';
		const request = http.request({
			host: '127.0.0.1', port: this.emud.port, method, path: this.target(path), headers: all, agent: this.agent,
		});
		request.end(bytes);
		return request;
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @param {RequestOptions} [options]
	 * @returns {Promise<Reply>}
	 */
	async request(method, path, options = {}) {
		const exchange = this.exchange(method, path, options);
		const reply = await within(exchange, `${method} ${path}`, options.deadlineMs ?? DEADLINE_MS);
		checkAnswer(method, this.target(path), reply);
		if (options.expect !== undefined)
			assert.equal(reply.status, options.expect, `${method} ${path} answered ${reply.status}: ${reply.text.slice(0, 2000)}`);
		return reply;
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @param {RequestOptions} options
	 * @returns {Promise<Reply>}
	 */
	async exchange(method, path, options) {
		const [response] = await once(this.send(method, path, options), 'response');
		const parts = [];
		for await (const part of response) parts.push(part);
		let body = Buffer.concat(parts);
		if (response.headers['content-encoding'] === 'gzip') body = gunzipSync(body);
		const isJson = /^application\/(problem\+)?json/.test(response.headers['content-type'] ?? '');
		const json = isJson && method !== 'HEAD' ? JSON.parse(body.toString()) : undefined;
		return { status: response.statusCode, headers: response.headers, body, text: body.toString(), json };
	}

	/** @param {string} path @param {RequestOptions} [options] */
	get(path, options) {
		return this.request('GET', path, { expect: 200, ...options });
	}

	/** @param {string} path @param {RequestOptions} [options] */
	post(path, options) {
		return this.request('POST', path, { expect: 200, ...options });
	}

	/** @param {string} path @param {RequestOptions} [options] */
	put(path, options) {
		return this.request('PUT', path, { expect: 200, ...options });
	}

	/** @param {string} path @param {RequestOptions} [options] */
	delete(path, options) {
		return this.request('DELETE', path, { expect: 204, ...options });
	}

	/**
	 * Expects a problem of this status and code.
	 * @param {number} status
	 * @param {string} code
	 * @param {string} method
	 * @param {string} path
	 * @param {RequestOptions} [options]
	 */
	async refused(status, code, method, path, options) {
		const reply = await this.request(method, path, options);
		assert.deepEqual([reply.status, reply.json?.code], [status, code], `${method} ${path}: ${reply.text.slice(0, 2000)}`);
		return reply.json;
	}

	/**
	 * A reply whose body comes as it grows.
	 * @param {string} path
	 * @param {RequestOptions} [options]
	 */
	async follow(path, options = {}) {
		const request = this.send('GET', path, options);
		const [response] = await within(once(request, 'response'), `the head of GET ${path}`);
		checkAnswer('GET', this.target(path), { status: response.statusCode, headers: response.headers, body: null, json: undefined });
		assert.equal(response.statusCode, options.expect ?? 200, `GET ${path}`);
		const stream = new ByteStream();
		response.on('data', (/** @type {Buffer} */ bytes) => stream.push(bytes));
		response.on('end', () => stream.finish('end'));
		response.on('error', () => stream.finish('broken'));
		return Object.assign(stream, { headers: response.headers, close: () => request.destroy() });
	}

	/**
	 * Starts a board with a firmware by name.
	 * @param {string} id
	 * @param {string} name
	 * @param {object} [spec]
	 */
	async startBoard(id, name, spec = {}) {
		const reply = await this.put(`/instances/${id}`, { json: { target: 'board', file: firmware(name), ...spec }, expect: 201 });
		return reply.json;
	}

	/**
	 * @param {string} id
	 * @param {'running' | 'paused' | 'ended'} state
	 */
	async waitFor(id, state) {
		return (await this.get(`/instances/${id}/wait?for=${state}&timeout=${DEADLINE_MS / 1000}`)).json;
	}

	/**
	 * The console's output once it holds text.
	 * @param {string} id
	 * @param {string} text
	 */
	async waitForOutput(id, text, channel = 'serial0') {
		const output = await this.follow(`/instances/${id}/channels/${channel}/output?follow=true`);
		try {
			return await output.until(text);
		} finally {
			output.close();
		}
	}

	/**
	 * How long the console's output is, once it holds still for no reason but that its board is paused or ended.
	 * @param {string} id
	 */
	async nextOffset(id, channel = 'serial0') {
		return (await this.get(`/instances/${id}/channels/${channel}`)).json.next_offset;
	}

	/**
	 * @param {string} id
	 * @param {number} offset
	 */
	waitForOffset(id, offset, channel = 'serial0') {
		return until(async () => (await this.nextOffset(id, channel)) >= offset, `${id}'s output to reach ${offset}`);
	}
}
