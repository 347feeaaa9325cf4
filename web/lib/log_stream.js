// What a process writes, as it comes: text that is begun anew after a lost connection and at each start. No DOM.

import { Problem, apiPath } from './api.js';

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;

/**
 * @typedef {'connecting' | 'connected' | 'ended' | 'lost' | 'gone'} LogStatus
 * @typedef {{onBegin: () => void, onText: (text: string) => void, onStatus: (status: LogStatus) => void}} LogEvents
 * onBegin: what follows is the whole log
 */

export class LogStream {
	/**
	 * @param {import('./api.js').Api} api
	 * @param {string} id
	 * @param {string} process
	 * @param {LogEvents} events
	 */
	constructor(api, id, process, events) {
		this.api = api;
		this.url = `${apiPath('instances', id, 'logs', process)}?follow=true`;
		this.events = events;
		this.controller = new AbortController();
		this.retryMs = RETRY_FIRST_MS;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
		void this.run();
	}

	close() {
		this.controller.abort();
		clearTimeout(this.timer);
	}

	async run() {
		const { signal } = this.controller;
		this.events.onStatus('connecting');
		let status = /** @type {LogStatus} */ ('lost');
		try {
			const response = await this.api.fetch(this.url, { signal, cache: 'no-store' });
			await this.read(response);
			status = 'ended';
		} catch (error) {
			if (error instanceof Problem && error.status === 404) status = 'gone';
		}
		if (signal.aborted) return;
		this.events.onStatus(status);
		if (status !== 'lost') return;
		this.timer = setTimeout(() => void this.run(), this.retryMs);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}

	/** @param {Response} response */
	async read(response) {
		this.retryMs = RETRY_FIRST_MS;
		this.events.onBegin();
		this.events.onStatus('connected');
		const decoder = new TextDecoder();
		const reader = response.body?.getReader();
		for (;;) {
			const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
			if (done || this.controller.signal.aborted) return;
			this.events.onText(decoder.decode(value, { stream: true }));
		}
	}
}
