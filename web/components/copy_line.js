// A line of text to take along: a command, a path.

import { copyText } from './copy_text.js';
import { h, setText } from './dom.js';

let made = 0;

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
			const isCopied = await copyText(code.textContent ?? '');
			if (!isCopied) getSelection()?.selectAllChildren(code);
			copied.textContent = isCopied ? 'Copied.' : 'Press Ctrl+C to copy.';
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
