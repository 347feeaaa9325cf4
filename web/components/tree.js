// A tree by WAI-ARIA's pattern that loads as it opens: arrow keys, Home, End, typing the beginning of a name.

import { fill, h, setText } from './dom.js';

const TYPING_MS = 700;

/**
 * @template T
 * @typedef {{name: string, note: string, isBranch: boolean, data: T}} TreeNode
 */

/**
 * @template T
 * @typedef {{load: (data: T) => Promise<TreeNode<T>[]>, onChoose: (data: T) => void}} TreeEvents
 * load: what a branch holds; one that fails stays closed, and is told below it. onChoose: by click, Enter or Space
 */

let made = 0;

/** @param {Element | null | undefined} entry */
const itemOf = (entry) => /** @type {HTMLElement | undefined} */ (entry?.querySelector(':scope > [role="treeitem"]') ?? undefined);

/** @template T */
export class Tree {
	/**
	 * @param {string} label
	 * @param {TreeEvents<T>} events
	 */
	constructor(label, events) {
		this.events = events;
		/** @type {WeakMap<Element, TreeNode<T>>} */
		this.nodes = new WeakMap();
		this.typed = '';
		this.typedAt = 0;
		this.element = h('ul', { role: 'tree', class: 'tree', 'aria-label': label, onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event) });
	}

	/** @param {TreeNode<T>[]} roots */
	setRoots(roots) {
		fill(this.element, roots.map((node) => this.createEntry(node)));
		const [first] = this.items();
		if (first) first.tabIndex = 0;
	}

	/** One more root, opened. @param {TreeNode<T>} node */
	async addRoot(node) {
		const entry = this.createEntry(node);
		this.element.append(entry);
		const item = itemOf(entry);
		if (!item) return;
		await this.setExpanded(item, true);
		this.focus(item);
	}

	/** The item, and below it the group of those that it holds while it is open. @param {TreeNode<T>} node */
	createEntry(node) {
		const note = h('span', { class: 'note' }, node.note);
		const item = h('div', { role: 'treeitem', class: 'row', tabIndex: -1, title: node.note, 'aria-selected': 'false', onclick: () => this.activate(item) },
			h('span', { class: 'name' }, node.name), ' ', note);
		if (node.isBranch) item.setAttribute('aria-expanded', 'false');
		this.nodes.set(item, node);
		return h('li', { role: 'none' }, item);
	}

	/** As they stand. @returns {HTMLElement[]} */
	items() {
		return [...this.element.querySelectorAll('[role="treeitem"]')].filter((item) => item instanceof HTMLElement);
	}

	/** @param {HTMLElement} item */
	activate(item) {
		this.focus(item);
		for (const other of this.items()) other.setAttribute('aria-selected', String(other === item));
		const node = this.nodes.get(item);
		if (!node) return;
		void this.setExpanded(item, item.getAttribute('aria-expanded') === 'false');
		this.events.onChoose(node.data);
	}

	/** @param {HTMLElement} item @param {boolean} isExpanded */
	async setExpanded(item, isExpanded) {
		const node = this.nodes.get(item);
		const entry = item.parentElement;
		if (!node?.isBranch || !entry || item.getAttribute('aria-busy')) return;
		entry.querySelector(':scope > ul, :scope > p')?.remove();
		item.setAttribute('aria-expanded', 'false');
		item.removeAttribute('aria-owns');
		if (!isExpanded) return;
		item.setAttribute('aria-busy', 'true');
		try {
			const nodes = await this.events.load(node.data);
			const group = h('ul', { role: 'group', id: `tree-${++made}` }, nodes.map((child) => this.createEntry(child)));
			entry.append(group);
			item.setAttribute('aria-expanded', 'true');
			item.setAttribute('aria-owns', group.id);
		} catch (error) {
			entry.append(h('p', { class: 'danger', role: 'alert' }, error instanceof Error ? error.message : String(error)));
		}
		item.removeAttribute('aria-busy');
	}

	/** The text beside names. @param {(data: T) => boolean} isMeant @param {string} text */
	setNote(isMeant, text) {
		for (const item of this.items()) {
			const node = this.nodes.get(item);
			const note = item.querySelector('.note');
			if (node && note && isMeant(node.data)) setText(note, text);
		}
	}

	/** @param {HTMLElement | undefined} item */
	focus(item) {
		if (!item) return;
		for (const other of this.items()) other.tabIndex = other === item ? 0 : -1;
		item.focus();
	}

	/** @param {KeyboardEvent} event */
	press(event) {
		const item = event.target;
		if (!(item instanceof HTMLElement) || event.ctrlKey || event.altKey || event.metaKey) return;
		const items = this.items();
		const at = items.indexOf(item);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
		if (to !== undefined) this.focus(items[to]);
		else if (event.key === 'ArrowRight') this.moveIn(item);
		else if (event.key === 'ArrowLeft') this.moveOut(item);
		else if (event.key === 'Enter' || event.key === ' ') this.activate(item);
		else if (event.key.length === 1) this.seek(items, at, event);
		else return;
		if (event.key.length > 1) this.typed = '';
		event.preventDefault();
	}

	/** @param {HTMLElement} item */
	moveIn(item) {
		if (item.getAttribute('aria-expanded') === 'false') void this.setExpanded(item, true);
		else this.focus(itemOf(item.parentElement?.querySelector(':scope > ul > li')));
	}

	/** @param {HTMLElement} item */
	moveOut(item) {
		if (item.getAttribute('aria-expanded') === 'true') void this.setExpanded(item, false);
		else this.focus(itemOf(item.parentElement?.parentElement?.closest('li')));
	}

	/** What is typed in one go is the beginning of a name. @param {HTMLElement[]} items @param {number} at @param {KeyboardEvent} event */
	seek(items, at, { key, timeStamp }) {
		this.typed = (timeStamp - this.typedAt > TYPING_MS ? '' : this.typed) + key;
		this.typedAt = timeStamp;
		const wanted = this.typed.toLowerCase();
		const from = wanted.length > 1 ? at : at + 1;
		this.focus([...items.slice(from), ...items.slice(0, from)].find((item) => this.nodes.get(item)?.name.toLowerCase().startsWith(wanted)));
	}
}
