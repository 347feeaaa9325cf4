// Steps of input: rows of what is waited for and what is sent then.

import { h } from './dom.js';
import { createGroup } from './field.js';

/** @typedef {{element: HTMLElement, expect: HTMLInputElement, send: HTMLInputElement}} Row */

/**
 * @param {import('../lib/run_form.js').StepRow} step
 * @param {() => void} onChange
 * @param {() => void} onRemove
 * @returns {Row}
 */
function createRow(step, onChange, onRemove) {
	const text = { type: 'text', spellcheck: false, autocomplete: 'off', oninput: onChange };
	const expect = h('input', { ...text, value: step.expect, 'aria-label': 'Wait for this pattern', placeholder: 'wait for (a pattern)' });
	const send = h('input', { ...text, value: step.send, 'aria-label': 'Then send', placeholder: 'then send, such as run\\n' });
	const remove = h('button', { type: 'button', 'aria-label': 'Remove this step', onclick: onRemove }, '×');
	return { element: h('li', {}, h('div', { class: 'step-row' }, expect, send, remove)), expect, send };
}

/** @param {{steps: import('../lib/run_form.js').StepRow[], onChange: () => void}} options what is there at first */
export function createStepRows({ steps, onChange }) {
	/** @type {Row[]} */
	let rows = [];
	const list = h('ol', { class: 'step-rows' });
	const add = h('button', { type: 'button', onclick: () => addRow({ expect: '', send: '' }).expect.focus() }, 'Add a step');

	/** @param {import('../lib/run_form.js').StepRow} step */
	function addRow(step) {
		const row = createRow(step, onChange, () => removeRow(row));
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

	for (const step of steps) addRow(step);
	const used = () => rows.filter(({ expect, send }) => expect.value || send.value);
	const invalid = () => rows.flatMap(({ expect, send }) => [expect, send]).find((input) => input.hasAttribute('aria-invalid')) ?? add;
	const group = createGroup({
		label: 'Input', control: h('div', {}, list, add), focus: () => invalid().focus(),
		hint: 'What is typed into the console, step by step: \\n, \\r, \\t, \\e, \\x41 and \\\\ are known. A step without a pattern is taken at once.',
		tell: ({ detail, place }) => (place ? `Step ${Number(place.split('/')[0]) + 1}: ${detail}` : detail),
	});
	return {
		get value() {
			return rows.map(({ expect, send }) => ({ expect: expect.value, send: send.value }));
		},
		field: {
			...group,
			/** @param {import('./field.js').Fault[]} faults */
			setFaults(faults) {
				for (const row of rows) for (const input of [row.expect, row.send]) input.removeAttribute('aria-invalid');
				for (const { place } of faults) {
					const [index, name] = place.split('/');
					const row = used()[Number(index)];
					(name === 'expect' ? row?.expect : row?.send)?.setAttribute('aria-invalid', 'true');
				}
				group.setFaults(faults);
			},
		},
	};
}
