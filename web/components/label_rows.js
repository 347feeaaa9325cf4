// Labels: rows of a name and a value.

import { h } from './dom.js';
import { createGroup } from './field.js';

/** @param {{labels: import('../lib/instance_spec.js').LabelRow[], onChange: () => void}} options what is there at first */
export function createLabelRows({ labels, onChange }) {
	/** @typedef {{element: HTMLElement, key: HTMLInputElement, value: HTMLInputElement}} Row */
	/** @type {Row[]} */
	let rows = [];
	const list = h('div', { class: 'label-rows' });
	const add = h('button', { type: 'button', onclick: () => addRow({ key: '', value: '' }).key.focus() }, 'Add a label');

	/** @param {import('../lib/instance_spec.js').LabelRow} label */
	function addRow(label) {
		const key = h('input', { type: 'text', value: label.key, 'aria-label': 'Label name', spellcheck: false, oninput: onChange });
		const value = h('input', { type: 'text', value: label.value, 'aria-label': 'Label value', spellcheck: false, oninput: onChange });
		const remove = h('button', { type: 'button', 'aria-label': 'Remove this label', onclick: () => removeRow(row) }, '×');
		/** @type {Row} */
		const row = { element: h('div', { class: 'label-row' }, key, h('span', { 'aria-hidden': true }, '='), value, remove), key, value };
		rows.push(row);
		list.append(row.element);
		return row;
	}

	/** @param {Row} row */
	function removeRow(row) {
		rows = rows.filter((other) => other !== row);
		row.element.remove();
		add.focus();
		onChange();
	}

	for (const label of labels) addRow(label);
	const invalid = () => rows.find(({ key }) => key.hasAttribute('aria-invalid'))?.key ?? add;
	const group = createGroup({
		label: 'Labels', hint: 'To find it by, such as team = boot.', control: h('div', {}, list, add), focus: () => invalid().focus(),
		tell: ({ detail, place }) => (place ? `${place}: ${detail}` : detail),
	});
	return {
		get value() {
			return rows.map(({ key, value }) => ({ key: key.value.trim(), value: value.value }));
		},
		field: {
			...group,
			/** @param {import('./field.js').Fault[]} faults */
			setFaults(faults) {
				for (const { key } of rows) {
					if (faults.some(({ place }) => place === key.value.trim())) key.setAttribute('aria-invalid', 'true');
					else key.removeAttribute('aria-invalid');
				}
				group.setFaults(faults);
			},
		},
	};
}
