// Buttons for what can be done with an instance in its state.

import { capital } from '../lib/format.js';
import { ACTIONS_FIT } from '../lib/instance_state.js';
import { h } from './dom.js';

/**
 * @param {string[]} actions
 * @param {{of?: string, onAct: (action: string) => void}} options of: whose, for the buttons' names
 * @returns {{buttons: HTMLButtonElement[], setState: (state: string) => void}} setState: '' fits none
 */
export function createActionButtons(actions, { of, onAct }) {
	const buttons = actions.map((action) => h('button', {
		type: 'button', disabled: true, class: action === 'delete' ? 'danger' : '', 'aria-label': of && `${capital(action)} ${of}`,
		onclick: () => onAct(action),
	}, capital(action)));
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
