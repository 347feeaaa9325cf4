// A console over the WebSocket: every byte once and in order, across lost connections. No DOM.

import { Problem, apiPath } from './api.js';
import { outputPath, readOutput, wholeFrom } from './console_output.js';

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;
const CLOSE_ENDED = 1000;
const CLOSE_FAILED = 1011;
/** A message is 1 MiB at most. */
const MESSAGE_BYTES = 512 * 1024;
/** About as much as a terminal's scroll-back holds. */
const RECENT_BYTES = 2 * 1024 * 1024;
/** Who is further behind would see it all scroll by and out of the terminal again: the newest is shown instead. */
const MOST_BEHIND_BYTES = 8 * 1024 * 1024;

/**
 * silent: it stands, but emud has not been heard for long; failed: it ended, and the emulator had failed.
 * @typedef {'connecting' | 'connected' | 'silent' | 'lost' | 'ended' | 'failed' | 'gone'} StreamStatus
 * @typedef {StreamStatus | 'paused' | 'resuming' | 'closed'} StreamState
 * @typedef {{
 *   onBytes: (bytes: Uint8Array, isNew: boolean) => void,
 *   onGap: (lost: number) => void,
 *   onBegin: (startNumber: number, offset: number) => void,
 *   onStatus: (status: StreamStatus, unheard: number) => void,
 *   onUnsent: (text: string) => void,
 * }} StreamEvents
 * onBytes: isNew, it was printed after the stream began.
 * onBegin: what follows has nothing to do with what was before: another start's output, or the newest of much.
 * onStatus: unheard, so many characters were sent since anything has come.
 * onUnsent: the board will not get it.
 */

