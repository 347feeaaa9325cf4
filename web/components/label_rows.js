// Labels: rows of a name and a value.

import { createCell } from './cell.js';
import { h } from './dom.js';
import { createGroup } from './field.js';
import { createRows } from './rows.js';

/** @param {{labels: import('../lib/instance_spec.js').LabelRow[], onChange: () => void}} options what is there at first */
export function createLabelRows({ labels, onChange }) {
	const { rows, add, control } = createRows({
		list: h('div', { class: 'label-rows' }), name: 'label', empty: { key: '', value: '' }, items: labels, onChange,
		create(label, remove) {
			const key = createCell(label.key, onChange, { 'aria-label': 'Label name' });
			const value = createCell(label.value, onChange, { 'aria-label': 'Label value' });
			return { element: h('div', { class: 'label-row' }, key.input, h('span', { 'aria-hidden': true }, '='), value.input, remove), first: key.input, key, value };
		},
	});
	const invalid = () => rows.find(({ key }) => key.input.hasAttribute('aria-invalid'))?.key.input ?? add;
	const group = createGroup({
		label: 'Labels', hint: 'To find it by, such as team = boot.', control, focus: () => invalid().focus(),
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
					if (faults.some(({ place }) => place === key.value.trim())) key.input.setAttribute('aria-invalid', 'true');
					else key.input.removeAttribute('aria-invalid');
				}
				group.setFaults(faults);
			},
		},
	};
}
