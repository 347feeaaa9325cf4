// The objects of a board and their properties: a tree that loads as it opens, one that is read and set, those that are pinned.

import { browserStorage } from '../../components/browser_storage.js';
import { h, setText } from '../../components/dom.js';
import { createField } from '../../components/field.js';
import { Tree } from '../../components/tree.js';
import { Problem, isUnanswered } from '../../lib/api.js';
import { Pins, childPath, formatValue, isObject, propertiesUrl, requestValues, sortProperties } from '../../lib/properties.js';
import { PinnedProperties } from './pinned.js';
import { PropertyEditor } from './property_editor.js';

/**
 * @typedef {import('../../lib/api.js').Instance} Instance
 * @typedef {{path: string, property: import('./property_editor.js').Property | null}} NodeData property: null is an object
 * @typedef {import('../../components/tree.js').TreeNode<NodeData>} Node
 */

const ROOT = '/';

/** @param {string} path @returns {Node} */
const objectNode = (path, name = path, note = '') => ({ name, note, isBranch: true, data: { path, property: null } });

class PropertiesTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {Instance} instance
	 * @param {import('../../app.js').App} app
	 */
	constructor(outlet, instance, app) {
		this.app = app;
		this.instance = instance;
		this.leaving = new AbortController();
		this.startNumber = -1;
		/** The first objects are there, or are known not to be. */
		this.began = Promise.resolve();
		this.pins = new Pins(browserStorage, instance.target);
		this.aside = h('div', { class: 'aside' });
		this.editor = new PropertyEditor(this.aside, app, instance.id, {
			onValue: (property, value) => this.noteValue(property, value),
			onPin: (property) => this.togglePin(property),
			isPinned: (property) => this.pins.has(property),
		});
		this.pinned = new PinnedProperties(app, instance.id, this.pins, {
			onChoose: (pin) => void this.editor.show({ ...pin }),
			onUnpin: (pin) => this.togglePin(pin),
		});
		this.tree = new Tree('Objects and properties', { load: ({ path }) => this.load(path), onChoose: ({ property }) => void (property && this.editor.show(property)) });
		this.path = h('input', { type: 'text', spellcheck: false, autocomplete: 'off' });
		this.pathField = createField({ label: 'Object', control: this.path, hint: 'By its path as the emulator names it, where the tree does not lead to it.' });
		this.notice = h('p', { role: 'status' });
		this.parts = h('div', {}, this.pinned.element, h('div', { class: 'split' },
			h('div', {}, this.tree.element,
				h('form', { class: 'sheet', onsubmit: (/** @type {Event} */ event) => this.openPath(event) },
					this.pathField.element, h('div', { class: 'actions' }, h('button', {}, 'Show object')))),
			this.aside));
		outlet.append(this.notice, this.parts);
		// Another tab of this browser has pinned something.
		addEventListener('storage', ({ key }) => void (key === this.pins.key && this.readPins()), { signal: this.leaving.signal });
		this.update(instance);
	}

	unmount() {
		this.leaving.abort();
		this.pinned.unmount();
	}

	/** @param {Instance} instance */
	update(instance) {
		const isLive = ['running', 'paused'].includes(instance.state);
		this.instance = instance;
		setText(this.notice, isLive ? '' : 'Properties can be read while the instance runs.');
		this.notice.hidden = isLive;
		this.parts.hidden = !isLive;
		// Another start has other objects; what was open may be gone.
		if (isLive && instance.start_number !== this.startNumber) {
			this.startNumber = instance.start_number;
			this.began = this.begin();
			void this.editor.read();
		}
		this.pinned.setLive(isLive);
	}

	/** An emulator without a first object names its objects in its own way: they are asked for by path. */
	async begin() {
		this.tree.setRoots([]);
		const { startNumber } = this;
		try {
			const nodes = await this.load(ROOT);
			if (startNumber === this.startNumber) this.tree.setRoots(nodes);
		} catch (error) {
			if (!(error instanceof Problem && [404, 422, 502].includes(error.status))) this.app.notices.failAsking(error);
			// No answer: asked again when the instance is told next, as when emud is back.
			if (isUnanswered(error) && startNumber === this.startNumber) this.startNumber = -1;
		}
		this.tree.element.hidden = !this.tree.element.hasChildNodes();
	}

	/** @param {string} path @returns {Promise<Node[]>} */
	async load(path) {
		const { properties } = await requestValues(this.app.api, propertiesUrl(this.instance.id, path));
		return sortProperties(properties).map((summary) => {
			const { name, type } = summary;
			if (isObject(summary)) return objectNode(childPath(path, name), name, type.slice('child<'.length, -1));
			return { name, note: type, isBranch: false, data: { path, property: { path, name, summary } } };
		});
	}

	/** @param {Event} event */
	async openPath(event) {
		event.preventDefault();
		const path = this.path.value.trim();
		this.pathField.setFaults([]);
		if (!path) return this.pathField.setFaults([{ detail: 'Which one?', place: '' }]);
		try {
			await this.began;
			await this.load(path);
		} catch (error) {
			this.pathField.setFaults([{ detail: error instanceof Error ? error.message : String(error), place: '' }]);
			return this.pathField.focus();
		}
		this.tree.element.hidden = false;
		await this.tree.addRoot(objectNode(path));
	}

	/** @param {import('./property_editor.js').Property} property @param {unknown} value */
	noteValue(property, value) {
		this.tree.setNote((data) => data.property?.path === property.path && data.property.name === property.name, formatValue(value));
		void this.pinned.refresh();
	}

	/** @param {import('../../lib/properties.js').PropertyName} property */
	togglePin(property) {
		this.pins.toggle(property);
		this.showPins();
	}

	readPins() {
		this.pins.read();
		this.showPins();
	}

	showPins() {
		this.pinned.show();
		this.editor.showPin();
	}
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new PropertiesTab(outlet, instance, app);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
