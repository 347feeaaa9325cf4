// The output before what a terminal holds, a page at a time.

import { h } from '../../components/dom.js';
import { lastLinesFrom, readOutput, wholeFrom, wholeLines } from '../../lib/console_output.js';

/** With them a page is shorter than the terminal's scroll-back, however its lines are broken. */
const PAGE_BYTES = 512 * 1024;
const PAGE_LINES = 10_000;

/**
 * @typedef {{
 *   onPage: (page: {bytes: Uint8Array, from: number, to: number, firstOffset: number, isBefore: boolean}) => void,
 *   onNewest: () => void, onError: (error: unknown) => void,
 * }} HistoryEvents
 * isBefore: it was asked for as the one before another
 */

export class ConsoleHistory {
	/**
	 * @param {import('../../lib/api.js').Api} api
	 * @param {HistoryEvents} events
	 */
	constructor(api, events) {
		this.api = api;
		this.events = events;
		this.path = '';
		this.startNumber = 0;
		this.firstOffset = 0;
		this.from = 0;
		/** Null: all that comes. @type {number | null} */
		this.to = null;
		this.turn = 0;
		const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) => h('button', { type: 'button', onclick }, text);
		this.first = button('First', () => this.after(0));
		this.earlier = button('Earlier', () => this.before(this.from));
		this.later = button('Later', () => this.after(this.to ?? 0));
		this.newest = button('Newest', () => this.events.onNewest());
		this.element = h('span', { role: 'group', 'aria-label': 'Parts of the output', class: 'actions' }, this.first, this.earlier, this.later, this.newest);
		this.show();
	}

	/** The terminal shows the newest, from an offset on. @param {string} path @param {number} startNumber @param {number} offset */
	begin(path, startNumber, offset) {
		Object.assign(this, { path, startNumber, from: offset, to: null, firstOffset: 0 });
		this.cancel();
		this.show();
	}

	/** A page that is under way is not wanted any more. */
	cancel() {
		this.turn++;
	}

	show() {
		this.first.disabled = this.earlier.disabled = this.from <= this.firstOffset;
		this.later.disabled = this.newest.disabled = this.to === null;
	}

	/** @param {number} to */
	async before(to) {
		const offset = Math.max(0, to - PAGE_BYTES);
		const page = await this.read(offset, to - offset);
		if (!page) return;
		const { bytes } = page;
		const from = Math.max(page.offset > page.firstOffset ? wholeFrom(bytes) : 0, lastLinesFrom(bytes, PAGE_LINES));
		this.turned(page, from, bytes.length, true);
	}

	/** @param {number} offset */
	async after(offset) {
		const page = await this.read(offset, PAGE_BYTES);
		if (!page) return;
		const to = wholeLines(page.bytes, PAGE_LINES);
		if (to === page.bytes.length && to < PAGE_BYTES && offset > 0) this.events.onNewest();
		else this.turned(page, 0, to, false);
	}

	/** Null: another was asked for meanwhile, or there is none. @param {number} offset @param {number} limit */
	async read(offset, limit) {
		const turn = ++this.turn;
		try {
			const page = await readOutput(this.api, this.path, { offset, limit, start_number: this.startNumber });
			return turn === this.turn ? page : null;
		} catch (error) {
			if (turn === this.turn) this.events.onError(error);
			return null;
		}
	}

	/**
	 * @param {import('../../lib/console_output.js').Output} page
	 * @param {number} begin
	 * @param {number} end
	 * @param {boolean} isBefore
	 */
	turned({ offset, bytes, firstOffset }, begin, end, isBefore) {
		Object.assign(this, { from: offset + begin, to: offset + end, firstOffset });
		this.show();
		this.events.onPage({ bytes: bytes.subarray(begin, end), from: offset + begin, to: offset + end, firstOffset, isBefore });
	}
}
