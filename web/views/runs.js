// The history of runs, newest first: what came of each, and what runs and waits just now.

import { setBusy } from '../components/action_buttons.js';
import { createCurlLine } from '../components/curl_line.js';
import { fill, h, setText, timeElement } from '../components/dom.js';
import { OrderedRows } from '../components/ordered_rows.js';
import { Problem, apiPath } from '../lib/api.js';
import { formatDuration, formatTime } from '../lib/format.js';
import { followList } from '../lib/live_list.js';
import { route } from '../lib/routes.js';
import { compareIds, isPartial, matchesRun, mergeRun, queryOf, readRunFilter, writeRunFilter } from '../lib/run_list.js';
import { STATES, VERDICTS, durationOf, tellDetail, tellOutcome, tellWhy } from '../lib/run_words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Run} Run
 * @typedef {{row: HTMLTableRowElement, link: HTMLElement, outcome: HTMLElement, why: HTMLElement, target: HTMLElement, labels: HTMLElement, duration: HTMLElement,
 *   when: HTMLElement, actor: HTMLElement, cancel: HTMLButtonElement, again: HTMLButtonElement, run: Run | null}} Row
 */

const PAGE = 100;
/** As many are asked for one by one: a list is much longer than what is wanted of it. */
const FEW = 8;
/** So many that the store has dropped stay in the list; then it begins anew. */
const DROPPED_MOST = 1000;
const TICK_MS = 1000;
const COLUMNS = ['Run', 'Verdict', 'Why', 'Target', 'Labels', 'Duration', 'When', 'Who asked', 'Actions'];
/** Where the API tells of none that could be had. */
const SOME_TARGET = 'TARGET';

/** @param {string} label @param {Record<string, string>} options by value @param {string} chosen @param {() => void} onchange */
function createSelect(label, options, chosen, onchange) {
	const select = h('select', { 'aria-label': label, onchange },
		h('option', { value: '' }, `Any ${label.toLowerCase()}`), Object.entries(options).map(([value, text]) => h('option', { value }, text)));
	if (chosen && !(chosen in options)) select.append(h('option', { value: chosen }, chosen));
	select.value = chosen;
	return select;
}

/** @param {string[]} values */
const same = (values) => Object.fromEntries(values.map((value) => [value, value]));

