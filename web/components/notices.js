// What went wrong or was done: shown until dismissed (errors) or for a while, and read out.

import { isUnanswered } from '../lib/api.js';
import { h } from './dom.js';

const SHOWN_MS = 6000;
/** By then the stream of events has noticed that emud is gone. */
const SETTLED_MS = 1000;

/** @param {unknown} error */
const wordsOf = (error) => (error instanceof Error ? error.message : String(error));

export class Notices {
	/**
	 * @param {HTMLElement} region
	 * @param {HTMLElement} announcer a live region that is read out
	 * @param {{isConnected: () => boolean}} connection to emud: that it is lost is told by the page as a whole
	 */
	constructor(region, announcer, { isConnected }) {
		this.region = region;
		this.announcer = announcer;
		this.isConnected = isConnected;
		/** That are over. */
		this.losses = 0;
		/** Where the focus was before it came here. @type {EventTarget | null} */
		this.before = null;
		document.addEventListener('focusin', ({ target }) => {
			if (!(target instanceof Node && region.contains(target))) this.before = target;
		});
	}

	/** @param {string} text @returns {Element | null | undefined} where it is told already */
	findFault(text) {
		return [...this.region.querySelectorAll('[data-kind="error"] p')].find((said) => said.textContent === text)?.parentElement;
	}

	/** Of what a user asked for: stays until it is dismissed. @param {unknown} error */
	fail(error) {
		const said = this.findFault(wordsOf(error)) ?? this.show(wordsOf(error), 'error');
		said.removeAttribute('data-passing');
	}

	/** Until the connection is back. @param {unknown} error */
	failPassing(error) {
		if (!this.findFault(wordsOf(error))) this.show(wordsOf(error), 'error').dataset.passing = '';
	}

	/** Of what the page asks by itself. @param {unknown} error */
	failAsking(error) {
		const { losses } = this;
		if (!isUnanswered(error)) this.fail(error);
		else if (this.isConnected()) setTimeout(() => this.isConnected() && losses === this.losses && this.failPassing(error), SETTLED_MS);
	}

	/** The connection is back: what the page asks by itself it asks again, so that it had no answer is no news any more. */
	forgetLoss() {
		this.losses++;
		for (const notice of this.region.querySelectorAll('[data-passing]')) {
			if (notice.contains(document.activeElement)) this.dismiss(notice);
			else notice.remove();
		}
	}

	/** @param {string} text */
	tell(text) {
		const notice = this.show(text, 'done');
		const end = () => (notice.contains(document.activeElement) ? setTimeout(end, SHOWN_MS) : notice.remove());
		setTimeout(end, SHOWN_MS);
	}

	/** Read out, not shown. @param {string} text */
	announce(text) {
		this.announcer.textContent = text;
	}

	/**
	 * @param {string} text
	 * @param {'error' | 'done'} kind
	 */
	show(text, kind) {
		const notice = h('div', { class: 'notice', 'data-kind': kind, role: kind === 'error' ? 'alert' : 'status' },
			h('p', {}, text),
			h('button', { type: 'button', 'aria-label': 'Dismiss', onclick: () => this.dismiss(notice) }, '×'));
		this.region.append(notice);
		return notice;
	}

	/** The focus goes to the next one, and from the last one back. @param {Element} notice */
	dismiss(notice) {
		const next = notice.nextElementSibling ?? notice.previousElementSibling;
		notice.remove();
		const taker = next ? next.querySelector('button') : this.before;
		if (taker instanceof HTMLElement && taker.isConnected) taker.focus();
	}
}