/** What is typed then is sent as soon as the stream stands. @type {StreamState[]} */
const KEEPING_KEYS = ['connecting', 'paused', 'resuming'];
/** @type {StreamState[]} */
const UNTOLD = ['paused', 'resuming', 'closed'];

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
		/** How far the output had come when the stream was opened. */
		this.newFrom = 0;
		/** What comes next was cut somewhere. */
		this.isCut = false;
		this.retryMs = RETRY_FIRST_MS;
		/** Counts attempts: what an earlier one still brings is not taken. */
		this.attempt = 0;
		/** @type {WebSocket | null} */
		this.socket = null;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
		/** @type {string[]} */
		this.unsent = [];
		this.unheard = 0;
		/** @type {StreamState} */
		this.state = 'connecting';
		this.enter('connecting');
		void this.connect();
	}

	/** @param {StreamState} state */
	enter(state) {
		this.state = state;
		if (!UNTOLD.includes(state)) this.events.onStatus(/** @type {StreamStatus} */ (state), this.unheard);
		if (state === 'connected') for (const text of this.unsent.splice(0)) this.send(text);
		else if (this.unsent.length && !KEEPING_KEYS.includes(state)) this.events.onUnsent(this.unsent.splice(0).join(''));
	}

	/** False: the board will not get it. @param {string} text */
	send(text) {
		if (this.state === 'connected' && this.socket?.readyState === WebSocket.OPEN) {
			const bytes = new TextEncoder().encode(text);
			for (let at = 0; at < bytes.length; at += MESSAGE_BYTES) this.socket.send(bytes.subarray(at, at + MESSAGE_BYTES));
			this.unheard += text.length;
			return true;
		}
		if (KEEPING_KEYS.includes(this.state)) return this.unsent.push(text) > 0;
		this.events.onUnsent(text);
		return false;
	}

	/** What the list says of the instance: a stream that ended goes on with the next start. @param {number} startNumber */
	noteStart(startNumber) {
		this.lastStart = Math.max(this.lastStart, startNumber);
		if (this.state === 'ended' || this.state === 'failed') this.followStart();
	}

	followStart() {
		if (this.lastStart <= this.startNumber) return false;
		this.enter('connecting');
		void this.connect();
		return true;
	}

	/** The page is behind: no more until resume, which goes on at the same byte. */
	pause() {
		if (this.state === 'closed') return;
		this.letGo();
		this.enter('paused');
	}

	resume() {
		if (this.state !== 'paused') return;
		this.enter('resuming');
		void this.connect();
	}

	/** emud is not heard elsewhere: this stream may be as dead, until something comes. */
	doubt() {
		if (this.state === 'connected') this.enter('silent');
	}

	/** emud is heard again elsewhere: what has not been since is opened anew, and goes on at the same byte. */
	renew() {
		if (!['silent', 'lost', 'connecting', 'resuming'].includes(this.state)) return;
		this.letGo();
		void this.connect();
	}

	close() {
		this.letGo();
		this.enter('closed');
	}

	letGo() {
		this.attempt++;
		clearTimeout(this.timer);
		this.socket?.close();
		this.socket = null;
	}

	async connect() {
		const attempt = ++this.attempt;
		try {
			// An offset belongs to one start: ask which one it is now, and how far it has come.
			const last = await readOutput(this.api, outputPath(this.id, this.channel), { offset: -1, limit: 1 });
			if (attempt !== this.attempt) return;
			this.place(last);
		} catch (error) {
			if (attempt !== this.attempt) return;
			if (error instanceof Problem && error.code === 'not_found') this.enter('gone');
			else this.retry();
			return;
		}
		this.open(attempt);
	}

	/** @param {import('./console_output.js').Output} last its last byte */
	place({ startNumber, firstOffset, offset, bytes }) {
		const end = offset + bytes.length;
		this.newFrom = end;
		const ahead = end - this.offset;
		if (startNumber === this.startNumber && ahead >= 0 && ahead <= MOST_BEHIND_BYTES) return;
		this.startNumber = startNumber;
		this.offset = Math.max(firstOffset, end - RECENT_BYTES);
		this.isCut = this.offset > 0;
		this.events.onBegin(startNumber, this.offset);
	}

	/** @param {number} attempt */
	open(attempt) {
		const url = new URL(apiPath('instances', this.id, 'channels', this.channel, 'stream'), location.href);
		url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
		url.searchParams.set('offset', String(this.offset));
		url.searchParams.set('start_number', String(this.startNumber));
		const socket = new WebSocket(url);
		this.socket = socket;
		socket.binaryType = 'arraybuffer';
		socket.onopen = () => attempt === this.attempt && this.opened();
		socket.onmessage = ({ data }) => attempt === this.attempt && this.receive(data);
		socket.onclose = ({ code }) => attempt === this.attempt && this.lost(code);
	}

	opened() {
		this.retryMs = RETRY_FIRST_MS;
		this.enter('connected');
	}

	/** @param {string | ArrayBuffer} data */
	receive(data) {
		this.unheard = 0;
		if (this.state === 'silent') this.enter('connected');
		if (typeof data === 'string') {
			const position = JSON.parse(data);
			if (position.offset > this.offset) this.events.onGap(position.offset - this.offset);
			this.offset = position.offset;
			return;
		}
		const bytes = new Uint8Array(data);
		const from = this.isCut ? wholeFrom(bytes) : 0;
		const isNew = this.offset >= this.newFrom;
		this.isCut = false;
		this.offset += bytes.length;
		this.events.onBytes(bytes.subarray(from), isNew);
	}

	/** @param {number} code */
	lost(code) {
		this.socket = null;
		if (code !== CLOSE_ENDED && code !== CLOSE_FAILED) return this.retry();
		// Word of the next start may have been faster than the end of this one.
		if (!this.followStart()) this.enter(code === CLOSE_ENDED ? 'ended' : 'failed');
	}

	retry() {
		this.enter('lost');
		// Not all of the consoles there are at the same moment.
		this.timer = setTimeout(() => void this.connect(), this.retryMs * (0.5 + Math.random() / 2));
		this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}
}
