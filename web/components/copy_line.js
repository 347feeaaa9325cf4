// A line of text to take along: a command, a path.

import { h, setText } from './dom.js';

let made = 0;

/** A page that came over plain HTTP from another machine has no clipboard: there the text is chosen, to be copied by key. @param {HTMLElement} code */
async function copyFrom(code) {
	try {
		await navigator.clipboard.writeText(code.textContent ?? '');
		return 'Copied.';
	} catch {
		getSelection()?.selectAllChildren(code);
		return 'Press Ctrl+C to copy.';
	}
}

/**
 * @param {string} label the line's name
 * @param {string} [text]
 * @returns {{element: HTMLElement, setText: (text: string) => void}}
 */
export function createCopyLine(label, text = '') {
	const code = h('code', { id: `copy-line-${++made}`, tabIndex: 0, role: 'textbox', 'aria-readonly': 'true', 'aria-label': label }, text);
	const copied = h('span', { role: 'status', class: 'quiet' });
	const copy = h('button', {
		type: 'button', 'aria-describedby': code.id,
		async onclick() {
			copied.textContent = await copyFrom(code);
		},
	}, 'Copy');
	return {
		element: h('div', { class: 'curl' }, code, copy, copied),
		setText(now) {
			if (code.textContent === now) return;
			setText(code, now);
			copied.textContent = '';
		},
	};
}
