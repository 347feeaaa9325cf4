// CPU and memory over time, as the stream of events tells them, and what has been used in all.

import { fill, h, setText } from '../../components/dom.js';
import { createUsageChart } from '../../components/usage_chart.js';
import { Problem, apiPath, isUnanswered } from '../../lib/api.js';
import { formatBytes, formatCpu, formatTime } from '../../lib/format.js';
import { createRefresh } from '../../lib/live_list.js';
import { joinSamples, tellSeries, tellTotals, usageSeries } from '../../lib/usage_series.js';

/** What has not changed is not told: the charts go on by themselves. */
const STEP_MS = 2000;
const MIB = 1024 * 1024;
const ROWS = 20;

class UsageTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../../lib/api.js').Instance} instance
	 * @param {import('../../app.js').App} app
	 */
	constructor(outlet, instance, app) {
		this.app = app;
		this.instance = instance;
		/** What has been used is not known, as emud did not answer. */
		this.isMissing = false;
		/** @type {import('../../lib/store.js').Sample[]} */
		this.before = [];
		this.totals = h('p', { class: 'totals', role: 'status' });
		this.since = h('p', { class: 'quiet' }, 'Measured while a dashboard is open; a level stays until another is told.');
		this.cpu = createUsageChart({ name: 'CPU', format: formatCpu, least: 0.1, steps: [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8] });
		this.memory = createUsageChart({
			name: 'Memory', format: formatBytes, least: 16 * MIB, steps: Array.from({ length: 20 }, (_, power) => MIB * 2 ** power),
		});
		this.rows = h('tbody');
		this.table = h('details', { ontoggle: () => this.show() }, h('summary', {}, 'As a table'), h('table', {},
			h('caption', { class: 'unseen' }, 'CPU and memory, newest first'),
			h('thead', {}, h('tr', {}, ['Time', 'CPU', 'Memory'].map((name) => h('th', { scope: 'col' }, name)))), this.rows));
		outlet.append(this.totals, h('h2', {}, 'CPU'), this.cpu.element, h('h2', {}, 'Memory'), this.memory.element, this.since, this.table);
		this.stop = app.store.subscribe('samples', (changed) => {
			if (changed.has(instance.id)) this.show();
		});
		this.timer = setInterval(() => {
			if (!document.hidden) this.show();
		}, STEP_MS);
		this.question = createRefresh(app.store, () => app.api.request('GET', `${apiPath('instances', instance.id, 'usage')}?samples=true`), {
			onLoad: (usage) => this.take(usage), onFault: (error) => this.failed(error),
		});
		this.show();
		this.question.refresh();
	}

	unmount() {
		this.question.stop();
		this.stop();
		clearInterval(this.timer);
		this.cpu.dispose();
		this.memory.dispose();
	}

	/** @param {import('../../lib/api.js').Instance} instance */
	update(instance) {
		const isOther = this.isMissing || instance.state !== this.instance.state || instance.start_number !== this.instance.start_number;
		this.instance = instance;
		if (!isOther) return;
		this.show();
		this.question.refresh();
	}

	/** @param {any} usage */
	take(usage) {
		this.isMissing = false;
		fill(this.totals, tellTotals(usage, this.instance.started_at, this.app.api.now()).map((text) => h('span', {}, text)));
		this.before = usage.samples.map((/** @type {any} */ sample) => ({ ...sample, time: Date.parse(sample.time) }));
		this.show();
	}

	/** @param {unknown} error */
	failed(error) {
		this.isMissing = isUnanswered(error);
		if (error instanceof Problem && error.status === 409) setText(this.totals, error.message);
		else this.app.notices.failAsking(error);
	}

	show() {
		const samples = joinSamples(this.before, this.app.store.samples.get(this.instance.id) ?? []);
		const isLive = ['running', 'paused', 'stopping'].includes(this.instance.state);
		const now = isLive ? this.app.api.now() : 0;
		const cpu = usageSeries(samples, 'cpu', now);
		const memory = usageSeries(samples, 'rss_bytes', now);
		this.cpu.show(cpu, tellSeries('CPU', cpu, formatCpu));
		this.memory.show(memory, tellSeries('Memory', memory, formatBytes));
		if (this.table.open) this.showTable(samples);
	}

	/** @param {import('../../lib/store.js').Sample[]} samples */
	showTable(samples) {
		fill(this.rows, samples.slice(-ROWS).reverse().map(({ time, cpu, rss_bytes: memory }) =>
			h('tr', {}, h('th', { scope: 'row' }, formatTime(new Date(time).toISOString())), h('td', {}, formatCpu(cpu)), h('td', {}, formatBytes(memory)))));
	}
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new UsageTab(outlet, instance, app);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
