// All instances: what runs, what it prints, what went wrong; actions on one and on many.

import { confirmAction } from '../components/confirm.js';
import { fill, h, setText, timeElement } from '../components/dom.js';
import { formatBytes, formatCpu, formatDuration, formatExit } from '../lib/format.js';
import { matchesFilter, readFilter } from '../lib/instance_filter.js';
import { route } from '../lib/routes.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {{row: HTMLTableRowElement, check: HTMLInputElement, target: HTMLElement, state: HTMLElement, uptime: HTMLElement,
 *   cpu: HTMLElement, memory: HTMLElement, line: HTMLElement, buttons: Record<string, HTMLButtonElement>}} Row
 */

const STATES = ['created', 'starting', 'running', 'paused', 'stopping', 'exited', 'failed'];
const UPTIME_MS = 1000;

/** Which action fits which state. @type {Record<string, (state: string) => boolean>} */
export const FITS = {
	start: (state) => ['created', 'exited', 'failed'].includes(state),
	stop: (state) => ['starting', 'running', 'paused'].includes(state),
	restart: (state) => ['running', 'paused'].includes(state),
	reset: (state) => ['running', 'paused'].includes(state),
	pause: (state) => state === 'running',
	resume: (state) => state === 'paused',
	delete: () => true,
};

/** @param {Instance} instance */
export function tellState(instance) {
	if (instance.state === 'paused' && instance.paused_by === 'disk_full') return 'paused, disk full';
	return instance.exit ? `${instance.state}, ${formatExit(instance.exit)}` : instance.state;
}

