// One stream for all tabs of a browser, which allows six connections a host.

import { Feed } from './feed.js';

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {import('./feed.js').FeedStatus} */
let status = 'connecting';
/** @type {Feed | null} */
let feed = null;

/** @param {unknown} message */
function tellAll(message) {
	for (const port of ports) port.postMessage(message);
}

/** @param {string} url */
function begin(url) {
	feed = new Feed(url, {
		onEvent: (event) => tellAll({ event }),
		onStatus: (now) => {
			status = now;
			tellAll({ status });
		},
	});
	feed.open();
}

/** @type {any} */ (globalThis).onconnect = (/** @type {MessageEvent} */ { ports: [port] }) => {
	ports.add(port);
	port.onmessage = ({ data }) => {
		if (data.close) ports.delete(port);
		else if (data.url && !feed) begin(data.url);
		else if (data.url) port.postMessage({ status });
		else if (data.retry) feed?.open();
		// A stream without listeners is let go; the next tab opens it anew.
		if (ports.size > 0) return;
		feed?.close();
		feed = null;
	};
};
