// Clients that do this and that with instances, and remember what they were told.

import { within } from './deadline.mjs';
import { firmware } from './firmware.mjs';

/** Numbers that look random and come again with the same seed. @param {number} seed */
export function makeRandom(seed) {
	let state = seed >>> 0;
	return (/** @type {number} */ below) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
}

/**
 * One client with one instance: what emud has answered last is known, unless another call is under way.
 */
export class Churner {
	/**
	 * @param {import('./client.mjs').Client} client
	 * @param {string} id
	 * @param {(below: number) => number} random
	 */
	constructor(client, id, random) {
		this.client = client;
		this.id = id;
		this.random = random;
		/** @type {'running' | 'ended' | 'absent' | null} */
		this.known = 'absent';
		this.answers = 0;
		this.stopping = false;
	}

	/** @returns {[string, string, import('./client.mjs').RequestOptions, 'running' | 'ended' | 'absent']} */
	choose() {
		const path = `/instances/${this.id}`;
		const spec = { target: 'board', file: firmware('counter') };
		if (this.known === 'absent') return ['PUT', path, { json: spec }, 'running'];
		const choice = this.random(3);
		if (choice === 0) return ['DELETE', path, {}, 'absent'];
		if (this.known === 'running') return choice === 1 ? ['POST', `${path}/stop`, {}, 'ended'] : ['POST', `${path}/restart`, {}, 'running'];
		return ['POST', `${path}/start`, {}, 'running'];
	}

	async act() {
		const [method, path, options, outcome] = this.choose();
		this.known = null;
		try {
			const { status } = await this.client.exchange(method, path, options);
			if (status < 300) this.known = outcome;
			this.answers++;
		} catch {
			// emud was killed: whether it did what it was asked for is found out when it is back.
		}
	}

	async run() {
		while (!this.stopping && this.known !== null) await this.act();
	}

	begin() {
		this.stopping = false;
		this.running = this.run();
	}

	/** Once emud is dead, or no more calls are wanted. */
	async end() {
		this.stopping = true;
		await within(this.running ?? Promise.resolve(), `the client of ${this.id} to end`);
	}
}
