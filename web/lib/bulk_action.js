// One action on many instances: a few requests at a time, as the browser has six connections to emud for all of its pages. No DOM.

import { isUnanswered, unansweredAction } from './api.js';

const REQUESTS = 3;
/** Boards that start all at once would all be late: the next one waits until one has started. */
const STARTS = ['start', 'restart'];
const NAMED_MOST = 5;

/** Until events have told what came of it. @param {import('./store.js').Store} store @param {string} id @returns {Promise<void>} */
function untilSettled(store, id) {
	return new Promise((resolve) => {
		const look = () => {
			if (['starting', 'stopping'].includes(store.instances.get(id)?.state ?? '')) return;
			stop();
			resolve();
		};
		const stop = store.subscribe('instances', look);
		look();
	});
}

/** @param {string[]} ids */
const nameSome = (ids) => ids.slice(0, NAMED_MOST).join(', ') + (ids.length > NAMED_MOST ? ` and ${ids.length - NAMED_MOST} more` : '');

/**
 * @param {{api: import('./api.js').Api, store: import('./store.js').Store}} app
 * @param {string} action
 * @param {string[]} ids
 * @param {(done: number) => void} onProgress
 * @returns {Promise<unknown[]>} what was refused, and why; before that, as one, what had no answer
 */
export async function actOnAll({ api, store }, action, ids, onProgress) {
	const left = [...ids];
	/** @type {unknown[]} */
	const faults = [];
	/** @type {string[]} */
	const unanswered = [];
	/** @type {Promise<void>[]} */
	const settling = [];
	let done = 0;
	onProgress(done);

	/** @param {string} id */
	async function act(id) {
		const instance = await api.ask(id, action);
		if (instance) store.putInstance(instance);
		const end = untilSettled(store, id).then(() => onProgress(++done));
		settling.push(end);
		if (STARTS.includes(action)) await end;
	}

	async function work() {
		for (let id = left.shift(); id !== undefined; id = left.shift()) {
			try {
				await act(id);
			} catch (error) {
				if (isUnanswered(error)) unanswered.push(id);
				else faults.push(`${id}: ${error instanceof Error ? error.message : error}`);
				onProgress(++done);
			}
		}
	}
	await Promise.all(Array.from({ length: REQUESTS }, work));
	await Promise.all(settling);
	return unanswered.length ? [unansweredAction(action, nameSome(unanswered)), ...faults] : faults;
}