class RunsView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		this.app = app;
		this.filter = readRunFilter(place.query);
		/** @type {Map<string, Run>} those that the store does not hold: older ones, by the filter, and what it has dropped, which may stand above the cursor */
		this.older = new Map();
		/** @type {string | null} where the next page of the filtered ones begins */
		this.cursor = null;
		this.droppedCount = 0;
		this.isOver = false;
		this.isSearching = false;
		this.isOlderWanted = false;
		this.turn = 0;
		this.queue = '';
		this.isAsking = false;
		/** @type {import('../lib/api.js').Target[]} */
		this.targets = [];
		this.createParts(outlet);
		this.stops = [
			app.store.subscribe('runs', (changed) => this.storeChanged(changed)),
			followList(app.store, 'targets', () => app.api.listTargets(), { onLoad: (targets) => this.showTargets(targets), onFault: () => {} }),
		];
		this.timer = setInterval(() => this.showDurations(), TICK_MS);
		this.showAll();
		void this.search();
		void this.complete();
	}

	unmount() {
		this.isOver = true;
		clearInterval(this.timer);
		this.rows?.stop();
		for (const stop of this.stops) stop();
	}

	/** @param {HTMLElement} outlet */
	createParts(outlet) {
		const changed = () => this.filterChanged();
		const { state, verdict, target, label, text } = this.filter;
		this.inputs = {
			text: h('input', { type: 'search', value: text, placeholder: 'Number, reason, who asked …', 'aria-label': 'Words', oninput: changed }),
			state: createSelect('State', same(STATES), state, changed),
			verdict: createSelect('Verdict', VERDICTS, verdict, changed),
			target: createSelect('Target', {}, target, changed),
			label: h('input', { type: 'text', value: label, placeholder: 'label=value', 'aria-label': 'Label', spellcheck: false, autocomplete: 'off', oninput: changed }),
		};
		// Read out when the filter changes, not whenever a run begins.
		this.count = h('p', { class: 'quiet' });
		const body = h('tbody');
		/** @type {OrderedRows<Row>} */
		this.rows = new OrderedRows(body, { compare: compareIds, create: (id) => this.createRow(id), leave: () => this.inputs?.text.focus() });
		this.table = h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of runs' },
			h('table', { class: 'runs' }, h('caption', { class: 'unseen' }, 'Runs, newest first'),
				h('thead', {}, h('tr', {}, COLUMNS.map((name) => h('th', { scope: 'col' }, name)))), body));
		this.more = h('button', { type: 'button', hidden: true, onclick: () => this.askOlder() }, 'Load older ones');
		this.example = createCurlLine(this.app.api, () => this.describeExample(), 'A run with curl');
		this.empty = h('section', { class: 'empty', hidden: true }, h('h2', {}, 'No runs yet'),
			h('p', {}, 'A run puts a firmware on a board, watches what it prints and says whether it has passed. Begin with ',
				h('a', { href: route('new-run') }, 'a new one'), ', or from a terminal or a pipeline:'),
			this.example.element);
		this.showTargets([]);
		outlet.append(
			h('div', { class: 'heading' }, h('h1', {}, 'Runs'), h('a', { class: 'button primary', href: route('new-run') }, 'New run')),
			h('div', { class: 'filter' }, Object.values(this.inputs), this.count), this.table, this.more, this.empty);
	}

	/** @param {import('../lib/api.js').Target[]} targets */
	showTargets(targets) {
		this.targets = targets;
		const select = this.inputs?.target;
		const known = new Set([...(select?.options ?? [])].map(({ value }) => value));
		select?.append(...targets.filter(({ name }) => !known.has(name)).map(({ name }) => h('option', { value: name }, name)));
		this.example?.update();
	}

	/** @returns {import('../lib/curl.js').CurlRequest} */
	describeExample() {
		const target = this.targets.find(({ available }) => available)?.name ?? SOME_TARGET;
		const query = `target=${encodeURIComponent(target)}&pass=PASSED&fail=FAILED&timeout=60&strict=true`;
		return { url: `${location.origin}/runs?${query}`, file: 'fw.elf' };
	}

	filterChanged() {
		if (!this.inputs) return;
		const { state, verdict, target, label, text } = this.inputs;
		const before = queryOf(this.filter);
		this.filter = { state: state.value, verdict: verdict.value, target: target.value, label: label.value, text: text.value };
		history.replaceState(null, '', route('runs') + writeRunFilter(this.filter));
		this.showAll();
		this.app.notices.announce(this.count?.textContent ?? '');
		if (queryOf(this.filter) === before) return;
		this.isOlderWanted = false;
		void this.search();
	}

	/** What the service finds by the filter, of which the store holds the newest alone. */
	search() {
		this.turn++;
		this.droppedCount = 0;
		this.isSearching = true;
		return this.loadMore(null);
	}

	/** After the newest, where those are on their way. */
	askOlder() {
		this.isOlderWanted = true;
		if (!this.isSearching) void this.loadMore();
	}

	/** @param {string | null} cursor */
	async loadMore(cursor = this.cursor) {
		const { turn } = this;
		const query = new URLSearchParams(queryOf(this.filter));
		query.set('limit', String(PAGE));
		if (cursor !== null) query.set('cursor', cursor);
		try {
			const { runs, next_cursor } = await this.app.api.request('GET', `/v1/runs?${query}`);
			if (this.isOver || turn !== this.turn) return;
			this.take(runs);
			const isFirst = cursor === null;
			if (isFirst) this.older.clear();
			const others = runs.filter((/** @type {Run} */ { id }) => !this.app.store.runs.has(id));
			const isMore = others.some((/** @type {Run} */ { id }) => !this.older.has(id));
			for (const run of others) this.older.set(run.id, run);
			this.cursor = next_cursor;
			if (isFirst) this.isSearching = false;
			// All of a page may be here already: who asks for more gets more.
			if (next_cursor !== null && (isFirst ? this.isOlderWanted : !isMore)) return void (await this.loadMore());
			this.isOlderWanted = false;
			this.showAll();
		} catch (error) {
			if (turn === this.turn) this.isSearching = this.isOlderWanted = false;
			this.fail(error);
		}
	}

	/** @param {unknown} error of asking: a lost connection is told by the page itself */
	fail(error) {
		if (!this.isOver) this.app.notices.failAsking(error);
	}

	/** @param {Set<string>} changed */
	storeChanged(changed) {
		const { runs, dropped } = this.app.store;
		for (const [id, run] of dropped) this.older.set(id, run);
		this.droppedCount += dropped.size;
		if (changed.size === 0) {
			// The connection is back: what is known of older ones may be old too.
			void this.search();
			return;
		}
		if (this.droppedCount > DROPPED_MOST) void this.search();
		for (const id of changed) {
			if (!runs.has(id) && !dropped.has(id)) this.older.delete(id);
			this.showOne(id);
		}
		this.showCount();
		void this.complete();
	}

	/** What events do not tell: labels of new runs and the like; which place in the queue each has when one of them goes. */
	async complete() {
		if (this.isAsking) return;
		this.isAsking = true;
		const { store, api } = this.app;
		try {
			for (;;) {
				const all = [...store.runs.values()];
				const partial = all.filter(isPartial).map(({ id }) => id);
				const queue = all.filter(({ state }) => state === 'queued').map(({ id }) => id).sort(compareIds).join();
				if (this.isOver || (partial.length === 0 && queue === this.queue)) return;
				if (partial.length) await this.takeWhole(partial);
				if (queue && queue !== this.queue) this.take(await api.list('/v1/runs?state=queued', 'runs'));
				this.queue = queue;
			}
		} catch (error) {
			this.fail(error);
		} finally {
			this.isAsking = false;
		}
	}

	/** Of many, those that are not among the newest one by one. @param {string[]} ids */
	async takeWhole(ids) {
		const { store, api } = this.app;
		if (ids.length > FEW) this.take((await api.request('GET', `/v1/runs?limit=${Math.min(1000, ids.length + PAGE)}`)).runs);
		for (const id of ids) {
			const known = store.runs.get(id);
			if (this.isOver) return;
			if (!known || !isPartial(known)) continue;
			try {
				this.take([await api.getRun(id)]);
			} catch (error) {
				if (!(error instanceof Problem) || error.status !== 404) throw error;
				store.deleteRun(id);
			}
		}
	}

	/** @param {Run[]} runs as they were told just now: events tell the rest of those that are known whole */
	take(runs) {
		const { store } = this.app;
		for (const run of runs) {
			const known = store.runs.get(run.id);
			if (known && (isPartial(known) || known.state === 'queued')) store.putRun(mergeRun(known, run));
		}
	}

	/** @param {string} id */
	find(id) {
		return this.app.store.runs.get(id) ?? this.older.get(id);
	}

	showAll() {
		const runs = new Map([...this.older, ...this.app.store.runs]);
		const fitting = [...runs.values()].filter((run) => matchesRun(run, this.filter));
		for (const run of fitting) this.fillRow(this.rows?.get(run.id), run);
		this.rows?.setAll(fitting.map(({ id }) => id));
		this.showCount();
	}

	/** @param {string} id */
	showOne(id) {
		const run = this.find(id);
		if (!run || !matchesRun(run, this.filter)) return this.rows?.remove(id);
		this.fillRow(this.rows?.get(id), run);
		this.rows?.add(id);
	}

	/** @param {string} id @returns {Row} */
	createRow(id) {
		const [why, target, labels, duration, when, actor] = [0, 1, 2, 3, 4, 5].map(() => h('td'));
		const outcome = h('td', { class: 'verdict' });
		why.className = 'why';
		const cancel = h('button', { type: 'button', class: 'danger', 'aria-label': `Cancel run ${id}`, onclick: () => void this.cancel(id) }, 'Cancel');
		/** @type {HTMLButtonElement} */
		const again = h('button', { type: 'button', 'aria-label': `Run again: run ${id}`, onclick: () => void this.rerun(id, again) }, 'Run again');
		const link = h('a', { href: route('runs', id) }, `Run ${id}`);
		const row = h('tr', { 'data-id': id }, h('th', { scope: 'row' }, link), outcome, why, target, labels, duration, when, actor, h('td', {}, cancel, again));
		const parts = { row, link, outcome, why, target, labels, duration, when, actor, cancel, again, run: null };
		this.fillRow(parts, /** @type {Run} */ (this.find(id)));
		return parts;
	}

	/** @param {Row | undefined} row @param {Run} run */
	fillRow(row, run) {
		if (!row || row.run === run) return;
		row.run = run;
		const isEnded = run.state === 'ended';
		setText(row.outcome, tellOutcome(run));
		row.outcome.dataset.state = run.state;
		row.outcome.dataset.verdict = run.verdict ?? '';
		// The emulator's own words say best why a board did not start.
		const words = run.verdict === 'not_started' ? ` ${tellDetail(run)}` : '';
		setText(row.why, isEnded ? tellWhy(run) + words : '');
		row.why.title = run.detail ?? '';
		setText(row.target, run.target);
		fill(row.labels, Object.entries(run.labels).map(([key, value]) => h('span', { class: 'label' }, `${key}=${value}`)));
		fill(row.when, timeElement(run.created_at, formatTime(run.created_at)));
		setText(row.actor, run.actor ?? '');
		if (isEnded && document.activeElement === row.cancel) row.link.focus();
		row.cancel.hidden = isEnded;
		row.again.hidden = !isEnded;
		this.showDuration(row, run);
	}

	/** @param {Row} row @param {Run} run */
	showDuration(row, run) {
		const seconds = durationOf(run, this.app.api.now());
		setText(row.duration, formatDuration(run.state === 'ended' || seconds === null ? seconds : Math.floor(seconds)));
	}

	showDurations() {
		for (const row of this.rows?.made.values() ?? []) if (row.run?.state === 'running') this.showDuration(row, row.run);
	}

	showCount() {
		const { store } = this.app;
		if (!this.count || !this.table || !this.more || !this.empty) return;
		const isNone = store.isLoaded && store.runs.size === 0;
		const shown = this.rows?.ids.length ?? 0;
		setText(this.count, !store.isLoaded ? '' : `${shown} ${shown === 1 ? 'run' : 'runs'}${this.cursor === null ? '' : ', and older ones'}`);
		this.table.hidden = shown === 0;
		this.more.hidden = this.cursor === null;
		this.empty.hidden = !isNone;
	}

	/** @param {string} id */
	cancel(id) {
		return this.act('DELETE', apiPath('runs', id));
	}

	/** @param {string} id @param {HTMLButtonElement} button */
	async rerun(id, button) {
		if (button.ariaDisabled) return;
		setBusy(button, true);
		const run = await this.act('POST', `${apiPath('runs', id, 'rerun')}?detach=true`);
		setBusy(button, false);
		if (run) this.app.notices.tell(`Run ${run.id} repeats run ${id}.`);
	}

	/** @param {string} method @param {string} path @returns {Promise<Run | undefined>} */
	async act(method, path) {
		const { api, store, notices } = this.app;
		try {
			const run = await api.request(method, path);
			store.putRun(mergeRun(store.runs.get(run.id), run));
			return run;
		} catch (error) {
			notices.fail(error);
		}
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new RunsView(outlet, place, app);
	return { title: 'Runs', unmount: () => view.unmount() };
}
