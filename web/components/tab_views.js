// Tabs of which each has a view of its own, loaded when it is first wanted; which one is shown is part of the address.

import { fill, h } from './dom.js';
import { createTabs } from './tabs.js';

/**
 * @template T what is shown: an instance, a run
 * @typedef {{unmount: () => void, update?: (subject: T) => void}} Tab
 */
/**
 * @template T
 * @typedef {(outlet: HTMLElement, subject: T, app: import('../app.js').App, query: URLSearchParams) => Tab<T>} TabView query: of the address
 */
/**
 * @template T
 * @typedef {Record<string, {name: string, load: () => Promise<{mount: TabView<T>}>}>} TabSet by what the address calls them; the first is shown
 *   unless another is named
 */

/** @template T */
export class TabViews {
	/**
	 * @param {import('../app.js').App} app
	 * @param {{label: string, views: TabSet<T>, place: import('../app.js').Place, address: (tab: string) => string}} options
	 */
	constructor(app, { label, views, place, address }) {
		this.app = app;
		this.views = views;
		this.address = address;
		this.query = place.query;
		this.chosen = Object.hasOwn(views, place.parameters.tab) ? place.parameters.tab : Object.keys(views)[0];
		/** @type {T | null} */
		this.subject = null;
		/** @type {Tab<T> | null} */
		this.shown = null;
		this.isOver = false;
		const names = Object.fromEntries(Object.entries(views).map(([id, { name }]) => [id, name]));
		this.tabs = createTabs({ label, names, chosen: this.chosen, onChoose: (tab) => this.choose(tab) });
	}

	get elements() {
		return [this.tabs.list, this.tabs.panel];
	}

	/** @param {string} tab */
	choose(tab) {
		this.chosen = tab;
		this.query = new URLSearchParams();
		this.tabs.choose(tab);
		history.replaceState(null, '', this.address(tab));
		void this.mount();
	}

	/** @param {T} subject one that has nothing of the one before */
	begin(subject) {
		this.subject = subject;
		this.isOver = false;
		void this.mount();
	}

	/** @param {T} subject as it is now */
	update(subject) {
		this.subject = subject;
		this.shown?.update?.(subject);
	}

	/** What is over stays as it is: who is at a link there stays too. @param {...import('./dom.js').Child} instead what is shown then */
	end(...instead) {
		if (this.isOver) return;
		this.isOver = true;
		this.subject = null;
		this.shown?.unmount();
		this.shown = null;
		fill(this.tabs.panel, instead);
	}

	async mount() {
		const wanted = this.chosen;
		const view = await this.views[wanted].load().catch(() => null);
		if (!this.subject || wanted !== this.chosen) return;
		this.shown?.unmount();
		this.shown = null;
		if (!view) return fill(this.tabs.panel, h('p', { role: 'alert' }, this.app.beginAnew()));
		this.tabs.panel.replaceChildren();
		this.shown = view.mount(this.tabs.panel, this.subject, this.app, this.query);
	}
}
