// All instances: what runs, what it prints, what went wrong; actions on one and on many.

import { createActionButtons, setBusy } from '../components/action_buttons.js';
import { confirmAction } from '../components/confirm.js';
import { h, setText, timeElement } from '../components/dom.js';
import { OrderedRows } from '../components/ordered_rows.js';
import { actOnAll } from '../lib/bulk_action.js';
import { capital, formatBytes, formatCpu, formatDuration } from '../lib/format.js';
import { matchesFilter, readFilter } from '../lib/instance_filter.js';
import { ACTIONS_FIT, STATES, compareIds, findReason, tellFault, tellState, upSince } from '../lib/instance_state.js';
import { route } from '../lib/routes.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {{row: HTMLTableRowElement, check: HTMLInputElement, link: HTMLElement, labels: HTMLElement, target: HTMLElement, state: HTMLElement, uptime: HTMLTimeElement,
 *   cpu: HTMLElement, memory: HTMLElement, line: HTMLElement, actions: ReturnType<typeof createActionButtons>}} Row
 */

const UPTIME_MS = 1000;
/** Of those that failed, how many are told one by one. */
const FAULTS_TOLD = 3;
const COLUMNS = { choose: '', name: 'Instance', target: 'Target', state: 'State', uptime: 'Up for', cpu: 'CPU', memory: 'Memory', line: 'Last line', actions: 'Actions' };

/** What was asked of many goes on when its view is left; the next one shows how far it is. '' nothing is under way. */
const work = { underWay: '', show: () => {} };

