// Text to the clipboard, also where the browser has none to give: a page that came over plain HTTP from another machine.

import { h } from './dom.js';

/** @param {string} text @returns {Promise<boolean>} whether it is there */
export async function copyText(text) {
	const focused = document.activeElement;
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = h('textarea', { class: 'unseen', value: text, 'aria-hidden': 'true' });
		// Beside an open dialog nothing can be chosen.
		(focused?.closest('dialog') ?? document.body).append(area);
		area.select();
		const isCopied = document.execCommand('copy');
		area.remove();
		if (focused instanceof HTMLElement) focused.focus();
		return isCopied;
	}
}
