// Which target, and which of its emulators; why one cannot be had here.

import { followList } from '../lib/live_list.js';
import { fill, h, setText } from './dom.js';
import { createField } from './field.js';

/** @typedef {import('../lib/api.js').Target} Target */

/** @param {Target} target */
const tellTarget = ({ emulators, machine, channels }) =>
	[emulators.join(' or '), machine, channels && Object.keys(channels).join(', ')].filter(Boolean).join(' · ');

export class TargetPicker {
	/**
	 * @param {import('../app.js').App} app
	 * @param {{prefill: {target: string, emulator: string}, onChange: () => void}} options onChange: also when the targets are known, or cannot be
	 */
	constructor(app, { prefill, onChange }) {
		this.prefill = prefill;
		this.onChange = onChange;
		/** @type {Map<string, Target>} */
		this.targets = new Map();
		/** What stands below one that was chosen before moves when its facts come: till then it is better not shown. */
		this.isAwaited = prefill.target !== '';
		this.target = h('select', { required: true, onchange: () => this.changed() });
		this.emulator = h('select', { onchange: () => this.changed() });
		this.facts = h('p', { class: 'facts', role: 'status' });
		this.fields = { target: createField({ label: 'Target', control: this.target }), emulator: createField({ label: 'Emulator', control: this.emulator }) };
		this.fields.target.element.append(this.facts);
		this.show([]);
		this.stop = followList(app.store, 'targets', () => app.api.listTargets(), {
			onLoad: (targets) => {
				this.show(targets);
				this.answered();
			},
			onFault: (error) => {
				app.notices.failAsking(error);
				this.answered();
			},
		});
	}

	answered() {
		this.isAwaited = false;
		this.onChange();
	}

	/** What is chosen now, as far as it is known. */
	get chosen() {
		return this.targets.get(this.target.value);
	}

	/** As the API's specs have it: the default emulator needs no name. */
	get value() {
		return { target: this.target.value, emulator: this.isDefault ? '' : this.emulator.value };
	}

	get isDefault() {
		return this.emulator.value === this.chosen?.emulator;
	}

	/** Of a firmware that fits, where that is known. */
	get machines() {
		return this.isDefault ? this.chosen?.firmware_machine : null;
	}

	/** @param {Target[]} targets */
	show(targets) {
		const chosen = this.target.value || this.prefill.target;
		this.targets = new Map(targets.map((one) => [one.name, one]));
		const others = targets.filter(({ available }) => !available);
		fill(this.target,
			h('option', { value: '' }, 'Choose one'),
			chosen && !this.targets.has(chosen) && h('option', { value: chosen }, chosen),
			targets.filter(({ available }) => available).map(({ name }) => h('option', { value: name }, name)),
			others.length > 0 && h('optgroup', { label: 'Not available here' },
				others.map(({ name, unavailable_reason }) => h('option', { value: name }, `${name}: ${unavailable_reason}`))));
		this.target.value = chosen;
		this.update();
	}

	changed() {
		this.update();
		this.onChange();
	}

	update() {
		const { chosen, emulator } = this;
		const names = chosen?.emulators ?? [];
		if ([...emulator.options].map(({ value }) => value).join() !== names.join()) {
			fill(emulator, names.map((name) => h('option', { value: name }, name === chosen?.emulator ? `${name} (default)` : name)));
			emulator.value = names.includes(this.prefill.emulator) ? this.prefill.emulator : chosen?.emulator ?? '';
		}
		this.fields.emulator.element.hidden = names.length < 2;
		const isFitting = !chosen || chosen.available;
		setText(this.facts, !chosen ? '' : isFitting ? tellTarget(chosen) : `Not available: ${chosen.unavailable_reason}`);
		this.facts.className = isFitting ? 'facts quiet' : 'facts warning';
	}
}
