// A new run: its target, firmware, what means that it has passed or failed; and what was wrong with them.

import { createCurlLine } from '../components/curl_line.js';
import { fill, h } from '../components/dom.js';
import { createField } from '../components/field.js';
import { FirmwarePicker } from '../components/firmware_picker.js';
import { createLabelRows } from '../components/label_rows.js';
import { createLines } from '../components/lines.js';
import { Sheet } from '../components/sheet.js';
import { createStepRows } from '../components/step_rows.js';
import { TargetPicker } from '../components/target_picker.js';
import { checkLabels } from '../lib/instance_spec.js';
import { route } from '../lib/routes.js';
import { checkSteps, describeRun, formOf, makeRunSpec, readRunPrefill } from '../lib/run_form.js';
import { mergeRun } from '../lib/run_list.js';

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
	const seconds = (value) => h('input', { type: 'text', inputMode: 'decimal', value, spellcheck: false, autocomplete: 'off', oninput: changed });
	/** @param {'pass' | 'fail' | 'args'} name @param {string} label @param {string} hint */
	const lines = (name, label, hint) => createLines({ name, label, hint, rows: 2, list: prefill[name], onChange: changed });
	return {
		channel: h('select', { onchange: changed }),
		pass: lines('pass', 'It has passed when this is printed', 'Regular expressions, one a line. Without any: when the guest ends itself with code 0.'),
		fail: lines('fail', 'It has failed when this is printed', 'Regular expressions, one a line.'),
		timeout: seconds(prefill.timeout),
		idle_timeout: seconds(prefill.idle_timeout),
		queue_timeout: seconds(prefill.queue_timeout),
		args: lines('args', 'Arguments', 'More arguments for the emulator, one a line.'),
		labels: createLabelRows({ labels: prefill.labels, onChange: changed }),
		input: createStepRows({ steps: prefill.input, onChange: changed }),
	};
}

/** By the API's names, as they stand on the page. @param {Controls} controls @param {TargetPicker} target @param {FirmwarePicker} picker */
function createFields(controls, target, picker) {
	const { channel, pass, fail, timeout, idle_timeout, queue_timeout, args, labels, input } = controls;
	return {
		...target.fields,
		file: picker.field,
		pass: pass.field,
		fail: fail.field,
		timeout: createField({ label: 'Timeout', control: timeout, hint: 'Seconds until there must be a verdict; 300 unless said otherwise.' }),
		idle_timeout: createField({ label: 'Idle timeout', control: idle_timeout, hint: 'Seconds it may print nothing; no limit unless said otherwise.' }),
		queue_timeout: createField({ label: 'Queue timeout', control: queue_timeout, hint: 'Seconds it may wait for a place; 3600 unless said otherwise.' }),
		input: input.field,
		channel: createField({ label: 'Console', control: channel }),
		args: args.field,
		labels: labels.field,
	};
}

class RunForms {
	/**
	 * @param {HTMLElement} outlet of its own
	 * @param {RunForm} prefill
	 * @param {App} app
	 */
	constructor(outlet, prefill, app) {
		this.outlet = outlet;
		this.app = app;
		this.prefill = prefill;
		const changed = () => this.changed();
		this.controls = createControls(prefill, changed);
		this.target = new TargetPicker(app, { prefill, onChange: changed });
		this.picker = new FirmwarePicker(app, { reference: prefill.file, onChange: changed });
		this.curl = createCurlLine(app.api, () => this.describe({ detach: true }));
		this.strictCurl = createCurlLine(app.api, () => this.describe({ strict: true }));
		/** @type {Sheet<Run>} */
		this.sheet = new Sheet(app.api, {
			label: 'New run', fields: createFields(this.controls, this.target, this.picker), submit: h('button', { class: 'primary' }, 'Run'),
			check: () => this.check(), send: () => this.sheet.post(RUNS, this.picker.value, (file) => ({ ...this.makeSpec(file), detach: true })),
			onDone: (run) => this.done(run),
		});
		outlet.append(this.sheet.element, h('h2', {}, 'The same with curl'), this.curl.element,
			h('h2', {}, 'As a step of a pipeline: waits, and fails unless it has passed'), this.strictCurl.element);
		this.changed();
	}

	unmount() {
		this.target.stop();
		this.picker.unmount();
		if (this.sheet.cancel()) this.app.notices.tell('The upload was cancelled.');
	}

	/** What depends on what was chosen or typed. */
	changed() {
		this.outlet.hidden = this.target.isAwaited;
		this.fillChannels(this.target.chosen);
		this.picker.fitTo(this.target.machines);
		this.curl.update();
		this.strictCurl.update();
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
		const { channel, pass, fail, timeout, idle_timeout, queue_timeout, args, labels, input } = this.controls;
		return makeRunSpec({
			...this.target.value, channel: channel.value, file, pass: pass.value, fail: fail.value,
			timeout: timeout.value, idle_timeout: idle_timeout.value, queue_timeout: queue_timeout.value, args: args.value,
			labels: labels.value, input: input.value,
		});
	}

	/** @param {{detach?: true, strict?: true}} answer @returns {import('../lib/curl.js').CurlRequest | string} */
	describe(answer) {
		const [fault] = this.checkWords();
		if (fault) return fault.detail;
		const firmware = this.picker.value;
		const isUpload = firmware !== null && 'file' in firmware;
		const spec = { ...this.makeSpec(isUpload || firmware === null ? null : firmware.reference), ...answer };
		return describeRun(location.origin + RUNS, spec, isUpload ? firmware.file.name : null);
	}

	/** What says nothing that could be sent. */
	checkWords() {
		const { pass, fail, args, input } = this.controls;
		return [...[pass, fail, args].flatMap((lines) => lines.check()), ...checkSteps(input.value)];
	}

	check() {
		const errors = [...checkLabels(this.controls.labels.value), ...this.checkWords()];
		return this.target.value.target ? errors : [{ pointer: '/target', detail: 'Choose a target.' }, ...errors];
	}

	/** @param {Run} run */
	done(run) {
		const { store } = this.app;
		store.putRun(mergeRun(store.runs.get(run.id), run));
		location.hash = route('runs', run.id);
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
