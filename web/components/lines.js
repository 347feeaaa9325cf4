// A list in a field, one a line: a fault names its line, and the cursor goes where it lies.

import { checkArgs, isQuoted, readArgs, tellArgs } from '../lib/instance_spec.js';
import { findFault } from '../lib/run_form.js';
import { h } from './dom.js';
import { createField } from './field.js';

const QUOTED = 'What begins with a double quote is a JSON string here: one holds a line break, or nothing.';

/** @param {{name: string, label: string, hint: string, rows: number, list: string[], onChange: () => void}} options name: by the API; list: what is there at first */
export function createLines({ name, label, hint, rows, list, onChange }) {
	const control = h('textarea', { rows, spellcheck: false, autocomplete: 'off', value: tellArgs(list), oninput: onChange });
	const read = () => readArgs(control.value, list);
	const field = createField({
		label, control, hint: isQuoted(list) ? `${hint} ${QUOTED}` : hint,
		tell: ({ detail, place }) => (place ? `Line ${read().lines[Number(place)]}: ${detail}` : detail),
	});
	return {
		get value() {
			return read().args;
		},
		/** What can be told without asking emud. */
		check: () => checkArgs(name, control.value, list),
		field: {
			...field,
			/** @param {import('./field.js').Fault[]} faults */
			setFaults(faults) {
				field.setFaults(faults);
				const at = faults.length ? findFault(control.value, faults[0], list) : null;
				if (at !== null) control.setSelectionRange(at, at);
			},
		},
	};
}
