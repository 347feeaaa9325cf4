// The output before what a terminal holds, and that of earlier starts, a page at a time.

import { fill, h } from '../../components/dom.js';
import { lastLinesFrom, readOutput, wholeFrom, wholeLines } from '../../lib/console_output.js';

/** With them a page is shorter than the terminal's scroll-back, however its lines are broken. */
const PAGE_BYTES = 512 * 1024;
const PAGE_LINES = 10_000;

/**
 * @typedef {{startNumber: number, bytes: Uint8Array, from: number, to: number, firstOffset: number, isBefore: boolean}} HistoryPage
 * isBefore: it was asked for as the one before another
 * @typedef {{onPage: (page: HistoryPage) => void, onNewest: () => void, onError: (error: unknown) => void, onKept: (isKept: boolean) => void}} HistoryEvents
 * onNewest: all that comes is wanted; onKept: whether the start that is shown still is
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
		/** Of an earlier start, which prints no more; null: not known. @type {number | null} */
		this.end = null;
		this.latestStart = 0;
		/** How many earlier ones are kept; null: it was not asked yet. @type {number | null} */
		this.keptStarts = null;
		this.isLearning = false;
		this.turn = 0;
		this.start = h('select', { 'aria-label': 'Start', title: 'The output of earlier starts is kept, too', disabled: true, onchange: () => this.choose(Number(this.start.value)) });
		const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) => h('button', { type: 'button', onclick }, text);
		this.first = button('First', () => this.after(0));
		this.earlier = button('Earlier', () => this.before(this.from));
		this.later = button('Later', () => this.after(this.to ?? 0));
		this.newest = button('Newest', () => this.choose(this.startNumber));
		this.element = h('span', { role: 'group', 'aria-label': 'Parts of the output', class: 'actions' }, this.first, this.earlier, this.later, this.newest);
		this.show();
	}

	/** What was asked for before is not wanted any more. @param {string} path of the output that is shown from now on */
	open(path) {
		this.path = path;
		this.cancel();
	}

	/** The terminal shows the newest, from an offset on. @param {number} startNumber @param {number} offset */
	begin(startNumber, offset) {
		Object.assign(this, { startNumber, from: offset, to: null, end: null, firstOffset: 0 });
		this.show();
		this.noteStart(startNumber);
	}

	/** @param {number} startNumber the latest, as far as is known */
	noteStart(startNumber) {
		this.latestStart = Math.max(this.latestStart, startNumber);
		this.showStarts();
		if (this.latestStart > 1 && this.keptStarts === null && !this.isLearning) void this.learnKeptStarts();
	}

	async learnKeptStarts() {
		this.isLearning = true;
		try {
			this.keptStarts = (await this.api.request('GET', '/v1/service')).limits.kept_starts;
			this.showStarts();
		} catch {
			// It is asked again at the next start.
		}
		this.isLearning = false;
	}

	/** Also what is shown, though it is not kept any more. */
	showStarts() {
		const { startNumber, latestStart, keptStarts, start } = this;
		if (keptStarts !== null) this.events.onKept(startNumber >= latestStart - keptStarts);
		const numbers = Array.from({ length: Math.min((keptStarts ?? 0) + 1, latestStart) }, (_, index) => latestStart - index);
		if (!numbers.includes(startNumber)) numbers.push(startNumber);
		// One that is open stays open.
		if (numbers.join() !== [...start.options].map(({ value }) => value).join()) fill(start, numbers.map((number) => h('option', { value: String(number) }, `Start ${number}`)));
		start.value = String(startNumber);
		start.disabled = numbers.length === 1;
	}

	/** A page that is under way is not wanted any more. */
	cancel() {
		this.turn++;
	}

	show() {
		const buttons = [this.first, this.earlier, this.later, this.newest];
		const pressed = buttons.find((button) => button === document.activeElement);
		this.first.disabled = this.earlier.disabled = this.from <= this.firstOffset;
		this.later.disabled = this.newest.disabled = this.to === this.end;
		// One that has no more to give hands the focus on.
		if (pressed?.disabled) (buttons.find((button) => !button.disabled) ?? this.start).focus();
	}

	/** The newest of a start. @param {number} startNumber */
	async choose(startNumber) {
		if (startNumber === this.latestStart) return this.events.onNewest();
		const page = await this.read(-PAGE_BYTES, PAGE_BYTES, startNumber);
		if (page) this.end = page.offset + page.bytes.length;
		if (page) this.turnedBack(page);
		else this.start.value = String(this.startNumber);
	}

	/** @param {number} to */
	async before(to) {
		const offset = Math.max(0, to - PAGE_BYTES);
		const page = await this.read(offset, to - offset);
		if (page) this.turnedBack(page);
	}

	/** Up to the end of what was read. @param {import('../../lib/console_output.js').Output} page */
	turnedBack(page) {
		const { bytes } = page;
		const from = Math.max(page.offset > page.firstOffset ? wholeFrom(bytes) : 0, lastLinesFrom(bytes, PAGE_LINES));
		this.turned(page, from, bytes.length, true);
	}

	/** @param {number} offset */
	async after(offset) {
		const page = await this.read(offset, PAGE_BYTES);
		if (!page) return;
		const to = wholeLines(page.bytes, PAGE_LINES);
		const isLast = to === page.bytes.length && to < PAGE_BYTES;
		if (isLast && offset > 0 && page.startNumber === this.latestStart) return this.events.onNewest();
		// It may have been the latest when paging began.
		if (isLast && page.startNumber < this.latestStart) this.end = page.offset + to;
		if (to > 0 || offset === 0) this.turned(page, 0, to, false);
		else this.show();
	}

	/** Null: another was asked for meanwhile, or there is none. @param {number} offset @param {number} limit @param {number} [startNumber] */
	async read(offset, limit, startNumber = this.startNumber) {
		const turn = ++this.turn;
		try {
			const page = await readOutput(this.api, this.path, { offset, limit, start_number: startNumber });
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
	turned({ startNumber, offset, bytes, firstOffset }, begin, end, isBefore) {
		const [from, to] = [offset + begin, offset + end];
		Object.assign(this, { startNumber, from, to, firstOffset });
		this.show();
		this.start.value = String(startNumber);
		this.events.onPage({ startNumber, bytes: bytes.subarray(begin, end), from, to, firstOffset, isBefore });
	}
}
