// What a process writes, as it comes: text that is begun anew after a lost connection and at each start. No DOM.

import { Problem, apiPath } from './api.js';
import { Follower } from './follower.js';

/**
 * @typedef {{onBegin: () => void, onText: (text: string) => void, onStatus: (status: import('./follower.js').FollowStatus) => void}} LogEvents
 * onBegin: what follows is the whole log
 */

export class LogStream extends Follower {
	/**
	 * @param {import('./api.js').Api} api
	 * @param {string} id
	 * @param {string} process
	 * @param {LogEvents} events
	 */
	constructor(api, id, process, events) {
		super((signal) => this.readOnce(signal), events.onStatus);
		this.api = api;
		this.url = `${apiPath('instances', id, 'logs', process)}?follow=true`;
		this.events = events;
	}

	/** @param {AbortSignal} signal */
	async readOnce(signal) {
		try {
			const response = await this.api.fetch(this.url, { signal, cache: 'no-store' });
			if (!signal.aborted) await this.take(response, signal);
			return 'ended';
		} catch (error) {
			return error instanceof Problem && error.status === 404 ? 'gone' : 'lost';
		}
	}

	/** @param {Response} response @param {AbortSignal} signal */
	async take(response, signal) {
		this.events.onBegin();
		this.stand();
		const decoder = new TextDecoder();
		const reader = response.body?.getReader();
		for (;;) {
			const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
			if (done || signal.aborted) return;
			this.events.onText(decoder.decode(value, { stream: true }));
		}
	}
}
