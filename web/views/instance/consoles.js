// The consoles of an instance: one terminal each, all of the output from the first kept byte on.

import { copyText } from '../../components/copy_text.js';
import { fill, h, setText } from '../../components/dom.js';
import { createTabs } from '../../components/tabs.js';
import { apiPath } from '../../lib/api.js';
import { ConsoleStream } from '../../lib/stream.js';

/** @typedef {import('../../lib/api.js').Instance} Instance */

const STATUS = {
	connecting: 'Connecting …',
	connected: 'Live',
	ended: 'The instance has ended: this is all it printed.',
	lost: 'The connection is lost; trying again.',
	gone: 'The instance is gone.',
};
const ENDINGS = { lf: '\n', cr: '\r', crlf: '\r\n' };

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
		this.status = h('span', { role: 'status', class: 'quiet' });
		this.echo = h('input', { type: 'checkbox' });
		this.ending = h('select', {}, Object.keys(ENDINGS).map((ending) => h('option', { value: ending }, ending.toUpperCase())));
		this.find = h('input', { type: 'search', placeholder: 'Search the output', 'aria-label': 'Search the output', onkeydown: (/** @type {KeyboardEvent} */ event) => this.search(event) });
		this.found = h('span', { role: 'status', class: 'quiet' });
		this.download = h('a', { class: 'button', download: '' }, 'Download');
		this.screen = h('div', { class: 'screen' });
		void this.begin();
	}

	unmount() {
		this.isOver = true;
		this.stream?.close();
		this.terminal?.dispose();
	}

	/** @param {Instance} instance */
	update(instance) {
		this.instance = instance;
		const names = this.names();
		// One that is starting has none yet: those before it stay until it has.
		if (names.length === 0) return;
		if (names.join() === this.shownNames.join()) this.stream?.noteStart(instance.start_number);
		else void this.begin();
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
		const { createTerminal } = await import('../../components/terminal.js');
		if (this.isOver || this.shownNames !== names) return;
		this.tabs = createTabs({
			label: 'Consoles', names: Object.fromEntries(names.map((name) => [name, name])), chosen: names[0], onChoose: (name) => this.attach(name),
		});
		this.screen.replaceChildren();
		this.tabs.panel.append(this.createTools(), this.screen,
			h('p', { class: 'quiet hint' }, 'Keys go to the board. Shift+Tab leaves the console, Ctrl+Shift+F searches, Ctrl+Shift+C copies what is chosen.'));
		fill(this.outlet, names.length > 1 && this.tabs.list, this.tabs.panel);
		this.terminal = createTerminal(this.screen, {
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
		return h('div', { class: 'tools' }, this.status, this.find, this.found,
			h('label', {}, this.echo, ' Local echo'), h('label', {}, 'Enter sends ', this.ending),
			h('button', { type: 'button', onclick: () => this.copy() }, 'Copy'), this.download);
	}

	/** What is chosen, or all that the terminal holds. */
	async copy() {
		const text = this.terminal?.selectedText() ?? '';
		const isCopied = await copyText(text);
		setText(this.found, isCopied ? `Copied ${text.length} characters.` : 'The browser did not let it be copied.');
	}

	/** @param {string} name */
	attach(name) {
		this.stream?.close();
		this.terminal?.clear();
		this.tabs?.choose(name);
		this.name = name;
		const terminal = this.terminal;
		this.download.href = apiPath('instances', this.instance.id, 'channels', name, 'output');
		this.download.download = `${this.instance.id}-${name}.log`;
		const stream = new ConsoleStream(this.app.api, this.instance.id, name, {
			onBytes: (bytes) => {
				if (terminal?.write(bytes)) stream.pause();
			},
			onGap: (lost) => terminal?.write(`\r\n[${lost} bytes are no longer kept]\r\n`),
			onStart: () => terminal?.clear(),
			onStatus: (status) => setText(this.status, STATUS[status]),
		});
		this.stream = stream;
	}

	/** @param {string} keys */
	send(keys) {
		const ending = ENDINGS[/** @type {keyof typeof ENDINGS} */ (this.ending.value)];
		const text = keys.replaceAll('\r', ending);
		if (this.echo.checked) this.terminal?.write(text.replaceAll(/\r\n|\r|\n/g, '\r\n'));
		this.stream?.send(text);
	}

	/** Enter finds the one above, Shift+Enter the one below: the newest output is at the end. @param {KeyboardEvent} event */
	search(event) {
		if (event.key === 'Escape') this.terminal?.focus();
		if (event.key !== 'Enter' || !this.find.value) return;
		const found = event.shiftKey ? this.terminal?.findNext(this.find.value) : this.terminal?.findPrevious(this.find.value);
		setText(this.found, found ? '' : 'Not found.');
	}
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const tab = new ConsolesTab(outlet, instance, app);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
