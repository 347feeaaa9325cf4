// A text in a row of a form. What cannot stand in one line is shown as JSON, and stays as it is or goes with its row.

import { h } from './dom.js';

/**
 * @param {string} text what is there at first
 * @param {() => void} onChange
 * @param {import('./dom.js').Properties} properties
 */
export function createCell(text, onChange, properties) {
	const isFit = !/[\r\n]/.test(text);
	const input = h('input', {
		type: 'text', spellcheck: false, autocomplete: 'off', oninput: onChange, value: isFit ? text : JSON.stringify(text), readOnly: !isFit,
		title: isFit ? null : 'Holds a line break: it cannot be edited here, and is sent as it was.', ...properties,
	});
	return {
		input,
		get value() {
			return isFit ? input.value : text;
		},
	};
}
