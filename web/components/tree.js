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
		fill(this.element, roots.map((node) => this.createItem(node)));
		const [first] = this.items();
		if (first) first.tabIndex = 0;
	}

	/** @param {TreeNode<T>} node */
	createItem(node) {
		const name = h('span', { class: 'name', id: `tree-${++made}` }, node.name);
		const note = h('span', { class: 'note', id: `tree-${++made}` }, node.note);
		const row = h('div', { class: 'row', title: node.note, onclick: () => this.activate(item) }, name, note);
		const item = h('li', { role: 'treeitem', tabIndex: -1, 'aria-labelledby': name.id, 'aria-describedby': note.id, 'aria-selected': 'false' }, row);
		if (node.isBranch) item.setAttribute('aria-expanded', 'false');
		this.nodes.set(item, node);
		return item;
	}

	/** All that can be seen, as they stand. @returns {HTMLElement[]} */
	items() {
		return [...this.element.querySelectorAll('li')].filter((item) => !item.parentElement?.closest('li[aria-expanded="false"]'));
	}

	/** @param {HTMLElement} item */
	activate(item) {
		this.focus(item);
		for (const other of this.element.querySelectorAll('[aria-selected="true"]')) other.setAttribute('aria-selected', 'false');
		item.setAttribute('aria-selected', 'true');
		const node = this.nodes.get(item);
		if (node?.isBranch) void this.toggle(item);
		if (node) this.events.onChoose(node.data);
	}

	/** @param {HTMLElement} item */
	toggle(item) {
		return this.setExpanded(item, item.getAttribute('aria-expanded') === 'false');
	}

	/** @param {HTMLElement} item @param {boolean} isExpanded */
	async setExpanded(item, isExpanded) {
		const node = this.nodes.get(item);
		if (!node?.isBranch || item.getAttribute('aria-busy')) return;
		item.querySelector(':scope > ul, :scope > p')?.remove();
		item.setAttribute('aria-expanded', 'false');
		if (!isExpanded) return;
		item.setAttribute('aria-busy', 'true');
		try {
			const nodes = await this.events.load(node.data);
			item.append(h('ul', { role: 'group' }, nodes.map((child) => this.createItem(child))));
			item.setAttribute('aria-expanded', 'true');
		} catch (error) {
			item.append(h('p', { class: 'danger', role: 'alert' }, error instanceof Error ? error.message : String(error)));
		}
		item.removeAttribute('aria-busy');
	}

	/** The text beside names. @param {(data: T) => boolean} isMeant @param {string} text */
	setNote(isMeant, text) {
		for (const item of this.element.querySelectorAll('li')) {
			const node = this.nodes.get(item);
			const note = item.querySelector(':scope > .row > .note');
			if (node && note && isMeant(node.data)) setText(note, text);
		}
	}

	/** @param {HTMLElement | undefined} item */
	focus(item) {
		if (!item) return;
		for (const other of this.element.querySelectorAll('li[tabindex="0"]')) /** @type {HTMLElement} */ (other).tabIndex = -1;
		item.tabIndex = 0;
		item.focus();
		item.firstElementChild?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
	}

	/** @param {KeyboardEvent} event */
	press(event) {
		const item = /** @type {HTMLElement | null} */ (event.target)?.closest('li');
		if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
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
		else this.focus(item.querySelector('li') ?? undefined);
	}

	/** @param {HTMLElement} item */
	moveOut(item) {
		if (item.getAttribute('aria-expanded') === 'true') void this.setExpanded(item, false);
		else this.focus(item.parentElement?.closest('li') ?? undefined);
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
