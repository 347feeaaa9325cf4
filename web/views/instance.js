// One instance: what it is, what can be done with it, and its tabs.

import { createActionButtons } from '../components/action_buttons.js';
import { confirmAction } from '../components/confirm.js';
import { fill, h, setText } from '../components/dom.js';
import { createTabs } from '../components/tabs.js';
import { Problem } from '../lib/api.js';
import { ACTIONS_FIT, tellState } from '../lib/instance_state.js';
import { route } from '../lib/routes.js';
import { openStartDialog } from './instance/start_dialog.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {{unmount: () => void, update?: (instance: Instance) => void}} Tab
 * @typedef {(outlet: HTMLElement, instance: Instance, app: App) => Tab} TabView
 */

/** @type {Record<string, {name: string, load: () => Promise<{mount: TabView}>}>} */
const TABS = {
	consoles: { name: 'Consoles', load: () => import('./instance/consoles.js') },
	properties: { name: 'Properties', load: () => import('./instance/properties.js') },
	debug: { name: 'Debug', load: () => import('./instance/debug.js') },
	logs: { name: 'Logs', load: () => import('./instance/logs.js') },
	usage: { name: 'Usage', load: () => import('./instance/usage.js') },
	events: { name: 'Events', load: () => import('./instance/events.js') },
	details: { name: 'Details', load: () => import('./instance/details.js') },
};

class InstanceView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		this.app = app;
		this.id = place.parameters.id;
		this.tab = Object.hasOwn(TABS, place.parameters.tab) ? place.parameters.tab : 'consoles';
		/** @type {Instance | null} */
		this.instance = null;
		/** @type {Tab | null} */
		this.shown = null;
		this.isOver = false;
		/** @type {HTMLDialogElement | null} */
		this.dialog = null;
		this.state = h('span', { class: 'state', role: 'status' });
		this.actions = createActionButtons(Object.keys(ACTIONS_FIT), { onAct: (action) => this.act(action) });
		this.tabs = createTabs({
			label: 'Parts of the instance',
			names: Object.fromEntries(Object.entries(TABS).map(([id, { name }]) => [id, name])),
			chosen: this.tab,
			onChoose: (tab) => this.chooseTab(tab),
		});
		this.startWith = h('button', { type: 'button', disabled: true, onclick: () => this.openStart() }, 'Start with …');
		this.facts = h('p', { class: 'quiet facts' });
		outlet.append(
			h('div', { class: 'heading' }, h('h1', {}, this.id, ' ', this.state), h('div', { class: 'actions' }, this.actions.buttons, this.startWith)),
			this.facts, this.tabs.list, this.tabs.panel);
		this.stop = app.store.subscribe('instances', (changed) => {
			if (changed.size === 0 || changed.has(this.id)) void this.refresh();
		});
		void this.refresh();
	}

	unmount() {
		this.isOver = true;
		this.stop();
		this.shown?.unmount();
		this.dialog?.close();
	}

	/** The whole of it, which events do not tell: channels, processes, the command. One question at a time. */
	async refresh() {
		this.isStale = true;
		if (this.isAsking) return;
		this.isAsking = true;
		while (this.isStale && !this.isOver) {
			this.isStale = false;
			try {
				const instance = await this.app.api.getInstance(this.id);
				if (!this.isOver) this.show(instance);
			} catch (error) {
				if (error instanceof Problem && error.status === 404) this.showGone();
				else if (!(error instanceof Problem && error.status === 0)) this.app.notices.fail(error);
			}
		}
		this.isAsking = false;
	}

	/** @param {Instance} instance */
	show(instance) {
		// Another one of the same name has nothing of the one before.
		const isFirst = this.instance?.created_at !== instance.created_at;
		this.instance = instance;
		setText(this.state, tellState(instance));
		this.state.dataset.state = instance.state;
		this.actions.setState(instance.state);
		this.startWith.disabled = !this.startAction(instance.state);
		setText(this.startWith, ACTIONS_FIT.restart(instance.state) ? 'Restart with …' : 'Start with …');
		const labels = Object.entries(instance.labels).map(([key, value]) => `${key}=${value}`);
		setText(this.facts, [instance.target, instance.emulator, ...labels].join(' · '));
		if (isFirst) void this.showTab();
		else this.shown?.update?.(instance);
	}

	showGone() {
		if (this.isOver) return;
		this.shown?.unmount();
		this.shown = null;
		this.instance = null;
		setText(this.state, 'gone');
		this.actions.setState('');
		this.startWith.disabled = true;
		this.dialog?.close();
		fill(this.tabs.panel, h('p', {}, 'There is no instance of this name (any more). ', h('a', { href: '#/instances' }, 'All instances')));
	}

	/** @param {string} state */
	startAction(state) {
		return ACTIONS_FIT.restart(state) ? 'restart' : ACTIONS_FIT.start(state) ? 'start' : null;
	}

	openStart() {
		const action = this.instance && this.startAction(this.instance.state);
		if (this.instance && action) this.dialog = openStartDialog(this.app, this.instance, action);
	}

	/** @param {string} tab */
	chooseTab(tab) {
		this.tab = tab;
		this.tabs.choose(tab);
		history.replaceState(null, '', route('instances', this.id, tab));
		void this.showTab();
	}

	async showTab() {
		const wanted = this.tab;
		const { mount } = await TABS[wanted].load();
		if (this.isOver || !this.instance || wanted !== this.tab) return;
		this.shown?.unmount();
		this.tabs.panel.replaceChildren();
		this.shown = mount(this.tabs.panel, this.instance, this.app);
	}

	/** @param {string} action */
	async act(action) {
		const { api, notices } = this.app;
		if (action === 'delete' && !(await confirmAction({
			title: `Delete ${this.id}?`, text: 'What runs is stopped; state and console output are removed.', action: 'Delete',
		}))) return;
		try {
			// What comes of it, events tell.
			if (action !== 'delete') return void (await api.act(this.id, action));
			await api.deleteInstance(this.id);
			location.hash = '#/instances';
		} catch (error) {
			notices.fail(error);
			void this.refresh();
		}
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new InstanceView(outlet, place, app);
	return { title: view.id, unmount: () => view.unmount() };
}
