// The question for a token.

import { element } from './dom.js';

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>} the value of the button it was closed with; empty for Escape
 */
function ask(dialog) {
	dialog.returnValue = '';
	dialog.showModal();
	return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true }));
}

/**
 * Asks until there is one: without a token the page can show nothing.
 * @param {boolean} refused
 */
export async function askToken(refused) {
	const input = element('token', HTMLInputElement);
	const error = element('token-error', HTMLElement);
	error.textContent = refused ? 'That token is not known here.' : '';
	error.hidden = !refused;
	for (;;) {
		const answer = await ask(element('token-dialog', HTMLDialogElement));
		const token = input.value;
		input.value = '';
		if (answer === 'ok' && token) return token;
	}
}