class InstancesView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		this.app = app;
		/** @type {Map<string, Row>} */
		this.rows = new Map();
		/** @type {Set<string>} */
		this.chosen = new Set();
		this.search = h('input', {
			type: 'search', value: place.query.get('q') ?? '', placeholder: 'name, state:failed, target:…, label:key=value',
			'aria-label': 'Filter', oninput: () => this.filterChanged(),
		});
		this.count = h('p', { role: 'status', class: 'quiet' });
		this.body = h('tbody');
		this.all = h('input', { type: 'checkbox', 'aria-label': 'Choose all that are shown', onchange: () => this.chooseAll() });
		this.bulk = this.createBulk();
		this.empty = createEmpty();
		this.table = h('table', { class: 'instances' },
			h('caption', { class: 'unseen' }, 'Instances'),
			h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, this.all),
				['Instance', 'Target', 'State', 'Up for', 'CPU', 'Memory', 'Last line', 'Actions'].map((name) => h('th', { scope: 'col' }, name)))),
			this.body);
		outlet.append(
			h('div', { class: 'heading' }, h('h1', {}, 'Instances'), h('a', { class: 'button primary', href: '#/new' }, 'New instance')),
			h('div', { class: 'filter' }, this.search, h('div', { class: 'chips' }, STATES.map((state) => this.createChip(state))), this.count),
			this.bulk, h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of instances' }, this.table), this.empty);
		this.stops = [
			app.store.subscribe('instances', (changed) => this.update(changed)),
			app.store.subscribe('samples', (changed) => this.updateSamples(changed)),
		];
		this.timer = setInterval(() => this.updateUptimes(), UPTIME_MS);
		this.update(new Set());
	}

	unmount() {
		clearInterval(this.timer);
		for (const stop of this.stops) stop();
	}

	/** @param {string} state */
	createChip(state) {
		return h('button', {
			type: 'button',
			class: 'chip',
			onclick: () => {
				const without = this.search.value.replace(/\s*\bstate:\S+/g, '').trim();
				const had = this.search.value.includes(`state:${state}`);
				this.search.value = had ? without : `${without} state:${state}`.trim();
				this.filterChanged();
			},
		}, state);
	}

	createBulk() {
		this.bulkCount = h('span');
		return h('div', { class: 'bulk', role: 'group', 'aria-label': 'Actions on the chosen instances', hidden: true }, this.bulkCount,
			['start', 'stop', 'restart', 'reset', 'pause', 'resume', 'delete'].map((action) =>
				h('button', { type: 'button', class: action === 'delete' ? 'danger' : '', onclick: () => this.actOnMany(action) }, capital(action))));
	}

	filterChanged() {
		const query = this.search.value.trim();
		history.replaceState(null, '', query ? `#/instances?q=${encodeURIComponent(query)}` : '#/instances');
		this.update(new Set());
	}

	/** @param {Set<string>} changed */
	update(changed) {
		const { store } = this.app;
		const filter = readFilter(this.search.value);
		const ids = changed.size ? changed : new Set([...this.rows.keys(), ...store.instances.keys()]);
		for (const id of ids) {
			const instance = store.instances.get(id);
			if (instance && matchesFilter(instance, filter)) this.put(instance);
			else this.remove(id);
		}
		setText(this.count, store.isLoaded ? `${this.rows.size} of ${store.instances.size}` : '');
		this.table.hidden = store.instances.size === 0;
		this.empty.hidden = !store.isLoaded || store.instances.size > 0;
		this.showBulk();
	}

	/** @param {string} id */
	remove(id) {
		this.rows.get(id)?.row.remove();
		this.rows.delete(id);
		this.chosen.delete(id);
	}

	/** @param {Instance} instance */
	put(instance) {
		let row = this.rows.get(instance.id);
		if (!row) {
			row = this.createRow(instance.id);
			this.rows.set(instance.id, row);
			this.body.insertBefore(row.row, this.successor(instance.id));
		}
		setText(row.target, instance.target);
		setText(row.state, tellState(instance));
		row.state.dataset.state = instance.state;
		for (const [action, button] of Object.entries(row.buttons)) button.disabled = !FITS[action](instance.state);
		this.showUptime(row, instance);
		this.showSample(row, instance);
	}

	/** Where a new row stands: by id. @param {string} id @returns {HTMLElement | null} */
	successor(id) {
		const rows = /** @type {HTMLElement[]} */ ([...this.body.children]);
		let low = 0;
		let high = rows.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((rows[middle].dataset.id ?? '') < id) low = middle + 1;
			else high = middle;
		}
		return rows[low] ?? null;
	}

	/** @param {string} id @returns {Row} */
	createRow(id) {
		const check = h('input', {
			type: 'checkbox', 'aria-label': `Choose ${id}`,
			onchange: () => {
				if (check.checked) this.chosen.add(id);
				else this.chosen.delete(id);
				this.showBulk();
			},
		});
		/** @type {Record<string, HTMLButtonElement>} */
		const buttons = {};
		for (const action of ['start', 'stop', 'pause', 'resume', 'delete'])
			buttons[action] = h('button', {
				type: 'button', class: action === 'delete' ? 'danger' : '', 'aria-label': `${capital(action)} ${id}`,
				onclick: () => this.act(action, [id]),
			}, capital(action));
		const [target, state, uptime, cpu, memory] = [0, 1, 2, 3, 4].map(() => h('td'));
		const line = h('td', { class: 'line' });
		state.className = 'state';
		const row = h('tr', { 'data-id': id }, h('td', {}, check),
			h('th', { scope: 'row' }, h('a', { href: route('instances', id) }, id)), target, state, uptime, cpu, memory, line,
			h('td', {}, h('div', { class: 'actions' }, Object.values(buttons))));
		return { row, check, target, state, uptime, cpu, memory, line, buttons };
	}

	/** @param {Row} row @param {Instance} instance */
	showUptime(row, instance) {
		const isUp = ['running', 'paused', 'starting', 'stopping'].includes(instance.state) && instance.started_at;
		const since = isUp ? (Date.now() - Date.parse(instance.started_at ?? '')) / 1000 : null;
		const text = since === null ? '' : formatDuration(Math.max(0, Math.floor(since)));
		if (row.uptime.textContent !== text) fill(row.uptime, text && timeElement(instance.started_at, text));
	}

	updateUptimes() {
		for (const [id, row] of this.rows) {
			const instance = this.app.store.instances.get(id);
			if (instance) this.showUptime(row, instance);
		}
	}

	/** @param {Row} row @param {Instance} instance */
	showSample(row, instance) {
		const isLive = ['running', 'paused', 'stopping'].includes(instance.state);
		const sample = isLive ? this.app.store.samples.get(instance.id)?.at(-1) : undefined;
		setText(row.cpu, formatCpu(sample?.cpu));
		setText(row.memory, formatBytes(sample?.rss_bytes));
		setText(row.line, this.app.store.lines.get(instance.id) ?? '');
	}

	/** @param {Set<string>} changed */
	updateSamples(changed) {
		for (const id of changed) {
			const row = this.rows.get(id);
			const instance = this.app.store.instances.get(id);
			if (row && instance) this.showSample(row, instance);
		}
	}

	chooseAll() {
		for (const [id, { check }] of this.rows) {
			check.checked = this.all.checked;
			if (check.checked) this.chosen.add(id);
			else this.chosen.delete(id);
		}
		this.showBulk();
	}

	showBulk() {
		this.bulk.hidden = this.chosen.size === 0;
		if (this.bulkCount) setText(this.bulkCount, `${this.chosen.size} chosen`);
		this.all.checked = this.chosen.size > 0 && this.chosen.size === this.rows.size;
		this.all.indeterminate = this.chosen.size > 0 && this.chosen.size < this.rows.size;
	}

	/** @param {string} action */
	actOnMany(action) {
		const ids = [...this.chosen].filter((id) => FITS[action](this.app.store.instances.get(id)?.state ?? ''));
		if (ids.length) return this.act(action, ids);
		this.app.notices.tell(`None of the chosen can ${action} now.`);
	}

	/**
	 * @param {string} action
	 * @param {string[]} ids
	 */
	async act(action, ids) {
		const names = ids.length === 1 ? ids[0] : `${ids.length} instances`;
		if (action === 'delete' && !(await confirmAction({
			title: `Delete ${names}?`, text: 'What runs is stopped; state and console output are removed.', action: 'Delete',
		}))) return;
		const { api, store, notices } = this.app;
		const results = await Promise.allSettled(ids.map((id) => (action === 'delete' ? api.deleteInstance(id) : api.act(id, action))));
		for (const [index, result] of results.entries()) {
			if (result.status === 'rejected') notices.fail(new Error(`${ids[index]}: ${result.reason.message}`));
			else if (result.value) store.putInstance(result.value);
		}
	}
}

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function createEmpty() {
	return h('section', { class: 'empty', hidden: true },
		h('h2', {}, 'No boards yet'),
		h('p', {}, 'An instance is an emulated board that runs a firmware. Begin with ', h('a', { href: '#/new' }, 'a new one'), ', or from a terminal:'),
		h('pre', {}, h('code', {}, `curl ${location.origin}/instances -H 'Content-Type: application/json' -d '{"target":"qemu-lm3s6965evb"}'`)));
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new InstancesView(outlet, place, app);
	return { title: 'Instances', unmount: () => view.unmount() };
}
