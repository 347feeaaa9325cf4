// One property: what it is, its value, and another one for it.

import { createCurlLine } from '../../components/curl_line.js';
import { fill, h, setText } from '../../components/dom.js';
import { createField } from '../../components/field.js';
import { formatValue, propertyUrl, readValue, requestValues } from '../../lib/properties.js';

/**
 * @typedef {import('../../lib/properties.js').PropertyName & {summary?: import('../../lib/properties.js').PropertySummary}} Property
 * @typedef {{onValue: (property: Property, value: unknown) => void, onPin: (property: Property) => void, isPinned: (property: Property) => boolean}} EditorEvents
 */

export class PropertyEditor {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../../app.js').App} app
	 * @param {string} id the instance's
	 * @param {EditorEvents} events
	 */
	constructor(outlet, app, id, events) {
		this.outlet = outlet;
		this.app = app;
		this.id = id;
		this.events = events;
		/** @type {Property | null} */
		this.property = null;
		/** What stands in the field is the user's. */
		this.isTyped = false;
		this.value = h('output', { class: 'value' });
		this.control = h('textarea', { rows: 2, spellcheck: false, oninput: () => this.typed() });
		this.field = createField({ label: 'New value', control: this.control, hint: 'As JSON: true, 42, "text".' });
		this.curl = createCurlLine(app.api, () => this.describe());
		this.pin = h('button', { type: 'button', onclick: () => this.togglePin() });
		this.said = h('span', { role: 'status', class: 'quiet' });
		fill(outlet, h('p', { class: 'quiet' }, 'Choose a property to read it.'));
	}

	/** @param {Property} property @returns {Promise<void>} */
	show(property) {
		const { path, name, summary } = property;
		this.property = property;
		this.control.value = '';
		this.isTyped = false;
		this.field.setFaults([]);
		setText(this.value, '…');
		setText(this.said, '');
		const isFixed = summary?.writable === false;
		fill(this.outlet,
			h('h2', {}, name),
			h('p', { class: 'quiet' }, [summary?.type, path].filter(Boolean).join(' · ')),
			summary?.description && h('p', {}, summary.description),
			summary?.default_value !== undefined && h('p', {}, 'By default ', h('span', { class: 'value' }, formatValue(summary.default_value))),
			h('p', {}, this.value),
			h('div', { class: 'actions' }, h('button', { type: 'button', onclick: () => this.read() }, 'Read again'), this.pin),
			isFixed ? h('p', { class: 'quiet' }, 'It cannot be set.') : h('form', { class: 'sheet', onsubmit: (/** @type {Event} */ event) => this.submit(event) },
				this.field.element, h('div', { class: 'actions' }, h('button', { class: 'primary' }, 'Set'), this.said)),
			this.curl.element);
		this.showPin();
		this.curl.update();
		this.outlet.scrollIntoView({ block: 'nearest' });
		return this.read();
	}

	showPin() {
		setText(this.pin, this.property && this.events.isPinned(this.property) ? 'Unpin' : 'Pin');
	}

	togglePin() {
		if (this.property) this.events.onPin(this.property);
		this.showPin();
	}

	typed() {
		this.isTyped = true;
		this.field.setFaults([]);
		setText(this.said, '');
		this.curl.update();
	}

	/** @returns {import('../../lib/curl.js').CurlRequest} */
	describe() {
		const url = this.property ? location.origin + propertyUrl(this.id, this.property) : '';
		const read = readValue(this.control.value);
		return this.control.value.trim() && 'value' in read ? { method: 'PUT', url, json: read } : { url };
	}

	async read() {
		const { property } = this;
		if (!property) return;
		// That it was set is true of what it was then, which another start forgets.
		setText(this.said, '');
		try {
			const { value } = await requestValues(this.app.api, propertyUrl(this.id, property));
			if (property === this.property) this.take(value);
		} catch (error) {
			if (property === this.property) this.tellUnread(error instanceof Error ? error.message : String(error));
		}
	}

	/** What it was before is not offered as its new value. @param {string} why */
	tellUnread(why) {
		setText(this.value, why);
		if (!this.isTyped) this.control.value = '';
		this.curl.update();
	}

	/** What is being typed stays. @param {unknown} value */
	take(value) {
		setText(this.value, formatValue(value));
		if (!this.isTyped) this.control.value = JSON.stringify(value);
		this.curl.update();
		if (this.property) this.events.onValue(this.property, value);
	}

	/** @param {Event} event */
	async submit(event) {
		event.preventDefault();
		const { property } = this;
		const read = readValue(this.control.value);
		this.field.setFaults('fault' in read ? [{ detail: read.fault, place: '' }] : []);
		if (!property || 'fault' in read) return this.field.focus();
		// What is typed from here on is another value.
		this.isTyped = false;
		try {
			await requestValues(this.app.api, propertyUrl(this.id, property), read);
			// The emulator may have made another value of it.
			if (property === this.property) await this.read();
			if (property === this.property) setText(this.said, 'Set.');
		} catch (error) {
			if (property !== this.property) return;
			this.isTyped = true;
			this.field.setFaults([{ detail: error instanceof Error ? error.message : String(error), place: '' }]);
			this.field.focus();
		}
	}
}
