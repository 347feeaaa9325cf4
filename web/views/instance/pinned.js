// Pinned properties: read again when something happens to the instance, and every two seconds, as nothing tells of their changes.

import { fill, h, setText } from '../../components/dom.js';
import { formatValue, propertyUrl, requestValues } from '../../lib/properties.js';

const REFRESH_MS = 2000;

/** @typedef {import('../../lib/properties.js').PropertyName} PropertyName */

export class PinnedProperties {
	/**
	 * @param {import('../../app.js').App} app
	 * @param {string} id the instance's
	 * @param {import('../../lib/properties.js').Pins} pins
	 * @param {{onChoose: (property: PropertyName) => void, onUnpin: (property: PropertyName) => void}} events
	 */
	constructor(app, id, pins, events) {
		this.app = app;
		this.id = id;
		this.pins = pins;
		this.events = events;
		this.isLive = false;
		this.isAsking = false;
		/** @type {Map<string, HTMLElement>} by URL */
		this.cells = new Map();
		this.body = h('tbody');
		this.element = h('section', { class: 'scroll pinned', 'aria-label': 'Pinned properties', hidden: true },
			h('table', {}, h('caption', { class: 'unseen' }, 'Pinned properties'),
				h('thead', {}, h('tr', {}, ['Pinned', 'Value', 'Object', 'Actions'].map((name) => h('th', { scope: 'col' }, name)))), this.body));
		this.timer = setInterval(() => {
			if (!document.hidden) void this.refresh();
		}, REFRESH_MS);
		this.show();
	}

	unmount() {
		this.isLive = false;
		clearInterval(this.timer);
	}

	/** Others are pinned. */
	show() {
		this.element.hidden = this.pins.all.length === 0;
		this.cells.clear();
		fill(this.body, this.pins.all.map((pin) => this.createRow(pin)));
		void this.refresh();
	}

	/** @param {PropertyName} pin */
	createRow(pin) {
		const cell = h('td', { class: 'value' }, '–');
		this.cells.set(propertyUrl(this.id, pin), cell);
		return h('tr', {},
			h('th', { scope: 'row' }, h('button', { type: 'button', 'aria-label': `Show ${pin.name}`, onclick: () => this.events.onChoose(pin) }, pin.name)),
			cell, h('td', { class: 'quiet' }, pin.path),
			h('td', {}, h('button', { type: 'button', 'aria-label': `Unpin ${pin.name}`, onclick: () => this.events.onUnpin(pin) }, 'Unpin')));
	}

	/** @param {boolean} isLive the instance answers */
	setLive(isLive) {
		this.isLive = isLive;
		void this.refresh();
	}

	/** One round at a time. */
	async refresh() {
		if (!this.isLive || this.isAsking) return;
		this.isAsking = true;
		await Promise.all([...this.cells].map(async ([url, cell]) => {
			try {
				setText(cell, formatValue((await requestValues(this.app.api, url)).value));
			} catch (error) {
				setText(cell, error instanceof Error ? error.message : String(error));
			}
		}));
		this.isAsking = false;
	}
}
