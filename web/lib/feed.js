// The one stream of events: kept up across lost connections, without losing or doubling an event. No DOM.

import { SseParser } from './sse.js';

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;

/**
 * @typedef {{id: number, time: string, type: string, actor: string | null, instance?: string, run?: string, data: any}} EmudEvent
 * An id that is missing: it is not kept, and tells how things are just now.
 * @typedef {'connecting' | 'connected' | 'lost' | 'unauthorized'} FeedStatus
 * @typedef {{onEvent: (event: EmudEvent) => void, onStatus: (status: FeedStatus) => void}} FeedEvents
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
		this.closed = false;
		this.isLost = false;
		/** @type {AbortController | null} */
		this.controller = null;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
	}

	/** Begins, or tries again at once: after a sign-in, or when the network is said to be back. */
	open() {
		clearTimeout(this.timer);
		this.controller?.abort();
		void this.run(new AbortController());
	}

	close() {
		this.closed = true;
		clearTimeout(this.timer);
		this.controller?.abort();
	}

	/** @param {AbortController} controller */
	async run(controller) {
		this.controller = controller;
		let status = /** @type {FeedStatus} */ ('lost');
		try {
			// One that is lost stays so until there is another: nothing flickers at each attempt.
			if (!this.isLost) this.events.onStatus('connecting');
			const response = await this.fetch(this.url, { headers: this.headers(), signal: controller.signal, cache: 'no-store' });
			if (response.status === 401) status = 'unauthorized';
			else if (response.ok && response.body) await this.read(response.body);
		} catch {
			// However it ended, it is begun again.
		}
		if (this.closed || this.controller !== controller) return;
		this.isLost = status === 'lost';
		this.events.onStatus(status);
		if (status === 'unauthorized') return;
		this.timer = setTimeout(() => this.open(), this.retryMs);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}

	headers() {
		/** @type {Record<string, string>} */
		const headers = { accept: 'text/event-stream' };
		if (this.lastId !== null) headers['last-event-id'] = this.lastId;
		return headers;
	}

	/** @param {ReadableStream<Uint8Array>} body */
	async read(body) {
		const parser = new SseParser();
		const decoder = new TextDecoder();
		const reader = body.getReader();
		this.retryMs = RETRY_FIRST_MS;
		this.isLost = false;
		this.events.onStatus('connected');
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			for (const { id, event, data } of parser.push(decoder.decode(value, { stream: true }))) {
				if (id !== null) this.lastId = id;
				const told = JSON.parse(data);
				this.events.onEvent(told.type ? told : { type: event, data: told });
			}
		}
	}
}
