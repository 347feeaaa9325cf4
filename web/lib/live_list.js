// A list of the API's that follows its events. No DOM.

/**
 * Loads at once, when the topic is touched, and when a lost connection is back; one question at a time.
 * @template T
 * @param {import('./store.js').Store} store
 * @param {import('./store.js').Topic} topic
 * @param {() => Promise<T>} load
 * @param {{onLoad: (list: T) => void, onFault: (error: unknown) => void}} listener
 * @returns {() => void} ends it
 */
export function followList(store, topic, load, { onLoad, onFault }) {
	let isStale = true;
	let isAsking = false;
	let isOver = false;
	let wasLost = store.connection !== 'connected';

	async function refresh() {
		isStale = true;
		if (isAsking) return;
		isAsking = true;
		while (isStale && !isOver) {
			isStale = false;
			try {
				const list = await load();
				if (!isOver && !isStale) onLoad(list);
			} catch (error) {
				if (!isOver) onFault(error);
			}
		}
		isAsking = false;
	}

	const stops = [
		store.subscribe(topic, () => void refresh()),
		store.subscribe('connection', () => {
			if (wasLost && store.connection === 'connected') void refresh();
			wasLost = store.connection !== 'connected';
		}),
	];
	void refresh();
	return () => {
		isOver = true;
		for (const stop of stops) stop();
	};
}
