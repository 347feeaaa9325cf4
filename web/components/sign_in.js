// The question for a token, and the way out.

import { element } from './dom.js';

/**
 * @param {HTMLDialogElement} dialog
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the value of the button it was closed with; empty for Escape
 */
function ask(dialog, signal) {
	dialog.returnValue = '';
	dialog.showModal();
	signal.addEventListener('abort', () => dialog.close(), { once: true });
	return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true }));
}

/**
 * Asks until there is one: without a token the page can show nothing.
 * @param {boolean} refused
 * @param {AbortSignal} signal another tab has been given it
 * @returns {Promise<string | null>} null: so it is
 */
export async function askToken(refused, signal) {
	const input = element('token', HTMLInputElement);
	const error = element('token-error', HTMLElement);
	error.textContent = refused ? 'That token is not known here.' : '';
	error.hidden = !refused;
	for (;;) {
		if (signal.aborted) return null;
		const dialog = element('token-dialog', HTMLDialogElement);
		const answer = await ask(dialog, signal);
		const token = input.value;
		input.value = '';
		// It goes back to where it was before, if it was anywhere.
		const focused = document.activeElement;
		if (focused === document.body || dialog.contains(focused)) element('main', HTMLElement).focus();
		if (answer === 'ok' && token) return token;
	}
}

/**
 * Where a token is needed: the session outlives the browser.
 * @param {HTMLButtonElement} button
 * @param {import('../lib/api.js').Api} api
 * @param {import('./notices.js').Notices} notices
 */
export async function offerSignOut(button, api, notices) {
	await api.learnGuard();
	button.hidden = !api.isGuarded;
	button.onclick = async () => {
		try {
			await api.request('DELETE', '/v1/session');
			// Nothing of what was shown stays behind the question.
			location.reload();
		} catch (error) {
			notices.fail(error);
		}
	};
}
