// gdb commands for the board, and what gdb answered.

import { createCurlLine } from '../../components/curl_line.js';
import { h, setText } from '../../components/dom.js';
import { createCheck, createField, showFaults } from '../../components/field.js';
import { Problem, apiPath } from '../../lib/api.js';
import { formatDuration } from '../../lib/format.js';
import { History, readCommands } from '../../lib/gdb_session.js';

/**
 * @typedef {import('../../lib/api.js').Instance} Instance
 * @typedef {{exit_code?: number, stdout?: string, stderr?: string}} GdbResult exit_code: none where it had to be ended
 */

const RESULTS_KEPT = 50;
/** Of all of them: one alone may be longer. */
const RESULT_CHARACTERS_KEPT = 4 * 1024 * 1024;
const TIMEOUT_S = 30;

/** It may outlive the view that shows it: what was asked then is answered there. */
export class GdbForm {
	/**
	 * @param {import('../../app.js').App} app
	 * @param {Instance} instance
	 */
	constructor(app, instance) {
		this.app = app;
		this.id = instance.id;
		this.history = new History();
		this.isAsking = false;
		/** Where the commands that were run stood. @type {number[]} */
		this.lines = [];
		const changed = () => this.curl.update();
		this.commands = h('textarea', { rows: 3, spellcheck: false, placeholder: 'info registers pc', oninput: changed, onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event) });
		/** The symbols of what the board runs. */
		this.image = '';
		this.executable = h('input', { type: 'text', spellcheck: false, autocomplete: 'off', oninput: changed });
		this.paused = h('input', { type: 'checkbox', onchange: changed });
		this.timeout = h('input', { type: 'number', min: '1', max: '3600', value: String(TIMEOUT_S), oninput: changed });
		this.fields = this.createFields();
		this.curl = createCurlLine(app.api, () => this.describe());
		this.button = h('button', { class: 'primary' }, 'Run');
		this.fault = h('p', { class: 'danger', role: 'alert' });
		this.status = h('span', { role: 'status', class: 'quiet' });
		this.results = h('ol', { class: 'results', reversed: true, 'aria-label': 'Answers of gdb, newest first' });
		this.element = this.createForm();
	}

	/** What gdb answered stands where it is seen at once. */
	createForm() {
		const { commands, executable, paused, timeout } = this.fields;
		return h('form', { class: 'sheet gdb', noValidate: true, 'aria-label': 'gdb commands', onsubmit: (/** @type {Event} */ event) => this.submit(event) },
			commands.element, executable.element, this.fault,
			h('div', { class: 'last' }, paused.element, timeout.element, this.button, this.status),
			this.results,
			h('div', {}, h('p', { class: 'quiet' }, 'The same with curl'), this.curl.element));
	}

	/** By the API's names. */
	createFields() {
		return {
			commands: createField({
				label: 'gdb commands', control: this.commands, hint: 'One a line. Ctrl+Enter runs them; the arrow keys bring back those of before.',
				tell: ({ detail, place }) => (place ? `Line ${this.lines[Number(place)]}: ${detail}` : detail),
			}),
			executable: createField({ label: 'Symbols', control: this.executable, hint: 'A path on the server, or sha256:… of a stored file; empty: none.' }),
			paused: createCheck({ label: 'Leave the board standing still', control: this.paused }),
			timeout: createField({ label: 'At most, in seconds', control: this.timeout }),
		};
	}

	/** As it was made: nothing is lost with it. */
	get isUnused() {
		const { commands, timeout, executable, paused, results } = this;
		const isAsItWas = !commands.value && timeout.value === String(TIMEOUT_S) && executable.value === this.image && !paused.checked;
		return isAsItWas && !this.isAsking && results.children.length === 0;
	}

	/** @param {boolean} isLive */
	setLive(isLive) {
		this.button.disabled = !isLive;
	}

	/** Its symbols are taken, unless others were asked for. @param {string | null} file what the board runs, as the API names it */
	setImage(file) {
		const isTaken = this.executable.value === this.image;
		this.image = file ?? '';
		if (!isTaken || this.executable.value === this.image) return;
		this.executable.value = this.image;
		this.curl.update();
	}

	/** Only what differs from the defaults. */
	makeRequest() {
		const executable = this.executable.value.trim();
		const timeout = Number(this.timeout.value);
		return {
			commands: readCommands(this.commands.value).commands,
			...(executable && { executable }),
			...(this.paused.checked && { paused: true }),
			...(this.timeout.value !== '' && timeout !== TIMEOUT_S && { timeout }),
		};
	}

	url() {
		return apiPath('instances', this.id, 'gdb');
	}

	/** @returns {import('../../lib/curl.js').CurlRequest} */
	describe() {
		return { url: location.origin + this.url(), json: this.makeRequest() };
	}

	/** @param {KeyboardEvent} event */
	press(event) {
		if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
			event.preventDefault();
			this.commands.form?.requestSubmit();
			return;
		}
		const { value, selectionStart } = this.commands;
		const isFirst = !value.slice(0, selectionStart).includes('\n');
		const isLast = !value.slice(selectionStart).includes('\n');
		const step = event.key === 'ArrowUp' && isFirst ? -1 : event.key === 'ArrowDown' && isLast ? 1 : 0;
		const text = step && this.history.move(step, value);
		if (typeof text !== 'string') return;
		event.preventDefault();
		this.fillIn(text);
	}

	/** @param {string} text */
	fillIn(text) {
		this.commands.value = text;
		this.curl.update();
	}

	/** @param {Event} event */
	async submit(event) {
		event.preventDefault();
		if (this.isAsking || this.button.disabled) return;
		const request = this.makeRequest();
		// Who types on meanwhile types the next ones.
		const text = this.commands.value;
		this.lines = readCommands(text).lines;
		setText(this.fault, showFaults(this.fields, null));
		this.isAsking = true;
		setText(this.status, 'gdb is at it …');
		const began = performance.now();
		const took = () => (performance.now() - began) / 1000;
		try {
			const result = await this.app.api.request('POST', this.url(), request);
			this.showResult(text, result, took());
			setText(this.status, `Done in ${formatDuration(took())}.`);
			if (!this.element.isConnected) this.app.notices.tell(`gdb has answered on ${this.id}.`);
		} catch (error) {
			setText(this.status, '');
			setText(this.fault, showFaults(this.fields, error));
			if (error instanceof Problem && 'stdout' in error.members) this.showResult(text, error.members, took());
			// All that gdb said of it stands here.
			if (!this.element.isConnected) this.app.notices.fail(`gdb on ${this.id}: ${String(error instanceof Error ? error.message : error).split('\n', 1)[0]}`);
		} finally {
			this.isAsking = false;
		}
	}

	/** @param {string} text the commands @param {GdbResult} result @param {number} seconds */
	showResult(text, { exit_code: code, stdout, stderr }, seconds) {
		this.history.add(text);
		const again = h('button', {
			type: 'button',
			onclick: () => {
				this.fillIn(text);
				this.commands.focus();
			},
		}, 'Take again');
		const head = h('div', { class: 'tools' }, h('code', {}, text), h('span', { class: code === 0 ? 'quiet' : 'danger' }, `${code === undefined ? 'not done' : `exit code ${code}`}, ${formatDuration(seconds)}`), again);
		this.results.prepend(h('li', {}, head,
			stdout && h('pre', { class: 'output', tabIndex: 0, 'aria-label': 'What gdb printed' }, stdout),
			stderr && h('pre', { class: 'output', 'data-kind': 'stderr', tabIndex: 0, 'aria-label': 'Errors and warnings of gdb' }, stderr)));
		// With its first lines, and what is typed still in sight; who went on elsewhere is left there.
		if (this.element.contains(document.activeElement)) head.scrollIntoView({ block: 'nearest' });
		while (this.results.children.length > RESULTS_KEPT || this.isTooLong()) this.results.lastElementChild?.remove();
	}

	isTooLong() {
		const { children, textContent } = this.results;
		return children.length > 1 && (textContent ?? '').length > RESULT_CHARACTERS_KEPT;
	}
}
