// Buttons for what can be done with an instance in its state.

import { capital } from '../lib/format.js';
import { ACTIONS_FIT } from '../lib/instance_state.js';
import { h } from './dom.js';

/** It keeps the focus. @param {HTMLButtonElement} button */
const isBusy = (button) => button.ariaDisabled === 'true';

/** @param {HTMLButtonElement} button @param {boolean} is */
export const setBusy = (button, is) => void (button.ariaDisabled = is ? 'true' : null);

/**
 * @param {string[]} actions
 * @param {{of?: string, onAct: (action: string) => Promise<void>}} options of: whose, for the buttons' names; onAct: a button is busy until then
 * @returns {{buttons: HTMLButtonElement[], setState: (state: string) => void}} setState: '' fits none
 */
export function createActionButtons(actions, { of, onAct }) {
	const buttons = actions.map((action) => {
		const button = h('button', {
			type: 'button', disabled: true, class: action === 'delete' ? 'danger' : '', 'aria-label': of && `${capital(action)} ${of}`,
			async onclick() {
				if (isBusy(button)) return;
				setBusy(button, true);
				await onAct(action);
				setBusy(button, false);
			},
		}, capital(action));
		return button;
	});
	let isWaiting = false;
	return {
		buttons,
		setState(state) {
			const focused = buttons.find((button) => button === document.activeElement);
			for (const [index, action] of actions.entries()) buttons[index].disabled = state === '' || !ACTIONS_FIT[action](state);
			// What is done by keyboard goes on by keyboard: Pause hands over to Resume, and none to Delete.
			isWaiting = focused ? focused.disabled : isWaiting && document.activeElement === document.body;
			if (!isWaiting) return;
			const next = buttons.find((button, index) => !button.disabled && actions[index] !== 'delete');
			next?.focus();
			isWaiting = !next;
		},
	};
}
