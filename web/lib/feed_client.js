// A page's end of the stream of events: shared with the other tabs where the browser has shared workers. No DOM.

import { Feed } from './feed.js';

/**
 * @param {string} url
 * @param {import('./feed.js').FeedEvents} events
 * @returns {{retry: () => void, close: () => void}} retry: after a sign-in
 */
export function connectFeed(url, events) {
	if (!('SharedWorker' in globalThis)) {
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
