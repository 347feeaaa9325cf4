// A new instance: its target, firmware, arguments, labels; and what was wrong with them.

import { createCurlLine } from '../components/curl_line.js';
import { fill, h, setText } from '../components/dom.js';
import { createCheck, createField, showFaults } from '../components/field.js';
import { FirmwarePicker } from '../components/firmware_picker.js';
import { createLabelRows } from '../components/label_rows.js';
import { createUploadProgress } from '../components/upload_progress.js';
import { Problem } from '../lib/api.js';
import { checkLabels, makeSpec, readArgs, readPrefill } from '../lib/instance_spec.js';
import { followList } from '../lib/live_list.js';
import { route } from '../lib/routes.js';
import { upload } from '../lib/upload.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Instance} Instance
 * @typedef {import('../lib/api.js').Target} Target
 * @typedef {import('../lib/instance_spec.js').InstanceForm} InstanceForm
 * @typedef {ReturnType<typeof createControls>} Controls
 */

const INSTANCES = '/v1/instances';

/** @param {Target} target */
const tellTarget = ({ emulators, machine, channels }) =>
	[emulators.join(' or '), machine, channels && Object.keys(channels).join(', ')].filter(Boolean).join(' · ');

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
		target: h('select', { required: true, onchange: changed }),
		emulator: h('select', { onchange: changed }),
		id: h('input', { type: 'text', ...text(prefill.id) }),
		args: h('textarea', { rows: 3, ...text(prefill.args) }),
		labels: createLabelRows({ labels: prefill.labels, onChange: changed }),
		start: check(prefill.start),
		paused: check(prefill.paused),
		debug: check(prefill.debug),
	};
}

