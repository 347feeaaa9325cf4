// One stream for all tabs of a browser, which allows six connections a host.

import { Feed } from './feed.js';

/** @typedef {import('./feed.js').EmudEvent} EmudEvent */

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {import('./feed.js').FeedStatus} */
let status = 'connecting';
/** @type {Feed | null} */
let feed = null;
/** How each instance does: told once on a stream, so a tab that comes later hears it from here. @type {Map<string, EmudEvent>} */
const samples = new Map();

/** @param {unknown} message */
function tellAll(message) {
	for (const port of ports) port.postMessage(message);
}

/** @param {EmudEvent} event */
function keepSample(event) {
	const { type, instance = '', data } = event;
	if (type === 'instance.sample') samples.set(instance, { ...event, data: { ...samples.get(instance)?.data, ...data } });
	else if (type === 'instance.deleted') samples.delete(instance);
}

/** @param {string} url */
function begin(url) {
	feed = new Feed(url, {
		onEvent(event) {
			keepSample(event);
			tellAll({ event });
		},
		onStatus(now) {
			status = now;
			if (status === 'connected') samples.clear();
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
		else if (data.url) {
			port.postMessage({ status });
			for (const event of samples.values()) port.postMessage({ event });
		} else if (data.retry) feed?.open();
		// A stream without listeners is let go; the next tab opens it anew.
		if (ports.size > 0) return;
		feed?.close();
		feed = null;
		samples.clear();
	};
};