class InstancesView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		this.app = app;
		/** @type {Set<string>} */
		this.chosen = new Set();
		this.search = h('input', {
			type: 'search', value: place.query.get('q') ?? '', placeholder: 'name, state:failed, target:…, label:key="a value"',
			'aria-label': 'Filter', oninput: () => this.filterChanged(),
		});
		this.chips = STATES.map((state) => this.createChip(state));
		// Read out when the filter changes, not whenever an instance comes or goes.
		this.count = h('p', { class: 'quiet' });
		this.body = h('tbody');
		/** @type {OrderedRows<Row>} */
		this.rows = new OrderedRows(this.body, { compare: compareIds, create: (id) => this.createRow(id), leave: () => this.search.focus() });
		this.all = h('input', { type: 'checkbox', 'aria-label': 'Choose all that are shown', onchange: () => this.chooseAll() });
		this.bulkCount = h('span', { class: 'count', role: 'status' });
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
		/** What only counts on is written where it is seen: of a table, each cell that changes is laid out. @type {Set<Element>} */
		this.inView = new Set();
		this.viewWatch = new IntersectionObserver((rows) => this.noteView(rows));
		this.timer = setInterval(() => this.updateUptimes(), UPTIME_MS);
		work.show = () => this.showBulk();
		this.update(new Set());
	}

	unmount() {
		work.show = () => {};
		clearInterval(this.timer);
		this.viewWatch.disconnect();
		this.rows.stop();
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
		this.app.notices.announce(`${this.count.textContent} instances`);
	}

	/** @param {Set<string>} changed empty: all */
	update(changed) {
		const { store } = this.app;
		const filter = readFilter(this.search.value);
		if (changed.size) for (const id of changed) this.updateOne(id, filter);
		else this.updateAll(filter);
		for (const [index, chip] of this.chips.entries()) chip.setAttribute('aria-pressed', String(filter.states.includes(STATES[index])));
		const shown = this.rows.ids.length;
		setText(this.count, store.isLoaded ? `${shown} of ${store.instances.size}` : '');
		this.scroll.hidden = shown === 0;
		this.none.hidden = shown > 0 || store.instances.size === 0;
		this.showEmpty(store.isLoaded && store.instances.size === 0);
		this.showBulk();
	}

	/** @param {import('../lib/instance_filter.js').InstanceFilter} filter */
	updateAll(filter) {
		const fitting = [...this.app.store.instances.values()].filter((instance) => matchesFilter(instance, filter));
		for (const instance of fitting) this.show(this.rows.get(instance.id), instance);
		this.rows.setAll(fitting.map(({ id }) => id));
		for (const id of this.chosen) if (!this.rows.has(id)) this.chosen.delete(id);
	}

	/** @param {string} id @param {import('../lib/instance_filter.js').InstanceFilter} filter */
	updateOne(id, filter) {
		const instance = this.app.store.instances.get(id);
		if (instance && matchesFilter(instance, filter)) {
			this.show(this.rows.get(id), instance);
			this.rows.add(id);
		} else {
			this.rows.remove(id);
			this.chosen.delete(id);
		}
	}

	/** @param {Row | undefined} row none: it will be shown when it is drawn @param {Instance} instance */
	show(row, instance) {
		if (!row) return;
		setText(row.labels, Object.entries(instance.labels).map(([key, value]) => `${key}=${value}`).join(' '));
		row.labels.title = row.labels.textContent ?? '';
		setText(row.target, instance.target);
		row.target.title = instance.target;
		setText(row.state, tellState(instance));
		row.state.title = tellState(instance);
		row.state.dataset.state = instance.state;
		row.actions.setState(instance.state);
		this.showUptime(row, instance);
		this.showSample(row, instance);
	}

	/** @param {string} id @returns {Row} */
	createRow(id) {
		const check = h('input', {
			type: 'checkbox', 'aria-label': `Choose ${id}`, checked: this.chosen.has(id),
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
		const labels = h('span', { class: 'labels' });
		const row = h('tr', { 'data-id': id }, h('td', {}, check), h('th', { scope: 'row' }, link, labels), target, state,
			h('td', { class: 'number' }, uptime), cpu, memory, line, h('td', {}, h('div', { class: 'actions' }, actions.buttons)));
		const parts = { row, check, link, labels, target, state, uptime, cpu, memory, line, actions };
		this.show(parts, /** @type {Instance} */ (this.app.store.instances.get(id)));
		this.viewWatch.observe(row);
		return parts;
	}

	/** @param {Row} row @param {Instance} instance */
	showUptime({ uptime }, instance) {
		const since = upSince(instance);
		setText(uptime, since === null ? '' : formatDuration(Math.max(0, Math.floor((this.app.api.now() - since) / 1000))));
		uptime.dateTime = uptime.title = since === null ? '' : instance.started_at ?? '';
	}

	updateUptimes() {
		for (const { dataset } of /** @type {Set<HTMLElement>} */ (this.inView)) {
			const row = this.rows.get(dataset.id ?? '');
			const instance = this.app.store.instances.get(dataset.id ?? '');
			if (row && instance) this.showUptime(row, instance);
		}
	}

	/** @param {IntersectionObserverEntry[]} rows that have come into view, or gone */
	noteView(rows) {
		for (const { target, isIntersecting } of rows) {
			if (isIntersecting) this.inView.add(target);
			else this.inView.delete(target);
		}
		this.updateUptimes();
	}

	/** @param {Row} row @param {Instance} instance */
	showSample(row, instance) {
		const isLive = ['running', 'paused', 'stopping'].includes(instance.state);
		const sample = isLive ? this.app.store.samples.get(instance.id)?.at(-1) : undefined;
		const fault = tellFault(instance);
		const line = fault === null ? this.app.store.lines.get(instance.id) ?? '' : findReason(fault, instance.emulator);
		setText(row.cpu, formatCpu(sample?.cpu));
		setText(row.memory, formatBytes(sample?.rss_bytes));
		setText(row.line, line);
		row.line.title = fault ?? line;
		row.line.classList.toggle('fault', fault !== null);
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
		this.chosen = new Set(this.all.checked ? this.rows.ids : []);
		for (const { check } of this.rows.made.values()) check.checked = this.all.checked;
		this.showBulk();
	}

	showBulk() {
		const shown = this.rows.ids.length;
		const { underWay } = work;
		this.bulk.hidden = this.chosen.size === 0 && underWay === '';
		// How far it is need not be read out at each step: the end is.
		this.bulkCount.ariaBusy = String(underWay !== '');
		setText(this.bulkCount, underWay || `${this.chosen.size} chosen`);
		for (const button of this.bulk.querySelectorAll('button')) setBusy(button, underWay !== '');
		this.all.checked = this.chosen.size > 0 && this.chosen.size === shown;
		this.all.indeterminate = this.chosen.size > 0 && this.chosen.size < shown;
	}

	/** @param {boolean} isEmpty */
	showEmpty(isEmpty) {
		const isFirst = isEmpty && this.empty.hidden && !this.empty.firstChild;
		this.empty.hidden = !isEmpty;
		if (isFirst) void import('./instances/no_boards.js').then(({ showNoBoards }) => showNoBoards(this.empty, this.app));
	}

	/** @param {string} action */
	async actOnMany(action) {
		if (work.underWay) return;
		const ids = [...this.chosen].filter((id) => ACTIONS_FIT[action](this.app.store.instances.get(id)?.state ?? ''));
		if (!ids.length) return this.app.notices.tell(`None of the chosen can ${action} now.`);
		const showProgress = (/** @type {string} */ text) => {
			work.underWay = text;
			work.show();
		};
		await this.act(action, ids, (done) => showProgress(`${capital(action)}: ${done} of ${ids.length} …`)).finally(() => showProgress(''));
	}

	/**
	 * What comes of it, events tell.
	 * @param {string} action
	 * @param {string[]} ids
	 * @param {(done: number) => void} [onProgress]
	 */
	async act(action, ids, onProgress = () => {}) {
		const names = ids.length === 1 ? ids[0] : `${ids.length} instances`;
		if (action === 'delete' && !(await confirmAction({
			title: `Delete ${names}?`, text: 'What runs is stopped; state and console output are removed.', action: 'Delete',
		}))) return;
		const { notices, store } = this.app;
		const faults = await actOnAll(this.app, action, ids, onProgress);
		for (const fault of faults.slice(0, FAULTS_TOLD)) notices.fail(fault);
		if (faults.length > FAULTS_TOLD) notices.fail(`And ${faults.length - FAULTS_TOLD} more of ${ids.length} could not ${action}.`);
		if (ids.length === 1 || faults.length) return;
		const failed = ids.filter((id) => store.instances.get(id)?.state === 'failed').length;
		notices.tell(`${capital(action)}: done with ${ids.length} instances${failed ? `, ${failed} of them failed` : ''}.`);
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new InstancesView(outlet, place, app);
	return { title: 'Instances', unmount: () => view.unmount() };
}
