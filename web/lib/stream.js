// A console over the WebSocket: every byte once and in order, across lost connections. No DOM.

import { Problem, apiPath } from './api.js';

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;
const CLOSE_ENDED = 1000;

/**
 * @typedef {{
 *   onBytes: (bytes: Uint8Array) => void,
 *   onGap: (lost: number) => void,
 *   onStart: (startNumber: number) => void,
 *   onStatus: (status: 'connecting' | 'connected' | 'ended' | 'lost' | 'gone') => void,
 * }} StreamEvents
 * onStart: what follows is another start's output, from its first kept byte.
 */

export class ConsoleStream {
	/**
	 * @param {import('./api.js').Api} api
	 * @param {string} id
	 * @param {string} channel
	 * @param {StreamEvents} events
	 */
	constructor(api, id, channel, events) {
		this.api = api;
		this.id = id;
		this.channel = channel;
		this.events = events;
		this.startNumber = 0;
		/** The newest start there is said to be. */
		this.lastStart = 0;
		this.offset = 0;
		this.retryMs = RETRY_FIRST_MS;
		this.closed = false;
		this.paused = false;
		this.ended = false;
		/** Between resume and the stream that follows it. */
		this.resuming = false;
		/** Counts attempts: what an earlier one still brings is not taken. */
		this.attempt = 0;
		/** @type {WebSocket | null} */
		this.socket = null;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
		/** Typed while the stream was paused. @type {string[]} */
		this.unsent = [];
		void this.connect();
	}

	/** @param {string} text */
	send(text) {
		if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(new TextEncoder().encode(text));
		else if (this.paused || this.resuming) this.unsent.push(text);
	}

	/** What the list says of the instance: a stream that ended goes on with the next start. @param {number} startNumber */
	noteStart(startNumber) {
		this.lastStart = Math.max(this.lastStart, startNumber);
		if (this.ended && this.lastStart > this.startNumber) void this.connect();
	}

	/** The page is behind: no more until resume, which goes on at the same byte. */
	pause() {
		if (this.paused || this.closed) return;
		this.paused = true;
		this.letGo();
	}

	resume() {
		if (!this.paused || this.closed) return;
		this.paused = false;
		this.resuming = true;
		void this.connect();
	}

	close() {
		this.closed = true;
		this.letGo();
	}

	letGo() {
		this.attempt++;
		clearTimeout(this.timer);
		this.socket?.close();
		this.socket = null;
	}

	async connect() {
		const attempt = ++this.attempt;
		this.ended = false;
		if (!this.resuming) this.events.onStatus('connecting');
		try {
			// An offset belongs to one start: ask which one it is now.
			const instance = await this.api.getInstance(this.id);
			if (attempt !== this.attempt) return;
			this.enterStart(instance.start_number);
		} catch (error) {
			if (attempt !== this.attempt) return;
			if (error instanceof Problem && error.status === 404) this.events.onStatus('gone');
			else this.retry();
			return;
		}
		this.open(attempt);
	}

	/** @param {number} startNumber */
	enterStart(startNumber) {
		if (startNumber === this.startNumber) return;
		this.startNumber = startNumber;
		this.offset = 0;
		this.events.onStart(startNumber);
	}

	/** @param {number} attempt */
	open(attempt) {
		const url = new URL(apiPath('instances', this.id, 'channels', this.channel, 'stream'), location.href);
		url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
		url.searchParams.set('offset', String(this.offset));
		const socket = new WebSocket(url);
		this.socket = socket;
		socket.binaryType = 'arraybuffer';
		socket.onopen = () => attempt === this.attempt && this.opened();
		socket.onmessage = ({ data }) => attempt === this.attempt && this.receive(data);
		socket.onclose = ({ code }) => attempt === this.attempt && this.lost(code);
	}

	opened() {
		this.retryMs = RETRY_FIRST_MS;
		this.resuming = false;
		this.events.onStatus('connected');
		for (const text of this.unsent.splice(0)) this.send(text);
	}

	/** @param {string | ArrayBuffer} data */
	receive(data) {
		if (typeof data === 'string') {
			const position = JSON.parse(data);
			this.enterStart(position.start_number);
			if (position.offset > this.offset) this.events.onGap(position.offset - this.offset);
			this.offset = position.offset;
			return;
		}
		this.offset += data.byteLength;
		this.events.onBytes(new Uint8Array(data));
	}

	/** @param {number} code */
	lost(code) {
		this.socket = null;
		if (code !== CLOSE_ENDED) return this.retry();
		this.ended = true;
		this.unsent = [];
		// Word of the next start may have been faster than the end of this one.
		if (this.lastStart > this.startNumber) void this.connect();
		else this.events.onStatus('ended');
	}

	retry() {
		this.resuming = false;
		this.unsent = [];
		this.events.onStatus('lost');
		this.timer = setTimeout(() => void this.connect(), this.retryMs);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}
}
