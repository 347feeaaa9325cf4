// A new run: its target, firmware, what means that it has passed or failed; and what was wrong with them.

import { createCurlLine } from '../components/curl_line.js';
import { fill, h, setText } from '../components/dom.js';
import { createField, showFaults } from '../components/field.js';
import { FirmwarePicker } from '../components/firmware_picker.js';
import { createLabelRows } from '../components/label_rows.js';
import { createStepRows } from '../components/step_rows.js';
import { createUploadProgress } from '../components/upload_progress.js';
import { Problem } from '../lib/api.js';
import { checkLabels, readArgs } from '../lib/instance_spec.js';
import { followList } from '../lib/live_list.js';
import { route } from '../lib/routes.js';
import { checkSteps, describeRun, findFault, formOf, makeRunSpec, readRunPrefill } from '../lib/run_form.js';
import { mergeRun } from '../lib/run_list.js';
import { upload } from '../lib/upload.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').Run} Run
 * @typedef {import('../lib/api.js').Target} Target
 * @typedef {import('../lib/run_form.js').RunForm} RunForm
 * @typedef {ReturnType<typeof createControls>} Controls
 */

const RUNS = '/v1/runs';

/**
 * @param {RunForm} prefill
 * @param {() => void} changed
 */
function createControls(prefill, changed) {
	/** @param {string} value */
	const text = (value) => ({ value, spellcheck: false, autocomplete: 'off', oninput: changed });
	/** @param {string} value */
	const seconds = (value) => h('input', { type: 'text', inputMode: 'decimal', ...text(value) });
	return {
		target: h('select', { required: true, onchange: changed }),
		emulator: h('select', { onchange: changed }),
		channel: h('select', { onchange: changed }),
		pass: h('textarea', { rows: 2, ...text(prefill.pass) }),
		fail: h('textarea', { rows: 2, ...text(prefill.fail) }),
		timeout: seconds(prefill.timeout),
		idle_timeout: seconds(prefill.idle_timeout),
		queue_timeout: seconds(prefill.queue_timeout),
		args: h('textarea', { rows: 2, ...text(prefill.args) }),
		labels: createLabelRows({ labels: prefill.labels, onChange: changed }),
		input: createStepRows({ steps: prefill.input, onChange: changed }),
	};
}

/** One a line; a fault names its line, and the cursor goes where it lies. @param {string} label @param {HTMLTextAreaElement} control @param {string} hint */
function createLines(label, control, hint) {
	const field = createField({
		label, control, hint, tell: ({ detail, place }) => (place ? `Line ${readArgs(control.value).lines[Number(place)]}: ${detail}` : detail),
	});
	return {
		...field,
		/** @param {import('../components/field.js').Fault[]} faults */
		setFaults(faults) {
			field.setFaults(faults);
			const at = faults.length ? findFault(control.value, faults[0]) : null;
			if (at !== null) control.setSelectionRange(at, at);
		},
	};
}

/** By the API's names, as they stand on the page. @param {Controls} controls @param {FirmwarePicker} picker */
function createFields(controls, picker) {
	const { target, emulator, channel, pass, fail, timeout, idle_timeout, queue_timeout, args, labels, input } = controls;
	return {
		target: createField({ label: 'Target', control: target }),
		emulator: createField({ label: 'Emulator', control: emulator }),
		file: picker.field,
		pass: createLines('It has passed when this is printed', pass, 'Regular expressions, one a line. Without any: when the guest ends itself with code 0.'),
		fail: createLines('It has failed when this is printed', fail, 'Regular expressions, one a line.'),
		timeout: createField({ label: 'Timeout', control: timeout, hint: 'Seconds until there must be a verdict; 300 unless said otherwise.' }),
		idle_timeout: createField({ label: 'Idle timeout', control: idle_timeout, hint: 'Seconds it may print nothing; no limit unless said otherwise.' }),
		queue_timeout: createField({ label: 'Queue timeout', control: queue_timeout, hint: 'Seconds it may wait for a place; 3600 unless said otherwise.' }),
		input: input.field,
		channel: createField({ label: 'Console', control: channel }),
		args: createLines('Arguments', args, 'More arguments for the emulator, one a line.'),
		labels: labels.field,
	};
}

