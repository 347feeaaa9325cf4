// What the emulator and its helpers write to stdout and stderr.

import { fill, h, setText } from '../../components/dom.js';
import { followWhileSeen } from '../../components/seen_stream.js';
import { createTabs } from '../../components/tabs.js';
import { apiPath } from '../../lib/api.js';
import { BoundedText } from '../../lib/bounded_text.js';
import { formatBytes } from '../../lib/format.js';
import { createRefresh } from '../../lib/live_list.js';
import { LogStream } from '../../lib/log_stream.js';

const MOST_CHARACTERS = 256 * 1024;

/** @type {Record<import('../../lib/follower.js').FollowStatus, string>} */
const STATUS = {
	connecting: 'Connecting …', live: 'Live', ended: 'The instance has ended: this is all.', lost: 'The connection is lost; trying again.',
	gone: 'There is no such log any more.',
};

/** @param {object} now @param {object} before */
const isOtherList = (now, before) => Object.keys(now).length > 0 && Object.keys(now).join() !== Object.keys(before).join();

class LogsTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../../lib/api.js').Instance} instance
	 * @param {import('../../app.js').App} app
	 */
	constructor(outlet, instance, app) {
		this.app = app;
		this.outlet = outlet;
		this.instance = instance;
		this.process = '';
		this.names = '';
		this.text = new BoundedText(MOST_CHARACTERS);
		/** What came since the last frame. */
		this.pending = '';
		/** What is shown gives way to what comes. */
		this.isOld = false;
		this.frame = 0;
		/** @type {LogStream | null} */
		this.stream = null;
		/** @type {ReturnType<typeof createTabs> | null} */
		this.tabs = null;
		this.status = h('span', { role: 'status', class: 'quiet' });
		this.dropped = h('span', { class: 'quiet' });
		this.download = h('a', { class: 'button', download: '' }, 'Download');
		this.log = h('pre', { class: 'log', tabIndex: 0, role: 'region' });
		this.question = createRefresh(app.store, () => app.api.request('GET', apiPath('instances', instance.id, 'logs')), {
			onLoad: ({ logs }) => this.show(logs.map((/** @type {{process: string}} */ { process }) => process)),
			onFault: (error) => app.notices.failAsking(error),
		});
		this.stopFollowing = followWhileSeen(app.store, () => this.stream);
		this.question.refresh();
	}

	unmount() {
		this.question.stop();
		this.stopFollowing();
		cancelAnimationFrame(this.frame);
		this.stream?.close();
	}

	/** A start begins every log anew, and may have other processes. Without any there may have been no answer. @param {import('../../lib/api.js').Instance} instance */
	update(instance) {
		const isOther = !this.stream || instance.start_number !== this.instance.start_number || isOtherList(instance.processes, this.instance.processes);
		this.instance = instance;
		if (isOther) this.question.refresh();
	}

	/** @param {string[]} names */
	show(names) {
		if (names.length === 0) {
			fill(this.outlet, h('p', {}, 'There are logs once the instance has started.'));
			return;
		}
		const chosen = names.includes(this.process) ? this.process : names[0];
		if (names.join() !== this.names) this.createTabs(names, chosen);
		this.names = names.join();
		this.attach(chosen);
	}

	/**
	 * @param {string[]} names
	 * @param {string} chosen
	 */
	createTabs(names, chosen) {
		this.tabs = createTabs({
			label: 'Processes', names: Object.fromEntries(names.map((name) => [name, name])), chosen, onChoose: (name) => this.attach(name),
		});
		this.tabs.panel.append(h('div', { class: 'tools' }, this.status, this.dropped, this.download), this.log);
		fill(this.outlet, this.tabs.list, this.tabs.panel);
	}

	/** @param {string} process */
	attach(process) {
		this.stream?.close();
		this.process = process;
		this.tabs?.choose(process);
		this.clear();
		fill(this.log);
		setText(this.dropped, '');
		this.log.setAttribute('aria-label', `Log of ${process}`);
		this.download.href = apiPath('instances', this.instance.id, 'logs', process);
		this.download.download = `${this.instance.id}-${process}.txt`;
		this.stream = new LogStream(this.app.api, this.instance.id, process, {
			onBegin: () => this.clear(),
			onText: (text) => this.append(text),
			onStatus: (status) => setText(this.status, STATUS[status]),
		});
		this.stream.setSeen(!document.hidden);
	}

	/** What was shown stays until there is something in its place: who reads it is not moved. */
	clear() {
		this.text.clear();
		this.pending = '';
		this.isOld = true;
	}

	/** Laid out once a frame, however it comes: no more of it waits than is shown. @param {string} text */
	append(text) {
		const pending = this.pending + text;
		this.pending = pending.slice(-MOST_CHARACTERS);
		this.text.dropped += pending.length - this.pending.length;
		this.frame ||= requestAnimationFrame(() => this.flush());
	}

	/** The end stays in view, unless something above it is being read. */
	flush() {
		this.frame = 0;
		if (!this.pending) return;
		const { scrollTop, clientHeight, scrollHeight } = this.log;
		const isAtEnd = scrollTop + clientHeight >= scrollHeight - 4;
		const { texts, drop } = this.text.push(this.pending);
		this.pending = '';
		const { isOld } = this;
		this.isOld = false;
		if (isOld) fill(this.log);
		for (const text of texts) this.log.append(document.createTextNode(text));
		for (let count = 0; count < drop; count++) this.log.firstChild?.remove();
		setText(this.dropped, this.text.dropped > 0 ? `${formatBytes(this.text.dropped)} before this are left out: download all that is kept.` : '');
		if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
		else if (isOld) this.log.scrollTop = scrollTop;
	}
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new LogsTab(outlet, instance, app);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
