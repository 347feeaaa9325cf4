// What comes bit by bit: bytes, server-sent events, WebSockets.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import WebSocket from 'ws';

import { checkAnswer } from './contract.mjs';
import { within } from './deadline.mjs';

/** Bytes as they arrive, and promises of what they will hold. */
export class ByteStream {
	constructor() {
		/** @type {Buffer[]} */
		this.parts = [];
		this.length = 0;
		/** @type {string | null} */
		this.ended = null;
		/** @type {Set<() => void>} */
		this.waiting = new Set();
	}

	/** @param {Buffer} bytes */
	push(bytes) {
		this.parts.push(bytes);
		this.length += bytes.length;
		this.wake();
	}

	/** All that has come; joined only when it is looked at, since a flood comes in many thousand parts. */
	get bytes() {
		if (this.parts.length !== 1) this.parts = [Buffer.concat(this.parts)];
		return this.parts[0];
	}

	/** @param {string} how */
	finish(how) {
		this.ended ??= how;
		this.wake();
	}

	wake() {
		for (const check of [...this.waiting]) check();
	}

	/**
	 * @template T
	 * @param {() => T} probe
	 * @param {string} what
	 * @returns {Promise<T>}
	 */
	wait(probe, what) {
		/** @type {() => void} */
		let check = () => {};
		const found = new Promise((resolve, reject) => {
			check = () => {
				const value = probe();
				if (value) resolve(value);
				else if (this.ended !== null) reject(new Error(`the stream ended (${this.ended}) before ${what}: ${this.tail()}`));
			};
			this.waiting.add(check);
			check();
		});
		return within(found, what).catch((error) => {
			error.message += `; came: ${this.tail()}`;
			throw error;
		}).finally(() => this.waiting.delete(check));
	}

	tail() {
		return JSON.stringify(this.bytes.subarray(-200).toString());
	}

	/** What came behind an offset. @param {number} offset in bytes */
	behind(offset) {
		let first = this.parts.length;
		let at = this.length;
		while (at > offset) at -= this.parts[--first].length;
		return Buffer.concat(this.parts.slice(first)).subarray(offset - at);
	}

	/** All bytes so far, once they hold text. @param {string} text */
	async until(text) {
		const sought = Buffer.from(text);
		let searched = 0;
		await this.wait(() => {
			const isThere = this.behind(searched).includes(sought);
			// What is searched may begin at the end of what there is.
			searched = Math.max(0, this.length - sought.length + 1);
			return isThere;
		}, JSON.stringify(text));
		return this.bytes.toString();
	}

	/** @param {number} length */
	async untilLength(length) {
		await this.wait(() => this.length >= length, `${length} bytes`);
		return this.bytes;
	}

	/** How it ended. */
	untilEnd() {
		return this.wait(() => this.ended, 'the end').catch((error) => this.ended ?? Promise.reject(error));
	}
}

/**
 * The events of an event stream's text.
 * @param {string} text
 * @returns {{id: string, event?: string, data: any}[]}
 */
export function parseEvents(text) {
	const whole = text.slice(0, text.lastIndexOf('\n\n') + 1);
	return whole.split('\n\n').map((block) => {
		const fields = /** @type {{id: string, event?: string, data: string}} */ ({});
		for (const line of block.split('\n')) {
			const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
			if (name) fields[name] = value;
		}
		return fields;
	}).filter(({ data }) => data !== undefined).map(({ data, ...fields }) => ({ ...fields, data: JSON.parse(data) }));
}

/** A channel over a WebSocket: binary frames are its bytes, text frames its positions. */
export class ChannelSocket extends ByteStream {
	/** @param {WebSocket} socket */
	constructor(socket) {
		super();
		this.socket = socket;
		/** @type {{start_number: number, offset: number}[]} */
		this.positions = [];
		/** @type {{code: number, reason: string} | null} */
		this.closed = null;
		socket.on('message', (data, isBinary) => {
			if (isBinary) return this.push(/** @type {Buffer} */ (data));
			this.positions.push(JSON.parse(data.toString()));
			this.wake();
		});
		socket.on('close', (code, reason) => {
			this.closed = { code, reason: reason.toString() };
			this.finish(`close ${code} ${reason}`);
		});
		socket.on('error', () => this.finish('error'));
	}

	/** @param {string | Buffer} bytes */
	send(bytes) {
		this.socket.send(Buffer.from(bytes));
	}

	firstPosition() {
		return this.wait(() => this.positions[0], 'the first position');
	}

	async untilClosed() {
		await this.untilEnd();
		return this.closed;
	}

	async close() {
		if (this.socket.readyState === WebSocket.CLOSED) return;
		this.socket.close();
		await within(once(this.socket, 'close'), 'the WebSocket to close');
	}
}

/**
 * @param {import('./client.mjs').Client} client
 * @param {string} path
 * @param {Record<string, string>} headers
 */
function connect(client, path, headers) {
	const all = client.token === undefined ? headers : { authorization: `Bearer ${client.token}`, ...headers };
	return new WebSocket(`ws://127.0.0.1:${client.emud.port}${client.version}${path}`, { headers: all });
}

/**
 * @param {import('./client.mjs').Client} client
 * @param {string} path
 * @param {Record<string, string>} [headers]
 */
export async function openStream(client, path, headers = {}) {
	const socket = connect(client, path, headers);
	const stream = new ChannelSocket(socket);
	await within(new Promise((resolve, reject) => {
		socket.once('open', resolve);
		socket.once('error', reject);
	}), `the WebSocket ${path}`);
	return stream;
}

/**
 * The problem a WebSocket is refused with.
 * @param {import('./client.mjs').Client} client
 * @param {string} path
 * @param {Record<string, string>} [headers]
 */
export async function refusedStream(client, path, headers = {}) {
	const socket = connect(client, path, headers);
	const answer = new Promise((resolve, reject) => {
		socket.once('open', () => {
			socket.terminate();
			reject(new Error(`the WebSocket ${path} was opened`));
		});
		socket.once('error', reject);
		socket.once('unexpected-response', async (request, response) => {
			const parts = [];
			for await (const part of response) parts.push(part);
			const body = Buffer.concat(parts);
			request.destroy();
			resolve({ status: response.statusCode, headers: response.headers, body, json: JSON.parse(body.toString()) });
		});
	});
	const reply = await within(answer, `the refusal of ${path}`);
	checkAnswer('GET', client.version + path, reply);
	assert.ok(reply.json.code);
	return reply.json;
}
