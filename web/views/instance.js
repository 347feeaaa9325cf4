// One instance: what it is, what can be done with it, and its tabs.

import { createActionButtons } from '../components/action_buttons.js';
import { confirmAction } from '../components/confirm.js';
import { fill, h, setText } from '../components/dom.js';
import { TabViews } from '../components/tab_views.js';
import { Problem } from '../lib/api.js';
import { ACTIONS_FIT, findReason, tellFault, tellState } from '../lib/instance_state.js';
import { createRefresh } from '../lib/live_list.js';
import { route } from '../lib/routes.js';
import { openStartDialog } from './instance/start_dialog.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {import('../components/tab_views.js').TabView<Instance>} TabView
 */

/** @type {import('../components/tab_views.js').TabSet<Instance>} */
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
		/** @type {Instance | null} */
		this.instance = null;
		/** @type {HTMLDialogElement | null} */
		this.dialog = null;
		/** It was to be deleted: once it is gone the list is shown. */
		this.isLeaving = false;
		this.state = h('span', { class: 'state', role: 'status' });
		this.actions = createActionButtons(Object.keys(ACTIONS_FIT), { onAct: (action) => this.act(action) });
		this.tabs = new TabViews(app, { label: 'Parts of the instance', views: TABS, place, address: (tab) => route('instances', this.id, tab) });
		this.startWith = h('button', { type: 'button', class: 'start-with', disabled: true, onclick: () => this.openStart() }, 'Start with …');
		this.facts = h('p', { class: 'quiet facts' });
		this.words = h('pre', { class: 'words', tabIndex: 0, 'aria-label': 'What went wrong', hidden: true });
		// Shown with what it tells: nothing moves when that comes.
		this.parts = h('div', { hidden: true }, this.words, this.facts, this.tabs.elements);
		outlet.append(
			h('div', { class: 'heading' }, h('h1', {}, this.id, ' ', this.state), h('div', { class: 'actions' }, this.actions.buttons, this.startWith)),
			this.parts);
		// The whole of it, which events do not tell: channels, processes, the command.
		this.question = createRefresh(app.store, () => app.api.getInstance(this.id), {
			onLoad: (instance) => this.show(instance), onFault: (error) => this.failed(error),
		});
		this.stop = app.store.subscribe('instances', (changed) => {
			if (changed.size > 0 && !changed.has(this.id)) return;
			const known = app.store.instances.get(this.id);
			if (this.isLeaving && !known) return this.leave();
			if (this.instance && known) this.showState(known);
			this.question.refresh();
		});
		this.question.refresh();
	}

	unmount() {
		this.question.stop();
		this.stop();
		this.tabs.end();
		this.dialog?.close();
	}

	/** @param {unknown} error */
	failed(error) {
		if (error instanceof Problem && error.status === 404) this.showGone();
		else this.app.notices.failAsking(error);
	}

	/** @param {Instance} instance */
	show(instance) {
		// Another one of the same name has nothing of the one before.
		const isFirst = this.instance?.created_at !== instance.created_at;
		this.instance = instance;
		this.showState(instance);
		const labels = Object.entries(instance.labels).map(([key, value]) => `${key}=${value}`);
		setText(this.facts, [instance.target, instance.emulator, ...labels].join(' · '));
		this.showFault(tellFault(instance) ?? '', instance.emulator);
		this.parts.hidden = false;
		if (isFirst) this.tabs.begin(instance);
		else this.tabs.update(instance);
	}

	/** @param {Instance} instance */
	showState(instance) {
		setText(this.state, tellState(instance));
		this.state.dataset.state = instance.state;
		this.actions.setState(instance.state);
		this.startWith.disabled = !this.startAction(instance.state);
		setText(this.startWith, ACTIONS_FIT.restart(instance.state) ? 'Restart with …' : 'Start with …');
	}

	/** All that the emulator said, and which line of it tells why. @param {string} words @param {string} emulator */
	showFault(words, emulator) {
		this.words.hidden = !words;
		if (this.words.textContent === words) return;
		const reason = findReason(words, emulator);
		const [before, after] = [words.slice(0, words.indexOf(reason)), words.slice(words.indexOf(reason) + reason.length)];
		fill(this.words, before, before || after ? h('strong', {}, reason) : reason, after);
	}

	leave() {
		this.isLeaving = false;
		location.hash = '#/instances';
	}

	showGone() {
		if (this.isLeaving) return this.leave();
		this.instance = null;
		setText(this.state, 'gone');
		this.parts.hidden = false;
		this.actions.setState('');
		this.startWith.disabled = true;
		this.dialog?.close();
		this.tabs.end(h('p', {}, 'There is no instance of this name (any more). ', h('a', { href: '#/instances' }, 'All instances')));
	}

	/** @param {string} state */
	startAction(state) {
		return ACTIONS_FIT.restart(state) ? 'restart' : ACTIONS_FIT.start(state) ? 'start' : null;
	}

	openStart() {
		const action = this.instance && this.startAction(this.instance.state);
		if (this.instance && action) this.dialog = openStartDialog(this.app, this.instance, action);
	}

	/** @param {string} action */
	async act(action) {
		const { api, notices, store } = this.app;
		if (action === 'delete' && !(await confirmAction({
			title: `Delete ${this.id}?`, text: 'What runs is stopped; state and console output are removed.', action: 'Delete',
		}))) return;
		this.isLeaving = action === 'delete';
		try {
			const instance = await api.ask(this.id, action);
			if (instance) store.putInstance(instance);
		} catch (error) {
			this.isLeaving = false;
			notices.fail(error);
			this.question.refresh();
		}
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new InstanceView(outlet, place, app);
	return { title: view.id, unmount: () => view.unmount() };
}
