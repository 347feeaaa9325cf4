// All instances: what runs, what it prints, what went wrong; actions on one and on many.

import { createActionButtons } from '../components/action_buttons.js';
import { confirmAction } from '../components/confirm.js';
import { createCurlLine } from '../components/curl_line.js';
import { h, setText, timeElement } from '../components/dom.js';
import { capital, formatBytes, formatCpu, formatDuration } from '../lib/format.js';
import { matchesFilter, readFilter } from '../lib/instance_filter.js';
import { ACTIONS_FIT, STATES, compareIds, tellState, upSince } from '../lib/instance_state.js';
import { route } from '../lib/routes.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {{row: HTMLTableRowElement, check: HTMLInputElement, link: HTMLElement, target: HTMLElement, state: HTMLElement, uptime: HTMLTimeElement,
 *   cpu: HTMLElement, memory: HTMLElement, line: HTMLElement, actions: ReturnType<typeof createActionButtons>}} Row
 */

const UPTIME_MS = 1000;
/** Of those that failed, how many are told one by one. */
const FAULTS_TOLD = 3;
const COLUMNS = { choose: '', name: 'Instance', target: 'Target', state: 'State', uptime: 'Up for', cpu: 'CPU', memory: 'Memory', line: 'Last line', actions: 'Actions' };

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
		/** The ids of the rows, as they stand. @type {string[]} */
		this.order = [];
		/** @type {Set<string>} */
		this.chosen = new Set();
		this.search = h('input', {
			type: 'search', value: place.query.get('q') ?? '', placeholder: 'name, state:failed, target:…, label:key=value',
			'aria-label': 'Filter', oninput: () => this.filterChanged(),
		});
		this.chips = STATES.map((state) => this.createChip(state));
		this.count = h('p', { role: 'status', class: 'quiet' });
		this.body = h('tbody');
		this.all = h('input', { type: 'checkbox', 'aria-label': 'Choose all that are shown', onchange: () => this.chooseAll() });
		this.bulkCount = h('span', { role: 'status' });
		this.bulk = this.createBulk();
		this.empty = h('section', { class: 'empty', hidden: true });
		this.none = h('p', { class: 'quiet', hidden: true }, 'No instance fits the filter.');
		this.scroll = h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of instances', hidden: true }, this.createTable());
		outlet.append(
			h('div', { class: 'heading' }, h('h1', {}, 'Instances'), h('a', { class: 'button primary', href: '#/new' }, 'New instance')),
			h('div', { class: 'filter' }, this.search, h('div', { class: 'chips', role: 'group', 'aria-label': 'States' }, this.chips), this.count),
			this.bulk, this.scroll, this.none, this.empty);
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

	createTable() {
		return h('table', { class: 'instances' },
			h('caption', { class: 'unseen' }, 'Instances'),
			h('colgroup', {}, Object.keys(COLUMNS).map((name) => h('col', { class: `col-${name}` }))),
			h('thead', {}, h('tr', {}, Object.values(COLUMNS).map((name) => (name ? h('th', { scope: 'col' }, name) : h('td', {}, this.all))))),
			this.body);
	}

	/** @param {string} state */
	createChip(state) {
		return h('button', {
			type: 'button', class: 'chip', 'aria-pressed': 'false',
			onclick: () => {
				const had = readFilter(this.search.value).states.includes(state);
				const without = this.search.value.replace(/\s*\bstate:\S+/g, '').trim();
				this.search.value = had ? without : `${without} state:${state}`.trim();
				this.filterChanged();
			},
		}, state);
	}

	createBulk() {
		return h('div', { class: 'bulk', role: 'group', 'aria-label': 'Actions on the chosen instances', hidden: true }, this.bulkCount,
			Object.keys(ACTIONS_FIT).map((action) =>
				h('button', { type: 'button', class: action === 'delete' ? 'danger' : '', onclick: () => this.actOnMany(action) }, capital(action))));
	}

	filterChanged() {
		const query = this.search.value.trim();
		history.replaceState(null, '', query ? `#/instances?q=${encodeURIComponent(query)}` : '#/instances');
		this.update(new Set());
	}

	/** @param {Set<string>} changed empty: all */
	update(changed) {
		const { store } = this.app;
		const filter = readFilter(this.search.value);
		const ids = changed.size ? changed : new Set([...this.order, ...store.instances.keys()]);
		const isFirst = this.rows.size === 0;
		for (const id of ids) {
			const instance = store.instances.get(id);
			if (instance && matchesFilter(instance, filter)) this.put(instance, !isFirst);
			else this.remove(id);
		}
		if (isFirst) this.showAll();
		for (const [index, chip] of this.chips.entries()) chip.setAttribute('aria-pressed', String(filter.states.includes(STATES[index])));
		setText(this.count, store.isLoaded ? `${this.rows.size} of ${store.instances.size}` : '');
		this.scroll.hidden = this.rows.size === 0;
		this.none.hidden = this.rows.size > 0 || store.instances.size === 0;
		this.showEmpty(store.isLoaded && store.instances.size === 0);
		this.showBulk();
	}

	/** Many at once: sorted and laid out once. */
	showAll() {
		this.order = [...this.rows.keys()].sort(compareIds);
		this.body.append(...this.order.map((id) => /** @type {Row} */ (this.rows.get(id)).row));
	}

	/** @param {string} id */
	remove(id) {
		const row = this.rows.get(id);
		if (!row) return;
		const at = this.order.indexOf(id);
		this.order.splice(at, 1);
		this.rows.delete(id);
		this.chosen.delete(id);
		const hadFocus = row.row.contains(document.activeElement);
		row.row.remove();
		if (!hadFocus) return;
		const neighbour = this.rows.get(this.order[at] ?? this.order[at - 1]);
		(neighbour?.link ?? this.search).focus();
	}

	/** @param {Instance} instance @param {boolean} isPlaced a new row goes where it stands by its id */
	put(instance, isPlaced) {
		let row = this.rows.get(instance.id);
		if (!row) {
			row = this.createRow(instance.id);
			this.rows.set(instance.id, row);
			if (isPlaced) this.place(instance.id, row);
		}
		setText(row.target, instance.target);
		row.target.title = instance.target;
		setText(row.state, tellState(instance));
		row.state.title = tellState(instance);
		row.state.dataset.state = instance.state;
		row.actions.setState(instance.state);
		this.showUptime(row, instance);
		this.showSample(row, instance);
	}

	/** @param {string} id @param {Row} row */
	place(id, { row }) {
		let low = 0;
		let high = this.order.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (compareIds(this.order[middle], id) < 0) low = middle + 1;
			else high = middle;
		}
		this.body.insertBefore(row, this.body.children[low] ?? null);
		this.order.splice(low, 0, id);
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
		const actions = createActionButtons(['start', 'stop', 'pause', 'resume', 'delete'], { of: id, onAct: (action) => this.act(action, [id]) });
		const [target, state, cpu, memory, line] = ['target', 'state', 'number', 'number', 'line'].map((name) => h('td', { class: name }));
		const uptime = timeElement(null, '');
		const link = h('a', { href: route('instances', id) }, id);
		const row = h('tr', { 'data-id': id }, h('td', {}, check), h('th', { scope: 'row' }, link), target, state,
			h('td', { class: 'number' }, uptime), cpu, memory, line, h('td', {}, h('div', { class: 'actions' }, actions.buttons)));
		return { row, check, link, target, state, uptime, cpu, memory, line, actions };
	}

	/** @param {Row} row @param {Instance} instance */
	showUptime({ uptime }, instance) {
		const since = upSince(instance);
		setText(uptime, since === null ? '' : formatDuration(Math.max(0, Math.floor((Date.now() - since) / 1000))));
		uptime.dateTime = uptime.title = since === null ? '' : instance.started_at ?? '';
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
		const line = this.app.store.lines.get(instance.id) ?? '';
		setText(row.cpu, formatCpu(sample?.cpu));
		setText(row.memory, formatBytes(sample?.rss_bytes));
		setText(row.line, line);
		row.line.title = line;
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
		setText(this.bulkCount, `${this.chosen.size} chosen`);
		this.all.checked = this.chosen.size > 0 && this.chosen.size === this.rows.size;
		this.all.indeterminate = this.chosen.size > 0 && this.chosen.size < this.rows.size;
	}

	/** How to begin, with a target that is really there. @param {boolean} isEmpty */
	showEmpty(isEmpty) {
		this.empty.hidden = !isEmpty;
		if (!isEmpty || this.empty.firstChild) return;
		let target = '…';
		let needsToken = false;
		const curl = createCurlLine(() => ({ url: `${location.origin}/v1/instances`, json: { target }, needsToken }));
		this.empty.append(
			h('h2', {}, 'No boards yet'),
			h('p', {}, 'An instance is an emulated board that runs a firmware. Begin with ', h('a', { href: '#/new' }, 'a new one'),
				', see ', h('a', { href: '#/targets' }, 'what boards there are'), ', or from a terminal:'),
			curl.element);
		void Promise.all([this.app.api.listTargets(), this.app.api.needsToken()]).then(([targets, isGuarded]) => {
			target = (targets.find(({ available }) => available) ?? targets[0])?.name ?? target;
			needsToken = isGuarded;
			curl.update();
		}).catch((error) => this.app.notices.fail(error));
	}

	/** @param {string} action */
	actOnMany(action) {
		const ids = [...this.chosen].filter((id) => ACTIONS_FIT[action](this.app.store.instances.get(id)?.state ?? ''));
		if (ids.length) return this.act(action, ids);
		this.app.notices.tell(`None of the chosen can ${action} now.`);
	}

	/**
	 * What comes of it, events tell.
	 * @param {string} action
	 * @param {string[]} ids
	 */
	async act(action, ids) {
		const names = ids.length === 1 ? ids[0] : `${ids.length} instances`;
		if (action === 'delete' && !(await confirmAction({
			title: `Delete ${names}?`, text: 'What runs is stopped; state and console output are removed.', action: 'Delete',
		}))) return;
		const { api, notices } = this.app;
		const results = await Promise.allSettled(ids.map((id) => (action === 'delete' ? api.deleteInstance(id) : api.act(id, action))));
		const faults = results.flatMap((result, index) => (result.status === 'rejected' ? `${ids[index]}: ${result.reason.message}` : []));
		for (const fault of faults.slice(0, FAULTS_TOLD)) notices.fail(fault);
		if (faults.length > FAULTS_TOLD) notices.fail(`And ${faults.length - FAULTS_TOLD} more of ${ids.length} could not ${action}.`);
		else if (ids.length > 1 && !faults.length) notices.tell(`${capital(action)}: done with ${ids.length} instances.`);
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new InstancesView(outlet, place, app);
	return { title: 'Instances', unmount: () => view.unmount() };
}
