// The live console of one chosen instance.

import { element } from '../components/dialogs.js';
import { ConsoleStream } from '../lib/stream.js';

/**
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {ReturnType<typeof import('../components/terminal.js').createTerminal>} Terminal
 */

const STATUS = {
	connecting: 'connecting',
	connected: 'connected',
	ended: 'the instance has ended',
	lost: 'connection lost, trying again',
	gone: 'the instance is gone',
};

export class ConsoleView {
	/** @param {import('../lib/api.js').Api} api */
	constructor(api) {
		this.api = api;
		this.section = element('console', HTMLElement);
		this.title = element('console-title', HTMLElement);
		this.status = element('console-status', HTMLElement);
		this.channels = element('console-channel', HTMLSelectElement);
		/** @type {ConsoleStream | null} */
		this.stream = null;
		/** @type {Terminal | null} */
		this.terminal = null;
		/** @type {string | null} */
		this.id = null;
		this.channels.addEventListener('change', () => this.attach());
	}

	/** @param {Instance} instance */
	async open(instance) {
		this.id = instance.id;
		// By far the largest part of the page: loaded when it is first wanted.
		const { createTerminal } = await import('../components/terminal.js');
		if (this.id !== instance.id) return;
		this.title.textContent = `Console of ${instance.id}`;
		this.section.hidden = false;
		this.terminal ??= createTerminal(element('console-screen', HTMLElement), (keys) => this.stream?.send(keys));
		this.showChannels(instance);
		this.attach();
		this.terminal.focus();
	}

	close() {
		this.stream?.close();
		this.stream = null;
		this.id = null;
		this.section.hidden = true;
	}

	/** What the list tells: the instance may have started again, or be gone. @param {Instance[]} instances */
	async follow(instances) {
		if (this.id === null) return;
		const instance = instances.find(({ id }) => id === this.id);
		if (!instance) this.close();
		else if (this.channels.options.length === 0) await this.open(instance);
		else this.stream?.noteStart(instance.start_number);
	}

	/** @param {Instance} instance */
	showChannels(instance) {
		const names = Object.keys(instance.channels).filter((name) => instance.channels[name].kind === 'console');
		const chosen = this.channels.value;
		this.channels.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
	}

	attach() {
		this.stream?.close();
		this.stream = null;
		this.terminal?.clear();
		if (this.id === null || !this.channels.value) {
			this.status.textContent = 'no console yet';
			return;
		}
		const terminal = this.terminal;
		this.stream = new ConsoleStream(this.api, this.id, this.channels.value, {
			onBytes: (bytes) => terminal?.write(bytes),
			onGap: (lost) => terminal?.write(`\r\n[${lost} bytes are no longer kept]\r\n`),
			onStart: () => terminal?.clear(),
			onStatus: (status) => (this.status.textContent = STATUS[status]),
		});
	}
}
