// What has happened, newest first, without a hole in it: older events are asked for by the page, new ones are told. No DOM.

const PAGE = 100;
const MOST = 2000;

/**
 * @typedef {import('./feed.js').EmudEvent} EmudEvent
 * @typedef {{events: EmudEvent[], next_cursor: string | null}} EventPage
 */

export class EventHistory {
	/**
	 * @param {(query: string) => Promise<EventPage>} ask for a page of events
	 * @param {{page?: number, most?: number}} [sizes] most: how many are held; beyond that those go that are farthest from what is read
	 */
	constructor(ask, { page = PAGE, most = MOST } = {}) {
		this.ask = ask;
		this.page = page;
		this.most = most;
		/** What of, each a query that no event fits twice. @type {string[]} */
		this.filters = [];
		/** @type {EmudEvent[]} newest first */
		this.events = [];
		this.isLoaded = false;
		this.hasOlder = false;
		this.hasNewer = false;
		this.asked = 0;
	}

	/** Other events than those there are now. @param {string[]} filters */
	begin(filters) {
		this.filters = filters;
		this.isLoaded = false;
		this.hasOlder = false;
		this.hasNewer = false;
	}

	/** The newest, and those there are behind them where there is no hole between. Of several questions the last one counts. */
	async loadNewest() {
		const turn = ++this.asked;
		const page = await this.askAll('');
		if (turn !== this.asked) return;
		const oldest = page.events.at(-1)?.id ?? 0;
		const isJoined = this.isLoaded && !this.hasNewer && this.events.length > 0 && oldest <= this.events[0].id && this.events[0].id <= (page.events[0]?.id ?? 0);
		const held = isJoined ? this.events.filter(({ id }) => id < oldest) : [];
		this.events = [...page.events, ...held];
		if (held.length === 0) this.hasOlder = page.hasOlder;
		this.hasNewer = false;
		this.isLoaded = true;
		this.dropOldest();
	}

	async loadOlder() {
		const oldest = this.events[this.events.length - 1];
		const page = await this.askAll(`&cursor=${oldest.id}`);
		if (this.events[this.events.length - 1] !== oldest) return;
		this.events.push(...page.events);
		this.hasOlder = page.hasOlder;
		const dropped = this.events.splice(0, Math.max(0, this.events.length - this.most));
		this.hasNewer ||= dropped.length > 0;
	}

	/**
	 * @param {EmudEvent[]} told oldest first
	 * @param {boolean} isReadBelow older ones are: then they do not make room for new ones
	 */
	add(told, isReadBelow) {
		if (!this.isLoaded || this.hasNewer) return;
		const newest = this.events[0]?.id ?? 0;
		const fresh = told.filter(({ id }) => id > newest);
		if (fresh.length === 0) return;
		if (isReadBelow && this.events.length + fresh.length > this.most) this.hasNewer = true;
		else this.events.unshift(...fresh.reverse());
		this.dropOldest();
	}

	dropOldest() {
		const dropped = this.events.splice(this.most);
		this.hasOlder ||= dropped.length > 0;
	}

	/** A page of every filter as one. @param {string} cursor */
	async askAll(cursor) {
		const pages = await Promise.all(this.filters.map((filter) => this.ask(`${filter}&order=newest&limit=${this.page}${cursor}`)));
		// Below the end of a page that leads on there may be others between those of another page.
		const end = Math.max(0, ...pages.map(({ events, next_cursor: next }) => (next === null ? 0 : events[events.length - 1].id)));
		const events = pages.flatMap((page) => page.events).filter(({ id }) => id >= end).sort((one, other) => other.id - one.id);
		return { events, hasOlder: end > 0 };
	}
}
