// Events as people read them. No DOM.

import { formatExit } from './format.js';

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
};

/** @param {EmudEvent} event */
export const tellEvent = ({ type, data }) => WORDS[type]?.(data) ?? `${type} ${JSON.stringify(data)}`;

/** @param {EmudEvent} event */
export const tellActor = ({ actor }) => actor ?? 'by itself';

/**
 * Events by their numbers, each once, whichever way they came.
 */
export class EventLog {
	/** @param {number} [most] how many of the newest are kept */
	constructor(most = 1000) {
		this.most = most;
		/** @type {EmudEvent[]} oldest first */
		this.events = [];
		/** @type {Set<number>} */
		this.ids = new Set();
	}

	/**
	 * @param {EmudEvent[]} events in any order
	 * @returns {EmudEvent[]} those that are new
	 */
	add(events) {
		const fresh = events.filter(({ id }) => id !== undefined && !this.ids.has(id));
		if (fresh.length === 0) return [];
		for (const { id } of fresh) this.ids.add(id);
		this.events = [...this.events, ...fresh].sort((one, other) => one.id - other.id);
		for (const { id } of this.events.splice(0, Math.max(0, this.events.length - this.most))) this.ids.delete(id);
		return fresh;
	}
}
