// The output of a run as it comes: every byte once and in order, across lost connections. No DOM.

import { ANSWER_MS, Problem, apiPath, failPart, readBytes } from './api.js';
import { Follower } from './follower.js';

/**
 * @typedef {import('./follower.js').FollowStatus} OutputStatus
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
 * @param {AbortSignal} [signal] of what may go on for ever
 */
const fetchOutput = (api, id, query, signal) =>
	api.fetch(`${apiPath('runs', id, 'output')}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`,
		{ headers: { accept: 'application/octet-stream' }, cache: 'no-store', signal }, ANSWER_MS);

/** @param {Response} response @param {string} name */
const readOffset = (response, name) => Number(response.headers.get(name) ?? 0);

/**
 * A part that is there already.
 * @param {import('./api.js').Api} api
 * @param {string} id
 * @param {number} offset
 * @param {number} limit
 */
export async function readPart(api, id, offset, limit) {
	const response = await fetchOutput(api, id, { offset, limit }).catch(failPart);
	return {
		offset: readOffset(response, 'emud-offset'), firstOffset: readOffset(response, 'emud-first-offset'),
		bytes: await readBytes(response),
	};
}

export class RunOutput extends Follower {
	/**
	 * @param {import('./api.js').Api} api
	 * @param {string} id
	 * @param {number} offset where to begin; negative: that many before the end
	 * @param {OutputEvents} events
	 */
	constructor(api, id, offset, events) {
		super((signal) => this.readOnce(signal), events.onStatus);
		this.api = api;
		this.id = id;
		this.offset = offset;
		this.events = events;
		this.isPlaced = false;
		/** What came last is settled: also that of an attempt before. @type {void | Promise<void>} */
		this.taken = undefined;
	}

	/** @param {AbortSignal} signal @returns {Promise<OutputStatus>} */
	async readOnce(signal) {
		try {
			const response = await fetchOutput(this.api, this.id, { follow: true, offset: this.offset }, signal);
			if (signal.aborted) return 'lost';
			this.enter(readOffset(response, 'emud-offset'), readOffset(response, 'emud-first-offset'));
			this.stand();
			const count = response.body ? await this.take(response.body, signal) : 0;
			return !signal.aborted && (await this.hasEnded(count)) ? 'ended' : 'lost';
		} catch (error) {
			if (signal.aborted || !(error instanceof Problem)) return 'lost';
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

	/** @param {ReadableStream<Uint8Array>} body @param {AbortSignal} signal @returns {Promise<number>} how many bytes */
	async take(body, signal) {
		const reader = body.getReader();
		for (let count = 0; ;) {
			await this.taken;
			const { done, value } = await reader.read();
			if (done || signal.aborted) return count;
			count += value.length;
			this.offset += value.length;
			this.taken = this.events.onBytes(value);
		}
	}

	/** A stream may end without the run: something between, or emud that is stopped. @param {number} count what came last */
	async hasEnded(count) {
		const { state, output_bytes } = await this.api.getRun(this.id);
		return state === 'ended' && (count === 0 || this.offset >= output_bytes);
	}
}