class RunForms {
	/**
	 * @param {HTMLElement} outlet
	 * @param {RunForm} prefill
	 * @param {App} app
	 */
	constructor(outlet, prefill, app) {
		this.app = app;
		this.prefill = prefill;
		/** @type {Map<string, Target>} */
		this.targets = new Map();
		/** @type {AbortController | null} what is on its way */
		this.sending = null;
		this.controls = createControls(prefill, () => this.changed());
		this.picker = new FirmwarePicker(app, { reference: prefill.file, onChange: () => this.changed() });
		this.fields = createFields(this.controls, this.picker);
		this.targetFacts = h('p', { class: 'facts', role: 'status' });
		this.fields.target.element.append(this.targetFacts);
		this.curl = createCurlLine(app.api, () => this.describe({ detach: true }));
		this.strictCurl = createCurlLine(app.api, () => this.describe({ strict: true }));
		this.progress = h('div', { class: 'progress' });
		this.fault = h('div', { role: 'alert' });
		this.form = h('form', { class: 'sheet', noValidate: true, 'aria-label': 'New run', onsubmit: (/** @type {Event} */ event) => this.submit(event) },
			Object.values(this.fields).map(({ element }) => element),
			this.fault, this.progress, h('div', { class: 'actions' }, h('button', { class: 'primary' }, 'Run')));
		outlet.append(this.form, h('h2', {}, 'The same with curl'), this.curl.element,
			h('h2', {}, 'As a step of a pipeline: waits, and fails unless it has passed'), this.strictCurl.element);
		this.stop = followList(app.store, 'targets', () => app.api.listTargets(), {
			onLoad: (targets) => this.showTargets(targets),
			onFault: (error) => void (error instanceof Problem && error.status === 0 || app.notices.fail(error)),
		});
		this.showTargets([]);
	}

	unmount() {
		this.stop();
		this.picker.unmount();
		if (!this.sending) return;
		this.sending.abort();
		this.app.notices.tell('The upload was cancelled.');
	}

	/** @param {Target[]} targets */
	showTargets(targets) {
		const { target } = this.controls;
		const chosen = target.value || this.prefill.target;
		this.targets = new Map(targets.map((one) => [one.name, one]));
		const others = targets.filter(({ available }) => !available);
		fill(target,
			h('option', { value: '' }, 'Choose one'),
			chosen && !this.targets.has(chosen) && h('option', { value: chosen }, chosen),
			targets.filter(({ available }) => available).map(({ name }) => h('option', { value: name }, name)),
			others.length > 0 && h('optgroup', { label: 'Not available here' },
				others.map(({ name, unavailable_reason }) => h('option', { value: name }, `${name}: ${unavailable_reason}`))));
		target.value = chosen;
		this.changed();
	}

	/** What depends on what was chosen or typed. */
	changed() {
		const { target, emulator } = this.controls;
		const chosen = this.targets.get(target.value);
		this.fillEmulators(chosen);
		this.fillChannels(chosen);
		const isFitting = !chosen || chosen.available;
		setText(this.targetFacts, isFitting ? '' : `Not available: ${chosen?.unavailable_reason}`);
		this.targetFacts.className = 'facts warning';
		this.targetFacts.hidden = isFitting;
		this.picker.fitTo(emulator.value === chosen?.emulator ? chosen?.firmware_machine : null);
		this.curl.update();
		this.strictCurl.update();
	}

	/** @param {Target | undefined} chosen */
	fillEmulators(chosen) {
		const { emulator } = this.controls;
		const names = chosen?.emulators ?? [];
		if ([...emulator.options].map(({ value }) => value).join() !== names.join()) {
			fill(emulator, names.map((name) => h('option', { value: name }, name === chosen?.emulator ? `${name} (default)` : name)));
			emulator.value = names.includes(this.prefill.emulator) ? this.prefill.emulator : chosen?.emulator ?? '';
		}
		this.fields.emulator.element.hidden = names.length < 2;
	}

