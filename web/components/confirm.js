// A question before what cannot be undone.

import { h } from './dom.js';

/**
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmAction({ title, text, action }) {
	const dialog = h('dialog', { 'aria-labelledby': 'confirm-title' },
		h('form', { method: 'dialog' },
			h('h2', { id: 'confirm-title' }, title),
			h('p', {}, text),
			h('div', { class: 'actions' },
				h('button', { value: '' }, 'Cancel'),
				h('button', { value: 'yes', class: 'danger' }, action))));
	document.body.append(dialog);
	dialog.showModal();
	return new Promise((resolve) =>
		dialog.addEventListener('close', () => {
			dialog.remove();
			resolve(dialog.returnValue === 'yes');
		}, { once: true }));
}
