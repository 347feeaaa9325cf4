// A start, or a restart, with another firmware, other arguments, or paused.

import { h } from '../../components/dom.js';
import { ImageForm } from './image_form.js';

/**
 * @param {import('../../app.js').App} app
 * @param {import('../../lib/api.js').Instance} instance
 * @param {'start' | 'restart'} action
 */
export function openStartDialog(app, instance, action) {
	const form = new ImageForm(app, instance, action, () => dialog.close());
	const title = action === 'start' ? `Start ${instance.id} with` : `Restart ${instance.id} with`;
	const dialog = h('dialog', { class: 'wide', 'aria-labelledby': 'start-title' },
		h('div', { class: 'heading' }, h('h2', { id: 'start-title' }, title), h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel')),
		form.element);
	dialog.addEventListener('close', () => {
		form.unmount();
		dialog.remove();
	}, { once: true });
	document.body.append(dialog);
	dialog.showModal();
	return dialog;
}
