// The output of a run as it comes: every byte once and in order, across lost connections. No DOM.

import { Problem, apiPath } from './api.js';

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;

/**
 * @typedef {'connecting' | 'live' | 'lost' | 'ended' | 'gone'} OutputStatus
 * @typedef {{
 *   onPlace: (offset: number, firstOffset: number) => void,
 *   onBytes: (bytes: Uint8Array) => void | Promise<void>,
 *   onStatus: (status: OutputStatus) => void,
 * }} OutputEvents
 * onPlace: what follows begins at that offset, which is not where it left off: at first, and where bytes were lost.
 * onBytes: more is read when it has settled; until then the server waits.
 */

/**
 * @param {import('./api.js').Api} api
 * @param {string} id
 * @param {Record<string, string | number | boolean>} query
 * @param {AbortSignal} [signal]
 */
const fetchOutput = (api, id, query, signal) =>
	api.fetch(`${apiPath('runs', id, 'output')}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`,
		{ headers: { accept: 'application/octet-stream' }, cache: 'no-store', signal });

/** @param {Response} response @param {string} name */
const readOffset = (response, name) => Number(response.headers.get(name) ?? 0);

/**
 * A part that is there already.
 * @param {import('./api.js').Api} api
 * @param {string} id
 * @param {number} offset
 * @param {number} limit
 */
export async function readOutput(api, id, offset, limit) {
	const response = await fetchOutput(api, id, { offset, limit });
	return {
		offset: readOffset(response, 'emud-offset'), firstOffset: readOffset(response, 'emud-first-offset'),
		bytes: new Uint8Array(await response.arrayBuffer()),
	};
}

export class RunOutput {
	/**
	 * @param {import('./api.js').Api} api
	 * @param {string} id
	 * @param {number} offset where to begin; negative: that many before the end
	 * @param {OutputEvents} events
	 */
	constructor(api, id, offset, events) {
		this.api = api;
		this.id = id;
		this.offset = offset;
		this.events = events;
		this.isPlaced = false;
		this.isClosed = false;
		this.retryMs = RETRY_FIRST_MS;
		this.controller = new AbortController();
		this.wake = () => {};
		void this.run();
	}

	close() {
		this.isClosed = true;
		this.controller.abort();
		this.wake();
	}

	/** The connection is said to be back. */
	retryNow() {
		this.wake();
	}

	async run() {
		for (;;) {
			const status = await this.readOnce();
			if (this.isClosed) return;
			this.events.onStatus(status);
			if (status !== 'lost') return;
			await this.delay();
			if (this.isClosed) return;
		}
	}

	delay() {
		const ms = this.retryMs;
		this.retryMs = Math.min(ms * 2, RETRY_LAST_MS);
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.wake = () => {
				clearTimeout(timer);
				resolve(undefined);
			};
		});
	}

	/** @returns {Promise<OutputStatus>} */
	async readOnce() {
		try {
			this.events.onStatus('connecting');
			const response = await fetchOutput(this.api, this.id, { follow: true, offset: this.offset }, this.controller.signal);
			if (this.isClosed) return 'lost';
			this.enter(readOffset(response, 'emud-offset'), readOffset(response, 'emud-first-offset'));
			this.retryMs = RETRY_FIRST_MS;
			this.events.onStatus('live');
			const count = response.body ? await this.read(response.body) : 0;
			return !this.isClosed && (await this.hasEnded(count)) ? 'ended' : 'lost';
		} catch (error) {
			if (!(error instanceof Problem)) return 'lost';
			// The host crashed, say, and what was printed last is not there any more.
			if (error.status === 416) this.beginAnew();
			return error.status === 404 || error.status === 410 ? 'gone' : 'lost';
		}
	}

	beginAnew() {
		this.offset = 0;
		this.isPlaced = false;
	}

	/** @param {number} offset @param {number} firstOffset */
	enter(offset, firstOffset) {
		if (this.isPlaced && offset === this.offset) return;
		this.isPlaced = true;
		this.offset = offset;
		this.events.onPlace(offset, firstOffset);
	}

	/** @param {ReadableStream<Uint8Array>} body @returns {Promise<number>} how many bytes */
	async read(body) {
		const reader = body.getReader();
		for (let count = 0; ;) {
			const { done, value } = await reader.read();
			if (done || this.isClosed) return count;
			count += value.length;
			this.offset += value.length;
			await this.events.onBytes(value);
		}
	}

	/** A stream may end without the run: something between, or emud that is stopped. @param {number} count what came last */
	async hasEnded(count) {
		const { state, output_bytes } = await this.api.getRun(this.id);
		return state === 'ended' && (count === 0 || this.offset >= output_bytes);
	}
}
