// Tabs by WAI-ARIA's pattern: arrow keys move, one is in the tab order.

import { h } from './dom.js';

/**
 * @param {{label: string, names: Record<string, string>, chosen: string, onChoose: (id: string) => void}} options names: id to text
 * @returns {{list: HTMLElement, panel: HTMLElement, choose: (id: string) => void}} choose: shows it as chosen, calls nothing
 */
export function createTabs({ label, names, chosen, onChoose }) {
	const panel = h('div', { role: 'tabpanel', tabIndex: 0, class: 'panel' });
	const ids = Object.keys(names);
	const prefix = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
	const tabs = ids.map((id) =>
		h('button', { type: 'button', role: 'tab', id: `${prefix}-${id}`, onclick: () => onChoose(id), onkeydown: move }, names[id]));
	const list = h('div', { role: 'tablist', class: 'tabs', 'aria-label': label }, tabs);

	/** @param {string} id */
	function choose(id) {
		for (const [index, tab] of tabs.entries()) {
			const isChosen = ids[index] === id;
			tab.setAttribute('aria-selected', String(isChosen));
			tab.tabIndex = isChosen ? 0 : -1;
			if (isChosen) panel.setAttribute('aria-labelledby', tab.id);
		}
	}

	/** @param {KeyboardEvent} event */
	function move(event) {
		const at = tabs.indexOf(/** @type {HTMLButtonElement} */ (event.currentTarget));
		const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
		if (to === undefined) return;
		event.preventDefault();
		const index = (to + tabs.length) % tabs.length;
		tabs[index].focus();
		onChoose(ids[index]);
	}

	choose(chosen);
	return { list, panel, choose };
}
