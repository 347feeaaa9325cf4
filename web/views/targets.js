// What boards there are: where they come from, whether they can be had here, and how one is begun.

import { h, setText } from '../components/dom.js';
import { OrderedRows } from '../components/ordered_rows.js';
import { followList } from '../lib/live_list.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Target} Target
 */

/** @param {Target} target */
const tellChannels = ({ channels }) =>
	(channels ? Object.entries(channels).map(([name, { kind }]) => (name === kind ? name : `${name} (${kind})`)).join(', ') : 'known once it starts');

/** @param {Target} target @param {string} text */
function matchesTarget(target, text) {
	const told = [target.name, target.emulator, target.machine, target.executable, target.source, target.unavailable_reason, target.available ? 'available' : 'unavailable']
		.join(' ').toLowerCase();
	return text.toLowerCase().split(/\s+/).every((word) => told.includes(word));
}

class TargetsView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		/** By name and all that is told of it, in the order of the API's. @type {Map<string, Target>} */
		this.targets = new Map();
		this.search = h('input', {
			type: 'search', value: place.query.get('q') ?? '', placeholder: 'name, emulator, machine, file', 'aria-label': 'Filter', oninput: () => this.filterChanged(),
		});
		this.count = h('p', { role: 'status', class: 'quiet' });
		this.body = h('tbody');
		this.rows = new OrderedRows(this.body, {
			create: (id) => createRow(/** @type {Target} */ (this.targets.get(id))),
			leave: () => this.search.focus(),
		});
		outlet.append(
			h('div', { class: 'heading' }, h('h1', {}, 'Targets')),
			h('div', { class: 'filter' }, this.search, this.count),
			h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of targets' },
				h('table', { class: 'targets' }, h('caption', { class: 'unseen' }, 'Targets'),
					h('thead', {}, h('tr', {}, ['Target', 'Emulator', 'Machine', 'Available', 'Channels', 'From', 'Actions'].map((name) => h('th', { scope: 'col' }, name)))),
					this.body)));
		this.stop = followList(app.store, 'targets', () => app.api.listTargets(), {
			onLoad: (targets) => {
				this.targets = new Map(targets.map((target) => [`${target.name}\n${JSON.stringify(target)}`, target]));
				this.show();
			},
			onFault: (error) => app.notices.failAsking(error),
		});
	}

	filterChanged() {
		const query = this.search.value.trim();
		history.replaceState(null, '', query ? `#/targets?q=${encodeURIComponent(query)}` : '#/targets');
		this.show();
	}

	show() {
		const fitting = [...this.targets].filter(([, target]) => matchesTarget(target, this.search.value.trim()));
		setText(this.count, `${fitting.length} of ${this.targets.size}`);
		this.rows.setAll(fitting.map(([id]) => id));
	}

	unmount() {
		this.stop();
		this.rows.stop();
	}
}

/** @param {Target} target */
function createRow(target) {
	const { name, emulator, machine, available, unavailable_reason: reason, source } = target;
	const link = h('a', { class: 'button', href: `#/new?target=${encodeURIComponent(name)}`, 'aria-label': `New instance of ${name}` }, 'New instance');
	const row = h('tr', { 'data-id': name }, h('th', { scope: 'row' }, name), h('td', {}, emulator), h('td', {}, machine ?? ''),
		h('td', { class: available ? '' : 'danger' }, available ? 'yes' : `no: ${reason ?? 'not here'}`),
		h('td', { class: 'quiet' }, tellChannels(target)), h('td', { class: 'quiet' }, h('code', {}, source)), h('td', {}, available && link));
	return { row, link };
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new TargetsView(outlet, place, app);
	return { title: 'Targets', unmount: () => view.unmount() };
}
