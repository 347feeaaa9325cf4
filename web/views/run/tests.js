// The test cases that a run's output tells of.

import { fill, h, setText } from '../../components/dom.js';
import { formatDuration } from '../../lib/format.js';
import { route } from '../../lib/routes.js';

/**
 * @typedef {import('../../lib/api.js').Run} Run
 * @typedef {import('../../lib/api.js').TestCase} TestCase
 */

/** More on demand: an output may tell of very many. */
const SHOWN_AT_ONCE = 500;

/** @param {TestCase} test */
function createRow({ suite, name, result, duration, message }) {
	const [line] = (message ?? '').split('\n');
	return h('tr', {}, h('td', {}, suite), h('th', { scope: 'row' }, name), h('td', { class: 'result', 'data-result': result }, result),
		h('td', {}, formatDuration(duration)),
		h('td', {}, message && h('details', {}, h('summary', {}, line || 'Message'), h('pre', { tabIndex: 0, 'aria-label': `Message of ${name}` }, message))));
}

class TestsTab {
	/** @param {HTMLElement} outlet @param {Run} run @param {URLSearchParams} query q: words; failed: those alone */
	constructor(outlet, run, query) {
		this.outlet = outlet;
		this.shown = SHOWN_AT_ONCE;
		this.failed = h('input', { type: 'checkbox', checked: query.has('failed'), onchange: () => this.filterChanged() });
		this.words = h('input', {
			type: 'search', value: query.get('q') ?? '', placeholder: 'Suite or name', 'aria-label': 'Filter test cases', oninput: () => this.filterChanged(),
		});
		this.count = h('p', { role: 'status', class: 'quiet' });
		this.body = h('tbody');
		this.more = h('button', { type: 'button', onclick: () => this.showMore() }, 'Show more');
		this.run = run;
		this.show();
	}

	/** @param {Run} run */
	update(run) {
		const wasEnded = this.run.state === 'ended';
		this.run = run;
		if (!wasEnded) this.show();
	}

	show() {
		const { state, tests = [] } = this.run;
		if (tests.length === 0) {
			fill(this.outlet, h('p', {}, state === 'ended'
				? 'Its output tells of no test cases. Those of pw_unit_test, GoogleTest, Unity, Zephyr’s ztest and TAP are known.'
				: 'The test cases are told when it has ended.'));
			return;
		}
		fill(this.outlet,
			h('div', { class: 'filter' }, this.words, h('label', { class: 'check' }, this.failed, ' Failed only'), this.count),
			h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of test cases' },
				h('table', { class: 'tests' }, h('caption', { class: 'unseen' }, 'Test cases'),
					h('thead', {}, h('tr', {}, ['Suite', 'Name', 'Result', 'Duration', 'Message'].map((name) => h('th', { scope: 'col' }, name)))), this.body)),
			this.more);
		this.fillRows();
	}

	/** The address leads to the same ones. */
	filterChanged() {
		const query = new URLSearchParams({ ...(this.words.value && { q: this.words.value }), ...(this.failed.checked && { failed: 'true' }) });
		history.replaceState(null, '', `${route('runs', this.run.id, 'tests')}${query.size ? `?${query}` : ''}`);
		this.shown = SHOWN_AT_ONCE;
		this.fillRows();
	}

	showMore() {
		this.shown += SHOWN_AT_ONCE;
		this.fillRows();
	}

	fillRows() {
		const { tests = [], test_counts = {} } = this.run;
		const words = this.words.value.toLowerCase().split(/\s+/);
		const fitting = tests.filter(({ suite, name, result }) =>
			(!this.failed.checked || result === 'failed' || result === 'error') && words.every((word) => `${suite} ${name}`.toLowerCase().includes(word)));
		fill(this.body, fitting.slice(0, this.shown).map(createRow));
		this.more.hidden = fitting.length <= this.shown;
		const counts = Object.entries(test_counts).filter(([, count]) => count > 0).map(([result, count]) => `${count} ${result}`).join(', ');
		setText(this.count, fitting.length === tests.length ? counts : `${fitting.length} of ${tests.length} (${counts})`);
	}
}

/** @type {import('../run.js').TabView} */
export function mount(outlet, run, app, query) {
	const tab = new TestsTab(outlet, run, query);
	return { unmount() {}, update: (now) => tab.update(now) };
}
