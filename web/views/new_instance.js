// A new instance: its target, firmware, arguments, labels; and what was wrong with them.

import { createCurlLine } from '../components/curl_line.js';
import { h, setText } from '../components/dom.js';
import { createCheck, createField } from '../components/field.js';
import { FirmwarePicker } from '../components/firmware_picker.js';
import { createLabelRows } from '../components/label_rows.js';
import { Sheet } from '../components/sheet.js';
import { TargetPicker } from '../components/target_picker.js';
import { Problem } from '../lib/api.js';
import { checkLabels, makeSpec, readArgs, readPrefill } from '../lib/instance_spec.js';
import { route } from '../lib/routes.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {import('../lib/instance_spec.js').InstanceForm} InstanceForm
 * @typedef {ReturnType<typeof createControls>} Controls
 */

const INSTANCES = '/v1/instances';

/**
 * @param {InstanceForm} prefill
 * @param {() => void} changed
 */
function createControls(prefill, changed) {
	/** @param {string} value */
	const text = (value) => ({ value, spellcheck: false, autocomplete: 'off', oninput: changed });
	/** @param {boolean} checked */
	const check = (checked) => h('input', { type: 'checkbox', checked, onchange: changed });
	return {
		id: h('input', { type: 'text', ...text(prefill.id) }),
		args: h('textarea', { rows: 3, ...text(prefill.args) }),
		labels: createLabelRows({ labels: prefill.labels, onChange: changed }),
		start: check(prefill.start),
		paused: check(prefill.paused),
		debug: check(prefill.debug),
		path: h('input', { type: 'text', ...text(prefill.path) }),
	};
}

/** By the API's names, as they stand on the page. @param {Controls} controls @param {TargetPicker} target @param {FirmwarePicker} picker */
function createFields({ id, args, labels, start, paused, debug, path }, target, picker) {
	return {
		...target.fields,
		file: picker.field,
		id: createField({ label: 'Name', control: id, hint: 'Optional: emud finds one. Letters, digits, “.”, “_” and “-”.' }),
		args: createField({
			label: 'Arguments', control: args, hint: 'More arguments for the emulator, one a line.',
			tell: ({ detail, place }) => (place ? `Line ${readArgs(args.value).lines[Number(place)]}: ${detail}` : detail),
		}),
		labels: labels.field,
		start: createCheck({ label: 'Start it now', control: start }),
		paused: createCheck({ label: 'Start paused: the guest stands still until it is resumed', control: paused }),
		debug: createCheck({ label: 'Log guest errors (debug)', control: debug }),
		path: createField({ label: 'State directory', control: path, hint: 'Optional: a path on the server, below its path roots. What pw emu runs there is taken over as it is.' }),
	};
}

class NewInstanceView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {import('../app.js').Place} place
	 * @param {App} app
	 */
	constructor(outlet, place, app) {
		this.app = app;
		this.isDeleting = false;
		const changed = () => this.changed();
		const prefill = readPrefill(place.query);
		this.controls = createControls(prefill, changed);
		this.target = new TargetPicker(app, { prefill, onChange: changed });
		this.picker = new FirmwarePicker(app, { reference: prefill.file, onChange: changed });
		this.curl = createCurlLine(app.api, () => this.describe());
		this.submitText = h('span');
		/** @type {Sheet<Instance>} */
		this.sheet = new Sheet(app.api, {
			label: 'New instance', fields: createFields(this.controls, this.target, this.picker), submit: h('button', { class: 'primary' }, this.submitText),
			check: () => this.check(), send: () => this.sheet.post(INSTANCES, this.picker.value, (file) => this.makeSpec(file)),
			onDone: (instance) => this.done(instance), tell: (words, error) => this.tell(words, error),
		});
		this.body = h('div', {}, this.sheet.element, h('h2', {}, 'The same with curl'), this.curl.element);
		outlet.append(h('div', { class: 'heading' }, h('h1', {}, 'New instance')), this.body);
		this.changed();
	}

	unmount() {
		this.target.stop();
		this.picker.unmount();
		if (this.sheet.cancel()) this.app.notices.tell('The upload was cancelled.');
	}

	/** What depends on what was chosen or typed. */
	changed() {
		this.body.hidden = this.target.isAwaited;
		this.picker.fitTo(this.target.machines);
		setText(this.submitText, this.controls.start.checked ? 'Create and start' : 'Create');
		this.curl.update();
	}

	/** @param {string | null} file as the API names it */
	makeSpec(file) {
		const { id, args, paused, debug, start, labels, path } = this.controls;
		return makeSpec({
			...this.target.value, id: id.value.trim(), args: args.value, file,
			paused: paused.checked, debug: debug.checked, start: start.checked, labels: labels.value, path: path.value.trim(),
		});
	}

	/** @returns {import('../lib/curl.js').CurlRequest} */
	describe() {
		const url = location.origin + INSTANCES;
		const firmware = this.picker.value;
		if (firmware && 'file' in firmware) return { url, form: { spec: this.makeSpec(null), file: firmware.file.name } };
		return { url, json: this.makeSpec(firmware && firmware.reference) };
	}

	check() {
		const errors = checkLabels(this.controls.labels.value);
		// Where pw emu runs something, that tells the target.
		return this.target.value.target || this.controls.path.value ? errors : [{ pointer: '/target', detail: 'Choose a target.' }, ...errors];
	}

	/** @param {Instance} instance */
	done(instance) {
		this.app.store.putInstance(instance);
		location.hash = route('instances', instance.id);
	}

	/** The emulator's own words, and what is there nevertheless. @param {string} words @param {unknown} error */
	tell(words, error) {
		const isRefusal = error instanceof Problem && error.code === 'start_failed';
		const id = error instanceof Problem ? error.location?.split('/').at(-1) : undefined;
		return [
			isRefusal ? h('p', { class: 'danger' }, 'The emulator did not start. It says:') : words && h('p', { class: 'danger' }, words),
			isRefusal && h('pre', { tabIndex: 0, 'aria-label': 'What the emulator says' }, words),
			id && h('p', {}, 'It stays as the instance ', h('a', { href: route('instances', id) }, id), ', with its logs. ',
				h('button', { type: 'button', onclick: () => this.deleteAndRetry(id) }, 'Delete it and try again')),
		];
	}

	/** @param {string} id */
	async deleteAndRetry(id) {
		// A second click would find nothing to delete while what is tried again is on its way.
		if (this.isDeleting) return;
		this.isDeleting = true;
		try {
			await this.app.api.deleteInstance(id);
			this.sheet.element.requestSubmit();
		} catch (error) {
			this.app.notices.fail(error);
		} finally {
			this.isDeleting = false;
		}
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new NewInstanceView(outlet, place, app);
	return { title: 'New instance', unmount: () => view.unmount() };
}
