// A table of events, newest first: the first page at once, older ones when its end comes into view, new ones on top as they happen.

import { isUnanswered } from '../lib/api.js';
import { EventHistory } from '../lib/event_history.js';
import { tellActor } from '../lib/event_words.js';
import { formatTime } from '../lib/format.js';
import { h, setText, timeElement } from './dom.js';

/** How far below the window the end is when older ones are asked for. */
const AHEAD = '0px 0px 600px 0px';

/**
 * @typedef {import('../lib/feed.js').EmudEvent} EmudEvent
 * @typedef {import('../app.js').App} App
 * @typedef {{concerns: (event: EmudEvent) => boolean, tell: (event: EmudEvent) => string, onLoaded?: (events: EmudEvent[]) => boolean, tools?: HTMLElement[]}} Parts
 *   concerns: whether one that is told belongs here; onLoaded: with all there are; true: they are shown with others, which are on their way
 */

export class EventTable {
	/** @param {HTMLElement} outlet @param {App} app @param {Parts} parts */
	constructor(outlet, app, { concerns, tell, onLoaded, tools = [] }) {
		this.app = app;
		this.concerns = concerns;
		this.tell = tell;
		this.onLoaded = onLoaded;
		this.history = new EventHistory((query) => app.api.request('GET', `/v1/events?${query}`));
		this.isOver = false;
		this.isAsking = false;
		this.service = app.store.service;
		/** @type {Map<number, HTMLElement>} by event */
		this.rows = new Map();
		this.body = h('tbody');
		this.count = h('p', { class: 'quiet' }, 'Loading …');
		this.newest = h('button', { type: 'button', hidden: true, onclick: () => void this.returnToNewest() }, 'The newest ones');
		this.older = h('button', { type: 'button', hidden: true, onclick: () => void this.loadOlder() }, 'Older ones');
		this.region = h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of events' },
			h('table', { class: 'events' }, h('caption', { class: 'unseen' }, 'Events, newest first'),
				h('thead', {}, h('tr', {}, ['Time', 'What happened', 'Who asked'].map((name) => h('th', { scope: 'col' }, name)))), this.body));
		outlet.append(h('div', { class: 'tools' }, tools, this.count, this.newest), this.region, h('p', {}, this.older));
		this.observer = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && void this.loadOlder(), { rootMargin: AHEAD });
		this.stops = [
			app.store.subscribe('events', () => this.follow()),
			app.store.subscribe('connected', () => this.catchUp()),
		];
	}

	unmount() {
		this.isOver = true;
		this.observer.disconnect();
		for (const stop of this.stops) stop();
	}

	/** Shows the events of these queries, and no others. @param {string[]} filters */
	show(filters) {
		this.history.begin(filters);
		return this.load(() => this.history.loadNewest());
	}

	async returnToNewest() {
		await this.load(() => this.history.loadNewest());
		this.region.focus({ preventScroll: true });
		this.region.scrollIntoView({ block: 'nearest' });
	}

	async loadOlder() {
		if (this.isAsking || !this.history.hasOlder) return;
		this.isAsking = true;
		await this.load(() => this.history.loadOlder());
		this.isAsking = false;
	}

	/** What came while the connection was lost may be more than the stream still tells; who reads far below it looks for it later. */
	catchUp() {
		if (!this.history.hasNewer) void this.load(() => this.history.loadNewest());
	}

	/** @param {() => Promise<void>} ask */
	async load(ask) {
		try {
			await ask();
			if (!this.isOver) this.follow();
		} catch (error) {
			if (this.isOver) return;
			// One that does not answer is asked again when it is back.
			if (!this.history.isLoaded && !isUnanswered(error)) setText(this.count, 'The events cannot be read.');
			this.app.notices.failAsking(error);
		}
	}

	follow() {
		const { service } = this.app.store;
		if (service !== this.service) {
			this.service = service;
			return void this.show(this.history.filters);
		}
		const told = this.app.store.events.filter(this.concerns);
		this.history.add(told, this.region.getBoundingClientRect().top < 0);
		if (!this.history.isLoaded) return;
		if (!this.onLoaded?.(this.history.events)) this.draw();
	}

	draw() {
		const { events, hasOlder, hasNewer } = this.history;
		const held = new Set(events.map(({ id }) => id));
		for (const [id, row] of this.rows)
			if (!held.has(id)) {
				row.remove();
				this.rows.delete(id);
			}
		let there = this.body.firstElementChild;
		for (const event of events) {
			const row = this.rows.get(event.id) ?? this.createRow(event);
			if (row === there) there = there.nextElementSibling;
			else this.body.insertBefore(row, there);
		}
		const which = hasNewer ? 'some of the older' : hasOlder ? 'the newest' : '';
		setText(this.count, `${events.length} ${events.length === 1 ? 'event' : 'events'}${which && `, ${which}`}`);
		this.offer(this.newest, hasNewer);
		this.offer(this.older, hasOlder);
		// Anew, for what is still in view is not told again.
		this.observer.disconnect();
		if (hasOlder) this.observer.observe(this.older);
	}

	/** @param {HTMLButtonElement} button @param {boolean} isOffered */
	offer(button, isOffered) {
		if (!isOffered && document.activeElement === button) this.region.focus({ preventScroll: true });
		button.hidden = !isOffered;
	}

	/** @param {EmudEvent} event */
	createRow(event) {
		const row = h('tr', { 'data-event': event.type }, h('td', {}, timeElement(event.time, formatTime(event.time))),
			h('td', { 'data-state': event.data.state }, this.tell(event)), h('td', {}, tellActor(event)));
		this.rows.set(event.id, row);
		return row;
	}
}
