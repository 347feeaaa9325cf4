// A page's end of the stream of events: shared with the other tabs where the browser has shared workers. No DOM.

/**
 * @param {string} url
 * @param {import('./feed.js').FeedEvents} events
 * @returns {Promise<{retry: () => void, close: () => void}>} retry: after a sign-in
 */
export async function connectFeed(url, events) {
	if (!('SharedWorker' in globalThis)) {
		const { Feed } = await import('./feed.js');
		const feed = new Feed(url, events);
		feed.open();
		return { retry: () => feed.open(), close: () => feed.close() };
	}
	const { port } = new SharedWorker(new URL('./feed_worker.js', import.meta.url), { type: 'module', name: 'emud events' });
	port.onmessage = ({ data }) => {
		if (data.event) events.onEvent(data.event);
		else events.onStatus(data.status);
	};
	port.postMessage({ url });
	return { retry: () => port.postMessage({ retry: true }), close: () => port.postMessage({ close: true }) };
}
