// What happened to a run and its board, and who asked for it: newest first.

import { fill, h, setText, timeElement } from '../../components/dom.js';
import { Problem } from '../../lib/api.js';
import { EventLog, tellActor, tellEvent } from '../../lib/event_words.js';
import { formatTime } from '../../lib/format.js';
import { tellOutcome } from '../../lib/run_words.js';

/** @typedef {import('../../lib/feed.js').EmudEvent} EmudEvent */

/** @param {EmudEvent} event */
function tell(event) {
	const { type, data } = event;
	if (type !== 'run.state') return event.instance ? `board ${event.instance}: ${tellEvent(event)}` : tellEvent(event);
	const reason = (data.reason ?? '').replaceAll('_', ' ');
	const outcome = tellOutcome(data);
	return [outcome, reason === outcome ? '' : reason, data.detail].filter(Boolean).join(': ');
}

/** @param {EmudEvent} event */
const createRow = (event) =>
	h('tr', { 'data-event': event.type }, h('td', {}, timeElement(event.time, formatTime(event.time))),
		h('td', { 'data-state': event.data.state }, tell(event)), h('td', {}, tellActor(event)));

class EventsTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../../lib/api.js').Run} run
	 * @param {import('../../app.js').App} app
	 */
	constructor(outlet, run, app) {
		this.app = app;
		this.id = run.id;
		/** Its board, whose id is never used again. */
		this.board = run.instance;
		this.log = new EventLog();
		this.isOver = false;
		this.wasLost = false;
		this.body = h('tbody');
		this.count = h('p', { class: 'quiet', role: 'status' }, 'Loading …');
		outlet.append(this.count, h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of events' },
			h('table', { class: 'events' }, h('caption', { class: 'unseen' }, 'Events, newest first'),
				h('thead', {}, h('tr', {}, ['Time', 'What happened', 'Who asked'].map((name) => h('th', { scope: 'col' }, name)))), this.body)));
		this.stops = [
			app.store.subscribe('events', () => this.add(app.store.events.filter((event) => this.concerns(event)))),
			app.store.subscribe('connection', () => this.followConnection()),
		];
		void this.load();
	}

	unmount() {
		this.isOver = true;
		for (const stop of this.stops) stop();
	}

	/** @param {EmudEvent} event */
	concerns({ run, instance, data }) {
		if (run === this.id && data.instance) this.board = data.instance;
		return run === this.id || (instance !== undefined && instance === this.board);
	}

	/** What came while the connection was lost may be more than the stream still tells. */
	followConnection() {
		const isLost = this.app.store.connection !== 'connected';
		if (this.wasLost && !isLost) void this.load();
		this.wasLost = isLost;
	}

	async load() {
		const { api, notices } = this.app;
		try {
			const events = await api.list(`/v1/events?run=${encodeURIComponent(this.id)}`, 'events');
			for (const event of events) this.concerns(event);
			const ofBoard = this.board ? await api.list(`/v1/events?instance=${encodeURIComponent(this.board)}`, 'events') : [];
			if (!this.isOver) this.add([...events, ...ofBoard]);
		} catch (error) {
			if (this.isOver || (error instanceof Problem && error.status === 0)) return;
			setText(this.count, 'The events cannot be read.');
			notices.fail(error);
		}
	}

	/** @param {EmudEvent[]} events */
	add(events) {
		if (this.log.add(events).length > 0) fill(this.body, this.log.events.map(createRow).reverse());
		const count = this.log.events.length;
		setText(this.count, count === 1 ? '1 event' : `${count} events`);
	}
}

/** @type {import('../run.js').TabView} */
export function mount(outlet, run, app) {
	const tab = new EventsTab(outlet, run, app);
	return { unmount: () => tab.unmount() };
}
