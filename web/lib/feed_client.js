// A page's end of the stream of events: shared with the other tabs where the browser has shared workers. No DOM.

/** Another with each change of what page and worker tell each other: a page may find the worker of an older emud still at work. */
const NAME = 'emud events 2';
/** The worker answers a page at once, but for one whose script does not come. */
const ANSWER_MS = 10_000;
/** What the worker hears of emud, it passes on: if only that it does not answer. */
const SILENCE_MS = 60_000;
/** Of a worker that is asked whether it is there. */
const LOOK_MS = 5000;

/** @typedef {{retry: () => void, look: () => void, close: () => void}} Source what tells the events: the worker, or a stream of the page's own */

export class FeedClient {
	/**
	 * @param {string} url
	 * @param {import('./feed.js').FeedEvents} events
	 */
	constructor(url, events) {
		this.url = url;
		this.events = events;
		/** @type {Source | null} */
		this.source = null;
		/** @type {import('./feed.js').FeedStatus} */
		this.status = 'connecting';
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
	}

	/** Begins, and again after close(). */
	open() {
		this.tell('connecting');
		this.begin();
	}

	begin() {
		try {
			if ('SharedWorker' in globalThis) return this.openShared();
		} catch {
			// Where site data is blocked, none may be made.
		}
		void this.openOwn();
	}

	close() {
		clearTimeout(this.timer);
		this.source?.close();
		this.source = null;
	}

	/** After a sign-in. */
	retry() {
		this.source?.retry();
	}

	/** The network may be back, or time may have passed unseen. */
	look() {
		if (this.status !== 'unauthorized') this.source?.look();
	}

	/** @param {import('./feed.js').FeedStatus} status */
	tell(status) {
		this.status = status;
		this.events.onStatus(status);
	}

	openShared() {
		const worker = new SharedWorker(new URL('./feed_worker.js', import.meta.url), { type: 'module', name: NAME });
		const { port } = worker;
		const ask = (/** @type {object} */ question) => {
			port.postMessage(question);
			this.expectWithin(LOOK_MS);
		};
		/** @type {Source} */
		const source = {
			retry: () => ask({ retry: true }),
			look: () => ask({ look: true }),
			close: () => {
				port.postMessage({ close: true });
				port.close();
			},
		};
		this.source = source;
		port.onmessage = ({ data }) => {
			if (this.source === source) this.hear(port, data);
		};
		worker.onerror = () => {
			if (this.source !== source) return;
			this.close();
			void this.openOwn();
		};
		port.postMessage({ url: this.url });
		this.expectWithin(ANSWER_MS, () => void this.openOwn());
	}

	/**
	 * @param {MessagePort} port
	 * @param {{event?: import('./feed.js').EmudEvent, status?: import('./feed.js').FeedStatus}} told neither: whether this page is there
	 */
	hear(port, { event, status }) {
		if (event) this.events.onEvent(event);
		else if (status) this.tell(status);
		else port.postMessage({ here: true });
		// Where a token is waited for, there is nothing to hear.
		if (this.status === 'unauthorized') clearTimeout(this.timer);
		else this.expectWithin(SILENCE_MS);
	}

	/**
	 * A worker dies with the process that it shares with another tab, and tells nobody.
	 * @param {number} ms
	 * @param {() => void} [otherwise]
	 */
	expectWithin(ms, otherwise = () => this.begin()) {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => {
			this.close();
			this.tell('lost');
			otherwise();
		}, ms);
	}

	/** Without a worker, or where its script does not come. */
	async openOwn() {
		/** @type {Source} */
		const none = { retry() {}, look() {}, close() {} };
		this.source = none;
		this.expectWithin(ANSWER_MS);
		try {
			const { Feed } = await import('./feed.js');
			if (this.source !== none) return;
			const feed = new Feed(this.url, { ...this.events, onStatus: (status) => this.tell(status) });
			this.source = { retry: () => feed.open(), look: () => feed.look(), close: () => feed.close() };
			clearTimeout(this.timer);
			feed.open();
		} catch {
			// As one that does not come in time.
		}
	}
}
