// What went wrong or was done: shown until dismissed (errors) or for a while, and read out.

import { h } from './dom.js';

const SHOWN_MS = 6000;

export class Notices {
	/**
	 * @param {HTMLElement} region
	 * @param {HTMLElement} announcer a live region that is read out
	 */
	constructor(region, announcer) {
		this.region = region;
		this.announcer = announcer;
	}

	/** @param {unknown} error */
	fail(error) {
		const text = error instanceof Error ? error.message : String(error);
		this.show(text, 'error');
	}

	/** @param {string} text */
	tell(text) {
		const notice = this.show(text, 'done');
		setTimeout(() => notice.remove(), SHOWN_MS);
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
			h('button', { type: 'button', 'aria-label': 'Dismiss', onclick: () => notice.remove() }, '×'));
		this.region.append(notice);
		return notice;
	}
}
