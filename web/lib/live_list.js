// What the API tells, kept as it is now: asked for again at its events. No DOM.

import { isUnanswered } from './api.js';

/** Where emud is there, and did not answer. */
const RETRY_MS = 5000;

/**
 * One question at a time; where it becomes stale meanwhile it is asked again, and some time after it had no answer.
 * @template T
 * @param {import('./store.js').Store} store
 * @param {() => Promise<T>} load
 * @param {{onLoad: (answer: T, isStale: boolean) => void, onFault: (error: unknown) => void}} listener isStale: another answer follows
 * @returns {{refresh: () => void, stop: () => void}}
 */
export function createRefresh(store, load, { onLoad, onFault }) {
	let isStale = false;
	let isAsking = false;
	let isOver = false;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let retry;

	/** @param {unknown} error */
	function failed(error) {
		onFault(error);
		if (isUnanswered(error)) retry = setTimeout(() => store.connection === 'connected' && refresh(), RETRY_MS);
	}

	async function refresh() {
		isStale = true;
		if (isAsking) return;
		isAsking = true;
		while (isStale && !isOver) {
			isStale = false;
			clearTimeout(retry);
			try {
				const answer = await load();
				if (!isOver) onLoad(answer, isStale);
			} catch (error) {
				if (!isOver) failed(error);
			}
		}
		isAsking = false;
	}

	function stop() {
		isOver = true;
		clearTimeout(retry);
	}
	return { refresh: () => void refresh(), stop };
}

/**
 * A list: loads at once, when the topic is touched, and when the events begin anew.
 * @template T
 * @param {import('./store.js').Store} store
 * @param {import('./store.js').Topic} topic
 * @param {() => Promise<T>} load
 * @param {{onLoad: (list: T) => void, onFault: (error: unknown) => void}} listener
 * @returns {() => void} ends it
 */
export function followList(store, topic, load, { onLoad, onFault }) {
	const { refresh, stop } = createRefresh(store, load, { onLoad: (list, isStale) => isStale || onLoad(list), onFault });
	const stops = [stop, store.subscribe(topic, refresh), store.subscribe('connected', refresh)];
	refresh();
	return () => stops.forEach((end) => end());
}
