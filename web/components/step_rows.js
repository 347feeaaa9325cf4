// Steps of input: rows of what is waited for and what is sent then.

import { createCell } from './cell.js';
import { h } from './dom.js';
import { createGroup } from './field.js';
import { createRows } from './rows.js';

/** @param {{steps: import('../lib/run_form.js').StepRow[], onChange: () => void}} options what is there at first */
export function createStepRows({ steps, onChange }) {
	const { rows, add, control } = createRows({
		list: h('ol', { class: 'step-rows' }), name: 'step', empty: { expect: '', send: '' }, items: steps, onChange,
		create(step, remove) {
			const expect = createCell(step.expect, onChange, { 'aria-label': 'Wait for this pattern', placeholder: 'wait for (a pattern)' });
			const send = createCell(step.send, onChange, { 'aria-label': 'Then send', placeholder: 'then send, such as run\\n' });
			return { element: h('li', {}, h('div', { class: 'step-row' }, expect.input, send.input, remove)), first: expect.input, expect, send };
		},
	});
	const used = () => rows.filter(({ expect, send }) => expect.value || send.value);
	const invalid = () => rows.flatMap(({ expect, send }) => [expect.input, send.input]).find((input) => input.hasAttribute('aria-invalid')) ?? add;
	const group = createGroup({
		label: 'Input', control, focus: () => invalid().focus(),
		hint: 'What is typed into the console, step by step: \\n, \\r, \\t, \\e, \\x41 and \\\\ are known. A step without a pattern is taken at once.',
		// As the rows are numbered, empty ones, too.
		tell: ({ detail, place }) => (place ? `Step ${rows.indexOf(used()[Number(place.split('/')[0])]) + 1}: ${detail}` : detail),
	});
	return {
		get value() {
			return rows.map(({ expect, send }) => ({ expect: expect.value, send: send.value }));
		},
		field: {
			...group,
			/** @param {import('./field.js').Fault[]} faults */
			setFaults(faults) {
				for (const row of rows) for (const { input } of [row.expect, row.send]) input.removeAttribute('aria-invalid');
				for (const { place } of faults) {
					const [index, name] = place.split('/');
					const row = used()[Number(index)];
					(name === 'expect' ? row?.expect : row?.send)?.input.setAttribute('aria-invalid', 'true');
				}
				group.setFaults(faults);
			},
		},
	};
}
