// One run: what came of it and why, and its tabs.

import { fill, h, setText, timeElement } from '../components/dom.js';
import { TabViews } from '../components/tab_views.js';
import { Problem, apiPath } from '../lib/api.js';
import { formatDuration, formatTime } from '../lib/format.js';
import { createRefresh } from '../lib/live_list.js';
import { route } from '../lib/routes.js';
import { mergeRun } from '../lib/run_list.js';
import { durationOf, tellDetail, tellOutcome, tellWhy } from '../lib/run_words.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Run} Run
 * @typedef {import('../components/tab_views.js').TabView<Run>} TabView
 */

/** @type {import('../components/tab_views.js').TabSet<Run>} */
const TABS = {
	output: { name: 'Output', load: () => import('./run/output.js') },
	tests: { name: 'Tests', load: () => import('./run/tests.js') },
	details: { name: 'Details', load: () => import('./run/details.js') },
	events: { name: 'Events', load: () => import('./run/events.js') },
};
const TICK_MS = 1000;

class RunView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		this.app = app;
		this.id = place.parameters.id;
		/** @type {Run | null} */
		this.run = null;
		this.isOver = false;
		this.outcome = h('span', { class: 'verdict', role: 'status' });
		this.reason = h('span');
		this.failedTests = h('a', { href: `${route('runs', this.id, 'tests')}?failed=true`, hidden: true });
		this.why = h('p', { class: 'why' }, this.reason, ' ', this.failedTests);
		this.words = h('pre', { class: 'words', tabIndex: 0, 'aria-label': 'What is told of it', hidden: true });
		this.elapsed = h('span');
		this.facts = h('p', { class: 'quiet facts' });
		this.tabs = new TabViews(app, { label: 'Parts of the run', views: TABS, place, address: (tab) => route('runs', this.id, tab) });
		// Shown with what it tells: nothing moves when that comes.
		this.parts = h('div', { hidden: true }, this.why, this.words, this.facts, this.tabs.elements);
		outlet.append(h('div', { class: 'heading' }, h('h1', {}, `Run ${this.id} `, this.outcome), this.createActions()), this.parts);
		// The whole of it, which events do not tell.
		this.question = createRefresh(app.store, () => app.api.getRun(this.id), { onLoad: (run) => this.show(run), onFault: (error) => this.failed(error) });
		this.stop = app.store.subscribe('runs', (changed) => {
			// Any run that goes gives the others another place in the queue.
			if (changed.size === 0 || changed.has(this.id) || this.run?.state === 'queued') this.question.refresh();
		});
		this.timer = setInterval(() => this.showElapsed(), TICK_MS);
		this.question.refresh();
	}

	unmount() {
		this.isOver = true;
		this.question.stop();
		this.stop();
		clearInterval(this.timer);
		this.tabs.end();
	}

	/** @param {unknown} error */
	failed(error) {
		if (error instanceof Problem && [400, 404].includes(error.status)) this.showGone();
		else this.app.notices.failAsking(error);
	}

	createActions() {
		/** @param {string} name */
		const link = (name) => h('a', { class: 'button', hidden: true }, name);
		this.board = link('Its board');
		this.junit = link('JUnit');
		this.junit.href = apiPath('runs', this.id, 'junit');
		this.junit.download = `run-${this.id}.xml`;
		this.edit = link('Edit and run again');
		this.edit.href = `${route('new-run')}?from=${encodeURIComponent(this.id)}`;
		this.cancel = h('button', { type: 'button', class: 'danger', hidden: true, onclick: () => this.act(() => this.app.api.request('DELETE', apiPath('runs', this.id))) }, 'Cancel');
		this.again = h('button', { type: 'button', class: 'primary', disabled: true, onclick: () => this.rerun() }, 'Run again');
		this.actions = h('div', { class: 'actions', hidden: true }, this.board, this.junit, this.cancel, this.edit, this.again);
		return this.actions;
	}

	/** A second click on what is on its way already makes no other run. */
	async rerun() {
		const { again } = this;
		if (!again || again.getAttribute('aria-disabled')) return;
		again.setAttribute('aria-disabled', 'true');
		const run = await this.act(() => this.app.api.request('POST', `${apiPath('runs', this.id, 'rerun')}?detach=true`));
		if (!run) again.removeAttribute('aria-disabled');
		else if (!this.isOver) location.hash = route('runs', run.id);
	}

	/** @param {() => Promise<Run>} action @returns {Promise<Run | undefined>} */
	async act(action) {
		const { store, notices } = this.app;
		try {
			const run = await action();
			store.putRun(mergeRun(store.runs.get(run.id), run));
			return run;
		} catch (error) {
			notices.fail(error);
		}
	}

	/** @param {Run} run */
	show(run) {
		// Another one of the same number, as after a new beginning of the service, has nothing of the one before.
		const isFirst = this.run?.created_at !== run.created_at;
		this.run = run;
		const isEnded = run.state === 'ended';
		setText(this.outcome, tellOutcome(run));
		document.title = `Run ${this.id}: ${tellOutcome(run)} – emud`;
		this.outcome.dataset[isEnded ? 'verdict' : 'state'] = isEnded ? run.verdict ?? '' : run.state;
		setText(this.reason, tellWhy(run));
		this.showFailedTests(run);
		setText(this.words, tellDetail(run));
		this.words.hidden = !this.words.textContent;
		this.showFacts(run);
		this.showActions(run);
		this.parts.hidden = false;
		if (isFirst) this.tabs.begin(run);
		else this.tabs.update(run);
	}

	/** @param {Run} run */
	showFailedTests({ test_counts: { failed = 0, error = 0 } = {}, tests = [] }) {
		this.failedTests.hidden = failed + error === 0;
		setText(this.failedTests, `${failed + error} of ${tests.length} test cases failed.`);
	}

	/** @param {Run} run */
	showFacts(run) {
		const { target, labels, actor, rerun_of, created_at, started_at, ended_at } = run;
		/** @param {string} word @param {string | null} time */
		const moment = (word, time) => time && h('span', {}, `${word} `, timeElement(time, formatTime(time)));
		fill(this.facts, [
			h('span', {}, target), ...Object.entries(labels).map(([key, value]) => h('span', { class: 'label' }, `${key}=${value}`)),
			h('span', {}, `asked for by ${actor ?? 'nobody known'}`),
			rerun_of && h('span', {}, 'repeats ', h('a', { href: route('runs', rerun_of) }, `run ${rerun_of}`)),
			moment('came', created_at), moment('started', started_at), moment('ended', ended_at), this.elapsed,
		]);
		this.showElapsed();
	}

	showElapsed() {
		if (!this.run) return;
		const seconds = durationOf(this.run, this.app.api.now());
		const isEnded = this.run.state === 'ended';
		setText(this.elapsed, seconds === null ? '' : isEnded ? `took ${formatDuration(seconds)}` : `for ${formatDuration(Math.floor(seconds))}`);
	}

	/** @param {Run} run */
	showActions({ state, instance }) {
		const isEnded = state === 'ended';
		if (this.actions) this.actions.hidden = false;
		if (this.board) {
			this.board.hidden = !instance || isEnded;
			if (instance) this.board.href = route('instances', instance);
		}
		if (this.junit) this.junit.hidden = !isEnded;
		if (this.edit) this.edit.hidden = false;
		if (this.cancel) this.cancel.hidden = isEnded;
		if (this.again) this.again.disabled = false;
	}

	showGone() {
		this.run = null;
		setText(this.outcome, 'gone');
		this.parts.hidden = false;
		this.failedTests.hidden = true;
		setText(this.reason, 'There is no run of this number, or it is no longer kept.');
		this.tabs.end(h('p', {}, h('a', { href: '#/runs' }, 'All runs')));
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new RunView(outlet, place, app);
	return { title: `Run ${view.id}`, unmount: () => view.unmount() };
}