/** By the API's names, as they stand on the page. @param {Controls} controls @param {FirmwarePicker} picker */
function createFields({ target, emulator, id, args, labels, start, paused, debug }, picker) {
	return {
		target: createField({ label: 'Target', control: target }),
		emulator: createField({ label: 'Emulator', control: emulator }),
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
		/** @type {Map<string, Target>} */
		this.targets = new Map();
		/** @type {AbortController | null} what is on its way */
		this.sending = null;
		this.prefill = readPrefill(place.query);
		this.controls = createControls(this.prefill, () => this.changed());
		this.picker = new FirmwarePicker(app, { reference: this.prefill.file, onChange: () => this.changed() });
		this.fields = createFields(this.controls, this.picker);
		this.targetFacts = h('p', { class: 'facts', role: 'status' });
		this.fields.target.element.append(this.targetFacts);
		this.curl = createCurlLine(app.api, () => this.describe());
		this.submitText = h('span');
		this.progress = h('div', { class: 'progress' });
		this.fault = h('div', { role: 'alert' });
		this.form = h('form', { class: 'sheet', noValidate: true, 'aria-label': 'New instance', onsubmit: (/** @type {Event} */ event) => this.submit(event) },
			Object.values(this.fields).map(({ element }) => element),
			this.fault, this.progress, h('div', { class: 'actions' }, h('button', { class: 'primary' }, this.submitText)));
		outlet.append(h('div', { class: 'heading' }, h('h1', {}, 'New instance')), this.form, h('h2', {}, 'The same with curl'), this.curl.element);
		this.stop = followList(app.store, 'targets', () => app.api.listTargets(), {
			onLoad: (targets) => this.showTargets(targets),
			onFault: (error) => void (error instanceof Problem && error.status === 0 || app.notices.fail(error)),
		});
		this.showTargets([]);
	}

	unmount() {
		this.stop();
		this.picker.unmount();
		const firmware = this.sending && this.picker.value;
		this.sending?.abort();
		if (firmware && 'file' in firmware) this.app.notices.tell('The upload was cancelled.');
	}

	/** @param {Target[]} targets */
	showTargets(targets) {
		const { target } = this.controls;
		const chosen = target.value || this.prefill.target;
		this.targets = new Map(targets.map((one) => [one.name, one]));
		const usable = targets.filter(({ available }) => available);
		const others = targets.filter(({ available }) => !available);
		fill(target,
			h('option', { value: '' }, 'Choose one'),
			chosen && !this.targets.has(chosen) && h('option', { value: chosen }, chosen),
			usable.map(({ name }) => h('option', { value: name }, name)),
			others.length > 0 && h('optgroup', { label: 'Not available here' },
				others.map(({ name, unavailable_reason }) => h('option', { value: name }, `${name}: ${unavailable_reason}`))));
		target.value = chosen;
		this.changed();
	}

	/** What depends on what was chosen or typed. */
	changed() {
		const { target, emulator, start } = this.controls;
		const chosen = this.targets.get(target.value);
		const names = chosen?.emulators ?? [];
		if ([...emulator.options].map(({ value }) => value).join() !== names.join()) {
			fill(emulator, names.map((name) => h('option', { value: name }, name === chosen?.emulator ? `${name} (default)` : name)));
			emulator.value = names.includes(this.prefill.emulator) ? this.prefill.emulator : chosen?.emulator ?? '';
		}
		this.fields.emulator.element.hidden = names.length < 2;
		const isFitting = !chosen || chosen.available;
		setText(this.targetFacts, !chosen ? '' : isFitting ? tellTarget(chosen) : `Not available: ${chosen.unavailable_reason}`);
		this.targetFacts.className = isFitting ? 'facts quiet' : 'facts warning';
		this.picker.fitTo(emulator.value === chosen?.emulator ? chosen?.firmware_machine : null);
		setText(this.submitText, start.checked ? 'Create and start' : 'Create');
		this.curl.update();
	}

	/** @param {string | null} file as the API names it */
	makeSpec(file) {
		const { target, emulator, id, args, paused, debug, start, labels } = this.controls;
		const isDefault = emulator.value === this.targets.get(target.value)?.emulator;
		return makeSpec({
			target: target.value, emulator: isDefault ? '' : emulator.value, id: id.value.trim(), args: args.value, file,
			paused: paused.checked, debug: debug.checked, start: start.checked, labels: labels.value,
		});
	}

	/** @returns {import('../lib/curl.js').CurlRequest} */
	describe() {
		const url = location.origin + INSTANCES;
		const firmware = this.picker.value;
		if (firmware && 'file' in firmware) return { url, form: { spec: this.makeSpec(null), file: firmware.file.name } };
		return { url, json: this.makeSpec(firmware && firmware.reference) };
	}

	/** What can be told without asking emud. */
	check() {
		const errors = checkLabels(this.controls.labels.value);
		if (!this.controls.target.value) errors.unshift({ pointer: '/target', detail: 'Choose a target.' });
		return errors.length ? new Problem(422, 'invalid_value', '', errors) : null;
	}

	/** @param {Event} event */
	async submit(event) {
		event.preventDefault();
		// A second click on what is on its way already.
		if (this.sending) return;
		const fault = this.check();
		this.showFault(fault);
		if (fault) return;
		this.sending = new AbortController();
		const { signal } = this.sending;
		this.form.setAttribute('aria-busy', 'true');
		try {
			const instance = await this.send(this.sending);
			this.app.store.putInstance(instance);
			this.sending = null;
			// Who has gone to another page meanwhile stays there.
			if (!signal.aborted) location.hash = route('instances', instance.id);
		} catch (error) {
			if (!signal.aborted) this.showFault(error);
		} finally {
			this.sending = null;
			this.form.removeAttribute('aria-busy');
			fill(this.progress);
		}
	}

	/** @param {AbortController} sending @returns {Promise<Instance>} */
	async send(sending) {
		const { api } = this.app;
		const firmware = this.picker.value;
		if (!firmware || 'reference' in firmware) {
			fill(this.progress, h('p', { role: 'status' }, 'Under way …'));
			return api.request('POST', INSTANCES, this.makeSpec(firmware && firmware.reference));
		}
		const { file } = firmware;
		const form = new FormData();
		form.append('spec', new Blob([JSON.stringify(this.makeSpec(null))], { type: 'application/json' }));
		form.append('file', file, file.name);
		const progress = createUploadProgress({ name: file.name, onCancel: () => sending.abort() });
		fill(this.progress, progress.element);
		const { json } = await upload(api, INSTANCES, form, { signal: sending.signal, onProgress: progress.update });
		return json;
	}

	/** @param {unknown} error null: none */
	showFault(error) {
		const words = showFaults(this.fields, error);
		const isRefusal = error instanceof Problem && error.code === 'start_failed';
		const id = error instanceof Problem ? error.location?.split('/').at(-1) : undefined;
		fill(this.fault,
			isRefusal ? h('p', { class: 'danger' }, 'The emulator did not start. It says:') : words && h('p', { class: 'danger' }, words),
			isRefusal && h('pre', { tabIndex: 0, 'aria-label': 'What the emulator says' }, words),
			id && h('p', {}, 'It stays as the instance ', h('a', { href: route('instances', id) }, id), ', with its logs. ',
				h('button', { type: 'button', onclick: () => this.deleteAndRetry(id) }, 'Delete it and try again')));
		this.fault.querySelector('pre')?.focus();
	}

	/** @param {string} id */
	async deleteAndRetry(id) {
		try {
			await this.app.api.deleteInstance(id);
			this.form.requestSubmit();
		} catch (error) {
			this.app.notices.fail(error);
		}
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new NewInstanceView(outlet, place, app);
	return { title: 'New instance', unmount: () => view.unmount() };
}
