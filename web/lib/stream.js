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
		this.offset = 0;
		this.retryMs = RETRY_FIRST_MS;
		this.closed = false;
		this.paused = false;
		/** @type {WebSocket | null} */
		this.socket = null;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
		this.ended = false;
		void this.connect();
	}

	/** @param {string} text */
	send(text) {
		if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(new TextEncoder().encode(text));
	}

	/** What the list says of the instance: a stream that ended goes on with the next start. @param {number} startNumber */
	noteStart(startNumber) {
		if (this.ended && startNumber > this.startNumber) void this.connect();
	}

	/** The page is behind: no more until resume, which goes on at the same byte. */
	pause() {
		if (this.paused) return;
		this.paused = true;
		this.socket?.close();
	}

	resume() {
		if (!this.paused) return;
		this.paused = false;
		if (!this.socket && !this.closed) void this.connect();
	}

	close() {
		this.closed = true;
		clearTimeout(this.timer);
		this.socket?.close();
	}

	async connect() {
		this.ended = false;
		this.events.onStatus('connecting');
		try {
			// An offset belongs to one start: ask which one it is now.
			const instance = await this.api.getInstance(this.id);
			if (this.closed) return;
			this.enterStart(instance.start_number);
		} catch (error) {
			if (error instanceof Problem && error.status === 404) this.events.onStatus('gone');
			else this.retry();
			return;
		}
		this.open();
	}

	/** @param {number} startNumber */
	enterStart(startNumber) {
		if (startNumber === this.startNumber) return;
		this.startNumber = startNumber;
		this.offset = 0;
		this.events.onStart(startNumber);
	}

	open() {
		const url = new URL(apiPath('instances', this.id, 'channels', this.channel, 'stream'), location.href);
		url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
		url.searchParams.set('offset', String(this.offset));
		const socket = new WebSocket(url);
		this.socket = socket;
		socket.binaryType = 'arraybuffer';
		socket.onopen = () => {
			this.retryMs = RETRY_FIRST_MS;
			this.events.onStatus('connected');
		};
		socket.onmessage = ({ data }) => this.receive(data);
		socket.onclose = ({ code }) => this.lost(code);
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
		// What was under way when it was paused comes again.
		if (this.paused) return;
		this.offset += data.byteLength;
		this.events.onBytes(new Uint8Array(data));
	}

	/** @param {number} code */
	lost(code) {
		this.socket = null;
		if (this.closed || this.paused) return;
		if (code === CLOSE_ENDED) {
			this.ended = true;
			this.events.onStatus('ended');
			return;
		}
		this.retry();
	}

	retry() {
		if (this.closed) return;
		this.events.onStatus('lost');
		this.timer = setTimeout(() => void this.connect(), this.retryMs);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}
}
