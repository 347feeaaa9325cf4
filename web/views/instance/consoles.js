// The consoles of an instance in a terminal: all of the output, or the newest of much and the pages before it.

import { copyText } from '../../components/copy_text.js';
import { fill, h, setText } from '../../components/dom.js';
import { createTabs } from '../../components/tabs.js';
import { outputPath } from '../../lib/console_output.js';
import { localEcho } from '../../lib/local_echo.js';
import { ConsoleStream } from '../../lib/stream.js';
import { ConsoleHistory } from './console_history.js';

/** @typedef {import('../../lib/api.js').Instance} Instance */

const STATUS = {
	connecting: 'Connecting …',
	connected: 'Live',
	ended: 'The instance has ended: this is all it printed.',
	silent: 'emud does not answer: what is typed now is not sent.',
	lost: 'The connection is lost; trying again. What is typed now is not sent.',
	failed: 'The instance has failed: this is all it printed.',
	gone: 'The instance is gone.',
};
const ENDINGS = { lf: '\n', cr: '\r', crlf: '\r\n' };

/** @param {number} count @param {string} [kind] */
const tellCharacters = (count, kind = '') => `${count} ${kind}character${count === 1 ? '' : 's'}`;

class ConsolesTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {Instance} instance
	 * @param {import('../../app.js').App} app
	 */
	constructor(outlet, instance, app) {
		this.app = app;
		this.outlet = outlet;
		this.instance = instance;
		this.name = '';
		/** @type {string[]} */
		this.shownNames = [];
		/** @type {ConsoleStream | null} */
		this.stream = null;
		/** @type {ReturnType<typeof import('../../components/terminal.js').createTerminal> | null} */
		this.terminal = null;
		this.isOver = false;
		this.unsentCount = 0;
		/** What was not sent is told until something is. */
		this.isUnsentTold = false;
		this.history = new ConsoleHistory(app.api, {
			onPage: (page) => this.showPage(page),
			onNewest: () => this.attach(this.name),
			onError: (error) => app.notices.fail(error),
			onKept: (isKept) => this.noteKept(isKept),
		});
		// The page's stream of events knows first of a network that has fallen silent, and that it is back.
		this.stops = [
			app.store.subscribe('connection', () => app.store.connection === 'lost' && this.stream?.doubt()),
			app.store.subscribe('returned', () => this.stream?.renew()),
		];
		this.status = h('span', { role: 'status', class: 'quiet' });
		this.echo = h('input', { type: 'checkbox' });
		this.ending = h('select', {}, Object.keys(ENDINGS).map((ending) => h('option', { value: ending }, ending.toUpperCase())));
		this.find = h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search the output', onkeydown: (/** @type {KeyboardEvent} */ event) => this.search(event) });
		this.found = h('span', { role: 'status', class: 'quiet' });
		this.download = h('a', { class: 'button', download: '' }, 'Download');
		this.screen = h('div', { class: 'screen' });
		void this.begin();
	}

	unmount() {
		this.isOver = true;
		for (const stop of this.stops) stop();
		this.history.cancel();
		this.stream?.close();
		this.terminal?.dispose();
	}

	/** @param {Instance} instance */
	update(instance) {
		this.instance = instance;
		const names = this.names();
		// One that is starting has none yet: those before it stay until it has.
		if (names.length === 0) return;
		if (names.join() !== this.shownNames.join()) return void this.begin();
		this.stream?.noteStart(instance.start_number);
		if (!this.stream) this.history.noteStart(instance.start_number);
	}

	names() {
		return Object.keys(this.instance.channels).filter((name) => this.instance.channels[name].kind === 'console');
	}

	async begin() {
		const names = this.names();
		this.shownNames = names;
		this.stream?.close();
		this.terminal?.dispose();
		this.terminal = null;
		if (names.length === 0) {
			fill(this.outlet, h('p', {}, 'The consoles of an instance are known once it has started.'));
			return;
		}
		// By far the largest part of the page: loaded when it is first wanted.
		const module = await import('../../components/terminal.js').catch(() => null);
		if (this.isOver || this.shownNames !== names) return;
		if (!module) return fill(this.outlet, h('p', { role: 'alert' }, this.app.beginAnew()));
		this.tabs = createTabs({
			label: 'Consoles', names: Object.fromEntries(names.map((name) => [name, name])), chosen: names[0], onChoose: (name) => this.attach(name),
		});
		this.screen.replaceChildren();
		this.tabs.panel.append(this.createTools(), h('div', { class: 'said' }, this.status, this.found), this.screen,
			h('p', { class: 'quiet hint' }, 'Keys go to the board. Shift+Tab leaves the console, Ctrl+Shift+F searches what is here, Ctrl+Shift+C copies what is chosen, Ctrl+Shift+V pastes.'));
		fill(this.outlet, names.length > 1 && this.tabs.list, this.tabs.panel);
		this.terminal = module.createTerminal(this.screen, {
			onKeys: (keys) => this.send(keys),
			onSearch: () => this.find.focus(),
			onCopy: () => void this.copy(),
			onDrained: () => this.stream?.resume(),
		});
		this.attach(names[0]);
		// Who moves through the tabs by arrow key stays there.
		if (!document.activeElement?.closest('[role="tab"]')) this.terminal.focus();
	}

	createTools() {
		return h('div', { class: 'tools console-tools' }, this.find, this.history.start, this.history.element,
			h('label', {}, this.echo, ' Local echo'), h('label', {}, 'Enter sends ', this.ending),
			h('button', { type: 'button', onclick: () => this.copy() }, 'Copy'),
			h('button', { type: 'button', title: 'Back to the normal screen, without mouse and colours', onclick: () => this.makeSane() }, 'Reset terminal'), this.download);
	}

	makeSane() {
		this.terminal?.makeSane();
		this.terminal?.focus();
	}

	/** What is chosen, or all that the terminal holds. */
	async copy() {
		const text = this.terminal?.selectedText() ?? '';
		const isCopied = await copyText(text);
		setText(this.found, isCopied ? `Copied ${text.length} characters.` : 'The browser did not let it be copied.');
	}

	/** The newest output, and what comes. @param {string} name */
	attach(name) {
		this.stream?.close();
		this.terminal?.clear();
		this.tabs?.choose(name);
		this.name = name;
		const terminal = this.terminal;
		const path = outputPath(this.instance.id, name);
		this.history.open(path);
		this.offerDownload(path, '');
		const stream = new ConsoleStream(this.app.api, this.instance.id, name, {
			onBytes: (bytes, isNew) => {
				if (terminal?.write(bytes, isNew)) stream.pause();
			},
			onGap: (lost) => terminal?.write(`\r\n[${lost} bytes are no longer kept]\r\n`),
			onBegin: (startNumber, offset) => {
				terminal?.clear();
				if (offset > 0) terminal?.write(`[${offset.toLocaleString()} bytes come before this: First and Earlier show them]\r\n`);
				this.history.begin(startNumber, offset);
			},
			onStatus: (status, unheard) => this.tellStatus(status, unheard),
			onUnsent: (text) => this.tellUnsent(text),
		});
		this.stream = stream;
	}

	/** @param {boolean} isKept */
	noteKept(isKept) {
		if (this.stream || isKept) return;
		this.download.removeAttribute('href');
		setText(this.status, 'emud keeps the output of this start no more: what is here can be copied. Typing shows the newest.');
	}

	/** @param {string} address @param {string} which part of its name */
	offerDownload(address, which) {
		this.download.href = address;
		this.download.download = `${this.instance.id}-${this.name}${which}.log`;
	}

	/** @param {import('../../lib/stream.js').StreamStatus} status @param {number} unheard */
	tellStatus(status, unheard) {
		const doubt = status === 'silent' && unheard > 0 ? ` Of what was typed before, ${unheard} may not have arrived.` : '';
		setText(this.status, STATUS[status] + doubt);
		if (status !== 'connected' || this.unsentCount === 0) return;
		setText(this.found, `${tellCharacters(this.unsentCount)} typed before ${this.unsentCount === 1 ? 'was' : 'were'} not sent.`);
		this.unsentCount = 0;
		this.isUnsentTold = true;
	}

	/** @param {string} text */
	tellUnsent(text) {
		this.unsentCount += text.length;
		setText(this.found, `Not sent: ${tellCharacters(this.unsentCount, 'typed ')}.`);
	}

	/** @param {import('./console_history.js').HistoryPage} page */
	showPage({ startNumber, bytes, from, to, firstOffset, isBefore }) {
		this.stream?.close();
		this.stream = null;
		this.terminal?.clear();
		if (from === firstOffset && from > 0) this.terminal?.write(`[${from.toLocaleString()} bytes before this are no longer kept]\r\n`);
		this.terminal?.write(bytes);
		if (!isBefore) this.terminal?.scrollToTop();
		// Who pages in the latest start may see it become an earlier one.
		this.offerDownload(`${outputPath(this.instance.id, this.name)}?start_number=${startNumber}`, `-start${startNumber}`);
		setText(this.status, `Start ${startNumber}, bytes ${from.toLocaleString()} to ${to.toLocaleString()}. Typing shows the newest.`);
	}

	/** @param {string} keys */
	send(keys) {
		if (!this.stream) this.attach(this.name);
		const ending = ENDINGS[/** @type {keyof typeof ENDINGS} */ (this.ending.value)];
		const text = keys.replaceAll('\r', ending);
		if (!this.stream?.send(text)) return;
		if (this.isUnsentTold) setText(this.found, '');
		this.isUnsentTold = false;
		if (this.echo.checked) this.terminal?.write(localEcho(text));
	}

	/** Enter finds the one above, Shift+Enter the one below: the newest output is at the end. @param {KeyboardEvent} event */
	search(event) {
		if (event.key === 'Escape') this.terminal?.focus();
		if (event.key !== 'Enter' || !this.find.value) return;
		const found = event.shiftKey ? this.terminal?.findNext(this.find.value) : this.terminal?.findPrevious(this.find.value);
		setText(this.found, found ? '' : 'Not found in what is here.');
	}
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new ConsolesTab(outlet, instance, app);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
