// What the emulator and its helpers write to stdout and stderr.

import { fill, h, setText } from '../../components/dom.js';
import { createTabs } from '../../components/tabs.js';
import { apiPath } from '../../lib/api.js';
import { BoundedText } from '../../lib/bounded_text.js';
import { formatBytes } from '../../lib/format.js';
import { LogStream } from '../../lib/log_stream.js';

const MOST_CHARACTERS = 256 * 1024;

/** @type {Record<import('../../lib/log_stream.js').LogStatus, string>} */
const STATUS = {
	connecting: 'Connecting …', connected: 'Live', ended: 'The instance has ended: this is all.', lost: 'The connection is lost; trying again.',
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
		this.isOver = false;
		this.text = new BoundedText(MOST_CHARACTERS);
		/** What came since the last frame. */
		this.pending = '';
		this.frame = 0;
		/** @type {LogStream | null} */
		this.stream = null;
		/** @type {ReturnType<typeof createTabs> | null} */
		this.tabs = null;
		this.status = h('span', { role: 'status', class: 'quiet' });
		this.dropped = h('span', { class: 'quiet' });
		this.download = h('a', { class: 'button', download: '' }, 'Download');
		this.log = h('pre', { class: 'log', tabIndex: 0, role: 'region' });
		void this.load();
	}

	unmount() {
		this.isOver = true;
		cancelAnimationFrame(this.frame);
		this.stream?.close();
	}

	/** A start begins every log anew, and may have other processes. @param {import('../../lib/api.js').Instance} instance */
	update(instance) {
		const isOther = instance.start_number !== this.instance.start_number || isOtherList(instance.processes, this.instance.processes);
		this.instance = instance;
		if (isOther) void this.load();
	}

	async load() {
		try {
			const { logs } = await this.app.api.request('GET', apiPath('instances', this.instance.id, 'logs'));
			if (!this.isOver) this.show(logs.map((/** @type {{process: string}} */ { process }) => process));
		} catch (error) {
			if (!this.isOver) this.app.notices.fail(error);
		}
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
		this.log.setAttribute('aria-label', `Log of ${process}`);
		this.download.href = apiPath('instances', this.instance.id, 'logs', process);
		this.download.download = `${this.instance.id}-${process}.txt`;
		this.stream = new LogStream(this.app.api, this.instance.id, process, {
			onBegin: () => this.clear(),
			onText: (text) => this.append(text),
			onStatus: (status) => setText(this.status, STATUS[status]),
		});
	}

	clear() {
		this.text.clear();
		this.pending = '';
		fill(this.log);
		setText(this.dropped, '');
	}

	/** Laid out once a frame, however it comes; in a tab that nobody sees no more of it waits than is shown. @param {string} text */
	append(text) {
		const pending = this.pending + text;
		this.pending = pending.slice(-MOST_CHARACTERS);
		this.text.dropped += pending.length - this.pending.length;
		this.frame ||= requestAnimationFrame(() => this.flush());
	}

	/** The end stays in view, unless something above it is being read. */
	flush() {
		this.frame = 0;
		const isAtEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 4;
		const { texts, drop } = this.text.push(this.pending);
		this.pending = '';
		for (const text of texts) this.log.append(document.createTextNode(text));
		for (let count = 0; count < drop; count++) this.log.firstChild?.remove();
		if (this.text.dropped > 0) setText(this.dropped, `${formatBytes(this.text.dropped)} before this are left out: download all that is kept.`);
		if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
	}
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new LogsTab(outlet, instance, app);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
