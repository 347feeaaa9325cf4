// One stream for all tabs of a browser, which allows six connections a host.

import { Feed } from './feed.js';

/** @typedef {import('./feed.js').EmudEvent} EmudEvent */

/** With each sign of life of emud's, but no more often, tabs are asked whether they are there: nothing else tells of one that is not. */
const BEAT_MS = 10_000;
const UNANSWERED_MOST = 3;

/** With the beats that each has not answered. @type {Map<MessagePort, number>} */
const ports = new Map();
/** @type {import('./feed.js').FeedStatus} */
let status = 'connecting';
/** @type {Feed | null} */
let feed = null;
let beatAt = 0;
/** How each instance does: told once on a stream, so a tab that comes later hears it from here. @type {Map<string, EmudEvent>} */
const samples = new Map();

/** @param {unknown} message */
function tellAll(message) {
	for (const port of ports.keys()) port.postMessage(message);
}

/** @param {EmudEvent} event */
function keepSample(event) {
	const { type, instance = '', time, data } = event;
	if (type === 'instance.sample') samples.set(instance, { ...event, data: { ...samples.get(instance)?.data, ...data } });
	// A deletion that comes late may be of an earlier one of that name.
	else if (type === 'instance.deleted' && (samples.get(instance)?.time ?? '') <= time) samples.delete(instance);
}

/** A tab that has crashed or was discarded says no good-bye; one that only slept says so when it wakes. */
function beat() {
	if (performance.now() - beatAt < BEAT_MS) return;
	beatAt = performance.now();
	for (const [port, unanswered] of ports) {
		if (unanswered === UNANSWERED_MOST) leave(port);
		else {
			ports.set(port, unanswered + 1);
			port.postMessage({ beat: true });
		}
	}
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
			beat();
		},
		onBytes: beat,
	});
	feed.open();
}

/** @param {MessagePort} port @param {string} url */
function join(port, url) {
	ports.set(port, 0);
	if (!feed) return begin(url);
	port.postMessage({ status });
	for (const event of samples.values()) port.postMessage({ event });
}

/** A stream without listeners is let go; the next tab opens it anew. @param {MessagePort} port */
function leave(port) {
	ports.delete(port);
	if (ports.size > 0) return;
	feed?.close();
	feed = null;
	samples.clear();
}

/** @type {any} */ (globalThis).onconnect = (/** @type {MessageEvent} */ { ports: [port] }) => {
	let url = '';
	port.onmessage = ({ data }) => {
		if (data.close) return leave(port);
		if (data.url) return join(port, (url = data.url));
		if (!ports.has(port)) {
			// It has missed what happened while it slept.
			port.postMessage({ status: 'lost' });
			return join(port, url);
		}
		ports.set(port, 0);
		if (data.here) return;
		if (data.look) feed?.look();
		// Each tab says when there is a token.
		else if (status === 'unauthorized') feed?.open();
		port.postMessage({ beat: true });
	};
};
