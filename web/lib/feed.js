// The one stream of events: kept up across lost connections and silent networks, without losing or doubling an event. No DOM.

import { SseParser } from './sse.js';

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;
/** A server that takes the connection and says nothing is as good as none. */
const ANSWER_MS = 10_000;
/** Where the network has forgotten its connections, it has those that the browser keeps for later, too: each attempt uses up one. */
const STALE_ANSWER_MS = 2000;
const STALE_MOST = 6;
/** emud says something each 15 seconds, if only a comment (server/http/sse.c): twice that, and nothing heard. */
export const SILENCE_MS = 35_000;

/**
 * @typedef {{id: number, time: string, type: string, actor: string | null, instance?: string, run?: string, data: any}} EmudEvent
 * An id that is missing: it is not kept, and tells how things are just now.
 * @typedef {'connecting' | 'connected' | 'lost' | 'unauthorized'} FeedStatus
 * @typedef {{onEvent: (event: EmudEvent) => void, onStatus: (status: FeedStatus) => void, onBytes?: () => void}} FeedEvents
 */

export class Feed {
	/**
	 * @param {string} url
	 * @param {FeedEvents} events
	 * @param {{fetch?: typeof fetch}} [parts]
	 */
	constructor(url, events, parts = {}) {
		this.url = url;
		this.events = events;
		this.fetch = parts.fetch ?? globalThis.fetch.bind(globalThis);
		/** @type {string | null} */
		this.lastId = null;
		this.retryMs = RETRY_FIRST_MS;
		/** Attempts that had no answer, since the stream stood last. */
		this.unanswered = 0;
		this.closed = false;
		/** @type {FeedStatus} */
		this.status = 'connecting';
		/** By the wall's clock, which goes on while a computer sleeps: timers do not. */
		this.heardAt = 0;
		/** @type {AbortController | null} */
		this.controller = null;
		/** Until the next attempt; while there is one, until it is given up. @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
	}

	/** Begins, or tries again at once: after a sign-in. */
	open() {
		clearTimeout(this.timer);
		this.controller?.abort();
		void this.run(new AbortController());
	}

	/** The network may be back, or time may have passed unseen, as in sleep: what is lost is tried again without waiting. */
	look() {
		if (this.status === 'connected' && Date.now() - this.heardAt > SILENCE_MS) this.tell('lost');
		if (this.status === 'lost') this.open();
	}

	close() {
		this.closed = true;
		clearTimeout(this.timer);
		this.controller?.abort();
	}

	/** @param {FeedStatus} status */
	tell(status) {
		this.status = status;
		this.events.onStatus(status);
	}

	/** @param {AbortController} controller */
	async run(controller) {
		this.controller = controller;
		let status = /** @type {FeedStatus} */ ('lost');
		try {
			// One that is lost stays so until there is another: nothing flickers at each attempt.
			if (this.status !== 'lost') this.tell('connecting');
			this.giveUpAfter(this.status === 'lost' && this.unanswered < STALE_MOST ? STALE_ANSWER_MS : ANSWER_MS, controller);
			const response = await this.fetch(this.url, { headers: this.headers(), signal: controller.signal, cache: 'no-store' });
			if (response.status === 401) status = 'unauthorized';
			else if (response.body && isStream(response)) await this.read(response.body, controller);
		} catch {
			// However it ended, it is begun again.
		}
		if (this.closed || this.controller !== controller) return;
		clearTimeout(this.timer);
		const wasGivenUp = controller.signal.aborted;
		controller.abort();
		this.tell(status);
		if (status !== 'unauthorized') this.retry(wasGivenUp);
	}

	/** @param {boolean} wasGivenUp the attempt: that was waiting enough */
	retry(wasGivenUp) {
		if (wasGivenUp) this.unanswered++;
		this.timer = setTimeout(() => this.open(), wasGivenUp ? RETRY_FIRST_MS : this.retryMs);
		if (!wasGivenUp) this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}

	/** @param {number} ms @param {AbortController} controller */
	giveUpAfter(ms, controller) {
		this.heardAt = Date.now();
		clearTimeout(this.timer);
		this.timer = setTimeout(() => controller.abort(), ms);
	}

	headers() {
		/** @type {Record<string, string>} */
		const headers = { accept: 'text/event-stream' };
		if (this.lastId !== null) headers['last-event-id'] = this.lastId;
		return headers;
	}

	/** @param {ReadableStream<Uint8Array>} body @param {AbortController} controller */
	async read(body, controller) {
		const parser = new SseParser();
		const decoder = new TextDecoder();
		const reader = body.getReader();
		this.tell('connected');
		for (;;) {
			this.giveUpAfter(SILENCE_MS, controller);
			const { done, value } = await reader.read();
			if (done || controller.signal.aborted) return;
			this.retryMs = RETRY_FIRST_MS;
			this.unanswered = 0;
			this.events.onBytes?.();
			for (const { id, event, data } of parser.push(decoder.decode(value, { stream: true }))) {
				if (id !== null) this.lastId = id;
				const told = JSON.parse(data);
				this.events.onEvent(told.type ? told : { type: event, data: told });
			}
		}
	}
}

/** A login page between here and emud is none. @param {Response} response */
const isStream = ({ ok, headers }) => ok && (headers.get('content-type') ?? '').startsWith('text/event-stream');
