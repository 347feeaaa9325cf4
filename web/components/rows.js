// Rows of a form that are added and removed: labels, steps.

import { h } from './dom.js';

/**
 * @template I what a row says
 * @template {{element: HTMLElement, first: HTMLElement}} R first: where one begins to type
 * @param {{list: HTMLElement, name: string, empty: I, items: I[], create: (item: I, remove: HTMLButtonElement) => R, onChange: () => void}} options
 *   name: of one; items: what is there at first
 */
export function createRows({ list, name, empty, items, create, onChange }) {
	/** @type {R[]} */
	const rows = [];
	const add = h('button', { type: 'button', onclick: () => addRow(empty).first.focus() }, `Add a ${name}`);

	/** @param {I} item */
	function addRow(item) {
		const row = create(item, h('button', { type: 'button', 'aria-label': `Remove this ${name}`, onclick: () => removeRow(row) }, '×'));
		rows.push(row);
		list.append(row.element);
		return row;
	}

	/** @param {R} row */
	function removeRow(row) {
		rows.splice(rows.indexOf(row), 1);
		row.element.remove();
		add.focus();
		onChange();
	}

	for (const item of items) addRow(item);
	return { rows, add, control: h('div', {}, list, add) };
}
