// The curl command that does what a form would do.

import { curlCommand } from '../lib/curl.js';
import { h, setText } from './dom.js';

/**
 * @param {() => import('../lib/curl.js').CurlRequest} describe what the form would send now
 * @returns {{element: HTMLElement, update: () => void}} update: the form has changed
 */
export function createCurlLine(describe) {
	const code = h('code', { tabIndex: 0, 'aria-label': 'The same with curl' });
	const copied = h('span', { role: 'status', class: 'quiet' });
	const copy = h('button', {
		type: 'button',
		async onclick() {
			await navigator.clipboard.writeText(code.textContent ?? '');
			copied.textContent = 'Copied.';
		},
	}, 'Copy');
	const update = () => {
		setText(code, curlCommand(describe()));
		copied.textContent = '';
	};
	update();
	return { element: h('div', { class: 'curl' }, code, copy, copied), update };
}