	/** @param {Target | undefined} chosen */
	fillChannels(chosen) {
		const { channel } = this.controls;
		let wanted = channel.options.length ? channel.value : this.prefill.channel;
		const names = Object.entries(chosen?.channels ?? {}).filter(([, { kind }]) => kind === 'console').map(([name]) => name);
		if (wanted && !names.includes(wanted) && !chosen?.channels) names.unshift(wanted);
		if (!names.includes(wanted)) wanted = '';
		if ([...channel.options].map(({ value }) => value).join() === ['', ...names].join()) return;
		fill(channel, h('option', { value: '' }, 'The target’s first one'), names.map((name) => h('option', { value: name }, name)));
		channel.value = wanted;
	}

	/** @param {string | null} file as the API names it */
	makeSpec(file) {
		const { target, emulator, channel, pass, fail, timeout, idle_timeout, queue_timeout, args, labels, input } = this.controls;
		const isDefault = emulator.value === this.targets.get(target.value)?.emulator;
		return makeRunSpec({
			target: target.value, emulator: isDefault ? '' : emulator.value, channel: channel.value, file, pass: pass.value, fail: fail.value,
			timeout: timeout.value, idle_timeout: idle_timeout.value, queue_timeout: queue_timeout.value, args: args.value,
			labels: labels.value, input: input.value,
		});
	}

	/** @param {{detach?: true, strict?: true}} answer @returns {import('../lib/curl.js').CurlRequest} */
	describe(answer) {
		const firmware = this.picker.value;
		const isUpload = firmware !== null && 'file' in firmware;
		if (checkSteps(this.controls.input.value).length) return { url: location.origin + RUNS };
		const spec = { ...this.makeSpec(isUpload || firmware === null ? null : firmware.reference), ...answer };
		return describeRun(location.origin + RUNS, spec, isUpload ? firmware.file.name : null);
	}

	/** What can be told without asking emud. */
	check() {
		const errors = [...checkLabels(this.controls.labels.value), ...checkSteps(this.controls.input.value)];
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
		const { store } = this.app;
		try {
			const run = await this.send(this.sending);
			this.sending = null;
			store.putRun(mergeRun(store.runs.get(run.id), run));
			location.hash = route('runs', run.id);
		} catch (error) {
			if (!signal.aborted) this.showFault(error);
		} finally {
			this.sending = null;
			this.form.removeAttribute('aria-busy');
			fill(this.progress);
		}
	}

	/** @param {AbortController} sending @returns {Promise<Run>} */
	async send(sending) {
		const { api } = this.app;
		const firmware = this.picker.value;
		if (!firmware || 'reference' in firmware) {
			fill(this.progress, h('p', { role: 'status' }, 'Under way …'));
			return api.request('POST', RUNS, { ...this.makeSpec(firmware && firmware.reference), detach: true });
		}
		const { file } = firmware;
		const form = new FormData();
		form.append('spec', new Blob([JSON.stringify({ ...this.makeSpec(null), detach: true })], { type: 'application/json' }));
		form.append('file', file, file.name);
		const progress = createUploadProgress({ name: file.name, onCancel: () => sending.abort() });
		fill(this.progress, progress.element);
		const { json } = await upload(api, RUNS, form, { signal: sending.signal, onProgress: progress.update });
		return json;
	}

	/** @param {unknown} error null: none */
	showFault(error) {
		const words = showFaults(this.fields, error);
		fill(this.fault, words && h('p', { class: 'danger' }, words));
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const from = place.query.get('from');
	const body = h('div');
	/** @type {RunForms | null} */
	let form = null;
	let isOver = false;
	outlet.append(h('div', { class: 'heading' }, h('h1', {}, from ? `New run, as run ${from}` : 'New run')), body);
	/** @param {RunForm} prefill */
	const show = (prefill) => void (isOver || (form = new RunForms(body, prefill, app)));
	if (from === null) show(readRunPrefill(place.query));
	else
		app.api.getRun(from).then((run) => show(formOf(run)), (error) => {
			app.notices.fail(error);
			show(readRunPrefill(place.query));
		});
	return {
		title: 'New run',
		unmount() {
			isOver = true;
			form?.unmount();
		},
	};
}
