// A form that gives the board a firmware: at a start, at a restart, or while it runs. An upload is stored first.

import { createCurlLine } from '../../components/curl_line.js';
import { fill, h } from '../../components/dom.js';
import { createField, showFaults } from '../../components/field.js';
import { FirmwarePicker } from '../../components/firmware_picker.js';
import { createUploadProgress } from '../../components/upload_progress.js';
import { apiPath } from '../../lib/api.js';
import { fileReference, makeImageRequest } from '../../lib/image_request.js';
import { readArgs } from '../../lib/instance_spec.js';
import { upload } from '../../lib/upload.js';

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
	 * @param {(instance: Instance) => void} onDone
	 */
	constructor(app, instance, action, onDone) {
		this.app = app;
		this.id = instance.id;
		this.action = action;
		this.onDone = onDone;
		/** What is sent is what differs from it: a load takes its file always. */
		this.before = { file: action === 'load' ? null : fileReference(instance.file), args: instance.args };
		/** @type {AbortController | null} */
		this.sending = null;
		const changed = () => this.changed();
		this.picker = new FirmwarePicker(app, { reference: this.before.file, isRequired: true, onChange: changed });
		this.args = h('textarea', { rows: 3, spellcheck: false, value: instance.args.join('\n'), oninput: changed });
		this.paused = h('select', { onchange: changed }, Object.entries(ACTIONS[action].paused).map(([value, text]) => h('option', { value }, text)));
		this.fields = this.createFields();
		this.uploadLine = createCurlLine(app.api, () => this.describeUpload());
		this.curl = createCurlLine(app.api, () => this.describe());
		this.fault = h('div', { role: 'alert' });
		this.progress = h('div', { class: 'progress' });
		const { title } = ACTIONS[action];
		this.button = h('button', { class: 'primary' }, title);
		this.element = h('form', { class: 'sheet', noValidate: true, 'aria-label': title, onsubmit: (/** @type {Event} */ event) => this.submit(event) },
			Object.values(this.fields).map(({ element }) => element), this.fault, this.progress,
			h('div', { class: 'actions' }, this.button),
			h('div', {}, h('p', { class: 'quiet' }, 'The same with curl'), this.uploadLine.element, this.curl.element));
		this.changed();
		const { target, emulator } = instance;
		void app.api.request('GET', apiPath('targets', target)).then((found) => this.picker.fitTo(found.emulator === emulator ? found.firmware_machine : null), () => {});
	}

	/** @returns {Record<string, import('../../components/field.js').Field>} */
	createFields() {
		const file = this.picker.field;
		const paused = createField({ label: 'Then', control: this.paused });
		if (this.action === 'load') return { file, paused };
		const args = createField({
			label: 'Arguments', control: this.args, hint: 'More arguments for the emulator, one a line. They stay for later starts.',
			tell: ({ detail, place }) => (place ? `Line ${readArgs(this.args.value).lines[Number(place)]}: ${detail}` : detail),
		});
		return { file, args, paused };
	}

	unmount() {
		this.picker.unmount();
		this.sending?.abort();
	}

	/** @param {boolean} isLive the board can take it now */
	setLive(isLive) {
		this.button.disabled = !isLive;
	}

	changed() {
		const firmware = this.picker.value;
		this.uploadLine.element.hidden = !(firmware && 'file' in firmware);
		this.uploadLine.update();
		this.curl.update();
	}

	/** @param {string | null} file as the API names it */
	makeRequest(file) {
		const args = this.action === 'load' ? undefined : this.args.value;
		return makeImageRequest({ file, args, paused: this.paused.value }, this.before);
	}

	/** @returns {import('../../lib/curl.js').CurlRequest} */
	describeUpload() {
		const firmware = this.picker.value;
		const name = firmware && 'file' in firmware ? firmware.file.name : '';
		return { url: location.origin + FILES, form: { file: name } };
	}

	/** @returns {import('../../lib/curl.js').CurlRequest} */
	describe() {
		const firmware = this.picker.value;
		const file = !firmware ? null : 'file' in firmware ? 'sha256:…' : firmware.reference;
		const url = location.origin + apiPath('instances', this.id, this.action);
		const json = this.makeRequest(file);
		return { method: 'POST', url, json: Object.keys(json).length ? json : undefined };
	}

	/** @param {Event} event */
	async submit(event) {
		event.preventDefault();
		if (this.sending || this.button.disabled) return;
		showFaults(this.fields, null);
		fill(this.fault);
		if (this.action === 'load' && !this.picker.value) {
			this.fields.file.setFaults([{ detail: 'Choose a firmware.', place: '' }]);
			return this.fields.file.focus();
		}
		this.sending = new AbortController();
		const { signal } = this.sending;
		this.element.setAttribute('aria-busy', 'true');
		try {
			const request = this.makeRequest(await this.storeFirmware(this.sending));
			const instance = await this.app.api.act(this.id, this.action, request);
			this.app.store.putInstance(instance);
			this.onDone(instance);
		} catch (error) {
			if (!signal.aborted) this.showFault(error);
		} finally {
			this.sending = null;
			this.element.removeAttribute('aria-busy');
			fill(this.progress);
		}
	}

	/** @param {AbortController} sending @returns {Promise<string | null>} as the API names it */
	async storeFirmware(sending) {
		const firmware = this.picker.value;
		if (!firmware || 'reference' in firmware) return firmware && firmware.reference;
		const { file } = firmware;
		const form = new FormData();
		form.append('file', file, file.name);
		const progress = createUploadProgress({ name: file.name, onCancel: () => sending.abort() });
		fill(this.progress, progress.element);
		const { json } = await upload(this.app.api, FILES, form, { signal: sending.signal, onProgress: progress.update });
		return `sha256:${json.sha256}`;
	}

	/** The emulator's own words may be many lines. @param {unknown} error */
	showFault(error) {
		const words = showFaults(this.fields, error);
		fill(this.fault, words && h('pre', { class: 'danger output', tabIndex: 0, 'aria-label': 'What went wrong' }, words));
	}
}
