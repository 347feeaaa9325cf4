// Events as people read them. No DOM.

import { formatExit } from './format.js';
import { tellOutcome } from './run_words.js';

/** @typedef {import('./feed.js').EmudEvent} EmudEvent */

/** @param {any} data of instance.state */
function tellInstanceState({ state, previous, paused_by: pausedBy, start_number: startNumber, exit }) {
	if (exit) return `${state}: ${formatExit(exit)}${exit.detail ? `: ${exit.detail}` : ''}`;
	if (state === 'paused' && pausedBy === 'disk_full') return 'paused: the disk is full';
	if (state === 'starting') return `starting, for the ${ordinal(startNumber)} time`;
	return previous ? `${state}, after ${previous}` : state;
}

/** @param {number} number */
function ordinal(number) {
	const isTeen = Math.floor(number / 10) % 10 === 1;
	return `${number}${(isTeen ? '' : ['', 'st', 'nd', 'rd'][number % 10]) || 'th'}`;
}

/** @type {Record<string, (data: any) => string>} */
const WORDS = {
	'instance.created': ({ target, emulator }) => `created: ${target} in ${emulator}`,
	'instance.state': tellInstanceState,
	'instance.reset': () => 'reset',
	'instance.deleted': () => 'deleted',
	'run.deleted': () => 'deleted, with its output',
};

/** @param {EmudEvent} event */
export const tellEvent = ({ type, data }) => WORDS[type]?.(data) ?? `${type} ${JSON.stringify(data)}`;

/** Of a run or its board. @param {EmudEvent} event */
export function tellRunEvent(event) {
	const { type, data } = event;
	if (type !== 'run.state') return event.instance ? `board ${event.instance}: ${tellEvent(event)}` : tellEvent(event);
	const reason = (data.reason ?? '').replaceAll('_', ' ');
	const outcome = tellOutcome(data);
	return [outcome, reason === outcome ? '' : reason, data.detail].filter(Boolean).join(': ');
}

/** @param {EmudEvent} event */
export const tellActor = ({ actor }) => actor ?? 'by itself';
