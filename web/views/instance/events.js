// What happened to an instance and who asked for it: newest first, the old ones from the service, the new ones from its stream.

import { fill, h, setText, timeElement } from '../../components/dom.js';
import { EventLog, tellActor, tellEvent } from '../../lib/event_words.js';
import { formatTime } from '../../lib/format.js';

const MOST_SHOWN = 1000;

class EventsTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../../lib/api.js').Instance} instance
	 * @param {import('../../app.js').App} app
	 */
	constructor(outlet, instance, app) {
		this.app = app;
		this.id = instance.id;
		this.log = new EventLog(MOST_SHOWN);
		this.isOver = false;
		this.wasLost = false;
		/** @type {Map<number, HTMLElement>} by event */
		this.rows = new Map();
		this.body = h('tbody');
		this.count = h('p', { class: 'quiet', role: 'status' }, 'Loading …');
		outlet.append(this.count, h('div', { class: 'scroll' },
			h('table', { class: 'events' }, h('caption', { class: 'unseen' }, 'Events, newest first'),
				h('thead', {}, h('tr', {}, ['Time', 'What happened', 'Who asked'].map((name) => h('th', { scope: 'col' }, name)))), this.body)));
		this.stops = [
			app.store.subscribe('events', () => this.add(app.store.events.filter(({ instance: id }) => id === this.id))),
			app.store.subscribe('connection', () => this.followConnection()),
		];
		void this.load();
	}

	unmount() {
		this.isOver = true;
		for (const stop of this.stops) stop();
	}

	/** What came while the connection was lost may be more than the stream still tells. */
	followConnection() {
		const isLost = this.app.store.connection !== 'connected';
		if (this.wasLost && !isLost) void this.load();
		this.wasLost = isLost;
	}

	async load() {
		try {
			const events = await this.app.api.list(`/v1/events?instance=${encodeURIComponent(this.id)}`, 'events');
			if (!this.isOver) this.add(events);
		} catch (error) {
			if (this.isOver) return;
			setText(this.count, 'The events cannot be read.');
			this.app.notices.fail(error);
		}
	}

	/** @param {import('../../lib/feed.js').EmudEvent[]} events */
	add(events) {
		const fresh = this.log.add(events);
		for (const event of fresh) this.rows.set(event.id, createRow(event));
		for (const [id, row] of this.rows)
			if (!this.log.ids.has(id)) {
				row.remove();
				this.rows.delete(id);
			}
		if (fresh.length > 0) fill(this.body, this.log.events.map(({ id }) => this.rows.get(id) ?? null).reverse());
		const count = this.log.events.length;
		setText(this.count, count === MOST_SHOWN ? `The newest ${count}` : count === 1 ? '1 event' : `${count} events`);
	}
}

/** @param {import('../../lib/feed.js').EmudEvent} event */
const createRow = (event) =>
	h('tr', { 'data-event': event.type }, h('td', {}, timeElement(event.time, formatTime(event.time))),
		h('td', { 'data-state': event.data.state }, tellEvent(event)), h('td', {}, tellActor(event)));

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new EventsTab(outlet, instance, app);
	return { unmount: () => tab.unmount() };
}
