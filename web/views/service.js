// The service itself: what an administrator should see to, what is in force, what there is.

import { createCurlLine } from '../components/curl_line.js';
import { fill, h, setText, timeElement } from '../components/dom.js';
import { capital, formatBytes, formatDuration, formatTime } from '../lib/format.js';
import { STATES } from '../lib/instance_state.js';
import { followList } from '../lib/live_list.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../components/dom.js').Child} Child
 */

const DURATIONS = ['kept_events_age', 'kept_runs_age', 'start_timeout', 'stop_timeout'];
const DAY_S = 24 * 3600;
/** Where the key says too little. @type {Record<string, string>} */
const LIMITS = { free_bytes: 'Disk kept free', kept_runs_bytes: 'Output of kept runs' };

/** @param {string} name @param {number} value */
function tellLimit(name, value) {
	if (DURATIONS.includes(name)) return value >= 2 * DAY_S && value % DAY_S === 0 ? `${value / DAY_S} days` : formatDuration(value);
	if (value === 0) return 'none';
	return name.endsWith('_bytes') ? formatBytes(value) : value.toLocaleString();
}

/** @param {string} name */
const words = (name) => LIMITS[name] ?? capital(name.replace(/_bytes$/, '').replaceAll('_', ' '));

/** @param {[string, Child | Child[]][]} facts */
const createFacts = (facts) => h('dl', { class: 'details' }, facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));

/** @param {Iterable<{state: string}>} things @param {string[]} states */
function tellCounts(things, states) {
	const told = [...things].map(({ state }) => state);
	const counts = states.map((state) => [told.filter((other) => other === state).length, state]);
	return counts.filter(([count]) => count).map(([count, state]) => `${count} ${state}`).join(', ') || 'none';
}

/** @param {string[]} lines */
const createLines = (lines) => h('ul', {}, lines.map((line) => h('li', {}, h('code', {}, line))));

class ServiceView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {App} app
	 */
	constructor(outlet, app) {
		this.app = app;
		this.problems = h('section', { 'aria-label': 'Problems' });
		this.facts = h('section', { 'aria-label': 'Facts' });
		this.emulators = h('section', { 'aria-label': 'Emulators' });
		this.limits = h('section', { 'aria-label': 'Limits' });
		this.config = h('div');
		this.instances = h('span');
		this.runs = h('span');
		this.outcome = h('div', { role: 'status' });
		this.reload = h('button', { type: 'button', onclick: () => this.reloadConfiguration() }, 'Reload configuration');
		this.curl = createCurlLine(app.api, () => ({ method: 'POST', url: `${location.origin}/v1/config/reload` }));
		// Shown with what it tells: nothing moves when that comes.
		this.parts = h('div', { hidden: true }, this.problems, this.facts, this.emulators,
			h('section', { 'aria-label': 'Configuration' }, h('h2', {}, 'Configuration'), this.config, h('p', {}, this.reload), this.outcome, this.curl.element),
			this.limits);
		outlet.append(h('div', { class: 'heading' }, h('h1', {}, 'Service')), this.parts);
		const listener = {
			onLoad: (/** @type {any[]} */ [service, version]) => this.show(service, version),
			onFault: (/** @type {unknown} */ error) => app.notices.failAsking(error),
		};
		const load = () => Promise.all([app.api.request('GET', '/v1/service'), app.api.request('GET', '/v1/version')]);
		this.stops = [
			followList(app.store, 'targets', load, listener),
			app.store.subscribe('instances', () => this.showCounts()),
			app.store.subscribe('runs', () => this.showCounts()),
		];
	}

	unmount() {
		for (const stop of this.stops) stop();
	}

	showCounts() {
		setText(this.instances, tellCounts(this.app.store.instances.values(), STATES));
		setText(this.runs, tellCounts(this.app.store.runs.values(), ['queued', 'running']));
	}

	/** @param {any} service @param {any} version */
	show(service, version) {
		this.showCounts();
		fill(this.problems, h('h2', {}, 'Problems'), service.problems.length
			? h('ul', { class: 'danger' }, service.problems.map((/** @type {{detail: string}} */ { detail }) => h('li', {}, detail)))
			: h('p', {}, 'None: all is well.'));
		fill(this.facts, h('h2', {}, 'Now'), createFacts([
			['Version', `emud ${service.version}, API ${version.api_version}`],
			['Up for', timeElement(service.started_at, `${formatDuration(Math.floor(service.uptime))}, since ${formatTime(service.started_at)}`)],
			['Instances', this.instances],
			['Runs under way', this.runs],
			['Listening', `${service.event_listeners} to events, ${service.websockets} WebSockets, ${service.connections} connections`],
			['State directory', h('code', {}, service.state_dir)],
			['Disk', `${formatBytes(service.free_bytes)} of ${formatBytes(service.disk_bytes)} free`],
			['Confinement', tellConfinement(version.confinement)],
			['Offers', version.features.join(', ')],
		]));
		fill(this.emulators, h('h2', {}, 'Emulators'), createFacts(Object.entries(version.emulators).map(([name, found]) =>
			[name, found.available ? found.version ?? 'there' : h('span', { class: 'danger' }, 'not found')])));
		fill(this.limits, h('h2', {}, 'Limits'), createFacts(Object.entries(service.limits).map(([name, value]) => [words(name), tellLimit(name, value)])));
		this.showConfiguration(service.config);
		this.parts.hidden = false;
	}

	/** @param {{path: string | null, loaded_at: string, warnings: string[], refused: {time: string, detail: string, errors: string[]} | null}} config */
	showConfiguration({ path, loaded_at: loadedAt, warnings, refused }) {
		fill(this.config, createFacts([
			['File', path ? h('code', {}, path) : 'none: the bundled targets are served'],
			['Read', timeElement(loadedAt, formatTime(loadedAt))],
			['Warnings', warnings.length ? createLines(warnings) : 'none'],
		]), refused && [
			h('p', { class: 'danger' }, 'What was read last was refused (', timeElement(refused.time, formatTime(refused.time)), '); the one before stays in force: ', refused.detail),
			createLines(refused.errors)]);
	}

	async reloadConfiguration() {
		this.reload.disabled = true;
		try {
			const { warnings } = await this.app.api.request('POST', '/v1/config/reload');
			fill(this.outcome, h('p', {}, warnings.length ? `The new configuration is in force, with ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}.` : 'The new configuration is in force.'));
		} catch (error) {
			fill(this.outcome, h('p', { class: 'danger' }, error instanceof Error ? error.message : String(error)));
		}
		this.reload.disabled = false;
		this.reload.focus();
	}
}

/** @param {{landlock_abi: number | null, seccomp: boolean, cgroup: boolean, namespaces: boolean}} confinement */
function tellConfinement({ landlock_abi: landlock, seccomp, cgroup, namespaces }) {
	const parts = Object.entries({ [`Landlock ${landlock}`]: landlock, seccomp, cgroups: cgroup, namespaces });
	const missing = parts.filter(([, has]) => !has).map(([name]) => name.replace(/ \d+| null$/, ''));
	return parts.filter(([, has]) => has).map(([name]) => name).join(', ') + (missing.length ? `; missing: ${missing.join(', ')}` : '');
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new ServiceView(outlet, app);
	return { title: 'Service', unmount: () => view.unmount() };
}
