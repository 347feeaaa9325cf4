// What the API tells, kept as it is now: asked for again at its events. No DOM.

import { Problem } from './api.js';

/** Where emud is there, and did not answer. */
const RETRY_MS = 5000;

/**
 * One question at a time; where it becomes stale meanwhile it is asked again.
 * @template T
 * @param {() => Promise<T>} load
 * @param {{onLoad: (answer: T, isStale: boolean) => void, onFault: (error: unknown) => void}} listener isStale: another answer follows
 * @returns {{refresh: () => void, stop: () => void}}
 */
export function createRefresh(load, { onLoad, onFault }) {
	let isStale = false;
	let isAsking = false;
	let isOver = false;

	async function refresh() {
		isStale = true;
		if (isAsking) return;
		isAsking = true;
		while (isStale && !isOver) {
			isStale = false;
			try {
				const answer = await load();
				if (!isOver) onLoad(answer, isStale);
			} catch (error) {
				if (!isOver) onFault(error);
			}
		}
		isAsking = false;
	}
	return { refresh: () => void refresh(), stop: () => void (isOver = true) };
}

/**
 * A list: loads at once, when the topic is touched, when a lost connection is back, and some time after a question that had no answer.
 * @template T
 * @param {import('./store.js').Store} store
 * @param {import('./store.js').Topic} topic
 * @param {() => Promise<T>} load
 * @param {{onLoad: (list: T) => void, onFault: (error: unknown) => void}} listener
 * @returns {() => void} ends it
 */
export function followList(store, topic, load, { onLoad, onFault }) {
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let retry;
	const { refresh, stop } = createRefresh(load, {
		onLoad: (list, isStale) => isStale || onLoad(list),
		onFault(error) {
			onFault(error);
			clearTimeout(retry);
			if (error instanceof Problem && error.status === 0) retry = setTimeout(() => store.connection === 'connected' && refresh(), RETRY_MS);
		},
	});
	let wasLost = store.connection !== 'connected';
	const stops = [
		stop,
		() => clearTimeout(retry),
		store.subscribe(topic, refresh),
		store.subscribe('connection', () => {
			if (wasLost && store.connection === 'connected') refresh();
			wasLost = store.connection !== 'connected';
		}),
	];
	refresh();
	return () => stops.forEach((end) => end());
}
