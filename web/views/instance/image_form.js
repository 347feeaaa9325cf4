// A form that gives the board a firmware: at a start, at a restart, or while it runs. An upload is stored first.

import { createCurlLine } from '../../components/curl_line.js';
import { h } from '../../components/dom.js';
import { createField } from '../../components/field.js';
import { FirmwarePicker } from '../../components/firmware_picker.js';
import { createLines } from '../../components/lines.js';
import { Sheet } from '../../components/sheet.js';
import { apiPath } from '../../lib/api.js';
import { fileReference, makeImageRequest } from '../../lib/image_request.js';

/**
 * @typedef {import('../../lib/api.js').Instance} Instance
 * @typedef {'start' | 'restart' | 'load'} Action
 */

/** @type {Record<Action, {title: string, paused: Record<string, string>}>} */
const ACTIONS = {
	start: { title: 'Start', paused: { '': 'As it was created', false: 'Running', true: 'Paused' } },
	restart: { title: 'Restart', paused: { '': 'As it was created', false: 'Running', true: 'Paused' } },
	load: { title: 'Load', paused: { '': 'Running', true: 'Paused' } },
};
const FILES = '/v1/files';

export class ImageForm {
	/**
	 * @param {import('../../app.js').App} app
	 * @param {Instance} instance
	 * @param {Action} action
	 * @param {(instance: Instance, file: string | null) => void} onDone file: that was asked for, as the API names it
	 */
	constructor(app, instance, action, onDone) {
		this.app = app;
		this.id = instance.id;
		this.action = action;
		/** What is sent is what differs from it: a load takes its file always. */
		this.before = { file: action === 'load' ? null : fileReference(instance.file), args: instance.args };
		/** @type {string | null} */
		this.sent = null;
		const changed = () => this.curl.update();
		this.picker = new FirmwarePicker(app, { reference: this.before.file, isRequired: true, onChange: changed });
		this.args = createLines({
			name: 'args', label: 'Arguments', hint: 'More arguments for the emulator, one a line. They stay for later starts.', rows: 3, list: instance.args, onChange: changed,
		});
		this.paused = h('select', { onchange: changed }, Object.entries(ACTIONS[action].paused).map(([value, text]) => h('option', { value }, text)));
		this.curl = createCurlLine(app.api, () => this.describe());
		const { title } = ACTIONS[action];
		this.button = h('button', { class: 'primary' }, title);
		/** @type {Sheet<Instance>} */
		this.sheet = new Sheet(app.api, {
			label: title, fields: this.createFields(), submit: this.button, check: () => this.check(), send: () => this.send(),
			onDone: (done) => {
				app.store.putInstance(done);
				onDone(done, this.sent);
			},
			tell: (words) => [words && h('pre', { class: 'danger output', tabIndex: 0, 'aria-label': 'What went wrong' }, words)],
		});
		this.element = this.sheet.element;
		this.element.append(h('div', {}, h('p', { class: 'quiet' }, 'The same with curl'), this.curl.element));
		const { target, emulator } = instance;
		void app.api.request('GET', apiPath('targets', target)).then((found) => this.picker.fitTo(found.emulator === emulator ? found.firmware_machine : null), () => {});
	}

	/** @returns {Record<string, import('../../components/field.js').Field>} */
	createFields() {
		const file = this.picker.field;
		const paused = createField({ label: 'Then', control: this.paused });
		return this.action === 'load' ? { file, paused } : { file, args: this.args.field, paused };
	}

	unmount() {
		this.picker.unmount();
		this.sheet.cancel();
	}

	/** @param {boolean} isLive the board can take it now */
	setLive(isLive) {
		this.button.disabled = !isLive;
	}

	/** @param {string | null} file as the API names it */
	makeRequest(file) {
		const args = this.action === 'load' ? undefined : this.args.value;
		return makeImageRequest({ file, args, paused: this.paused.value }, this.before);
	}

	/** @returns {import('../../lib/curl.js').CurlRequest | string} */
	describe() {
		const [fault] = this.args.check();
		if (fault) return fault.detail;
		const firmware = this.picker.value;
		const url = location.origin + apiPath('instances', this.id, this.action);
		if (firmware && 'file' in firmware) return { url, json: this.makeRequest(null), stored: { url: location.origin + FILES, file: firmware.file.name } };
		const json = this.makeRequest(firmware && firmware.reference);
		return { method: 'POST', url, json: Object.keys(json).length ? json : undefined };
	}

	check() {
		if (this.action === 'load') return this.picker.value ? [] : [{ pointer: '/file', detail: 'Choose a firmware.' }];
		return this.args.check();
	}

	/** @returns {Promise<Instance>} */
	async send() {
		const firmware = this.picker.value;
		const stored = firmware && 'file' in firmware ? await this.sheet.upload(FILES, firmware.file) : null;
		this.sent = stored ? `sha256:${stored.sha256}` : firmware && 'reference' in firmware ? firmware.reference : null;
		return this.app.api.act(this.id, this.action, this.makeRequest(this.sent));
	}
}
