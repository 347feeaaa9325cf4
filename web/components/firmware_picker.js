// Which firmware: one to upload, one that is stored, or a path on the server; and what its header says of it.

import { ELF_HEADER_BYTES, fitsMachine, readElfHeader } from '../lib/elf.js';
import { formatBytes } from '../lib/format.js';
import { followList } from '../lib/live_list.js';
import { readStart } from '../lib/upload.js';
import { fill, h, setText } from './dom.js';
import { createDropZone } from './drop_zone.js';
import { createGroup } from './field.js';

/**
 * @typedef {import('../lib/api.js').StoredFile} StoredFile
 * @typedef {{file: File} | {reference: string} | null} Firmware to be uploaded; or as the API names it: a path or
 *   "sha256:..."; null: none
 * @typedef {'upload' | 'stored' | 'path' | 'none'} Way
 */

/** @type {Record<Way, string>} */
const WAYS = { upload: 'Upload', stored: 'Stored here', path: 'Path on the server', none: 'None' };

let made = 0;

/** @param {{kind: string, machine: string | null, entry: bigint | string | number | null}} header */
export function tellHeader({ kind, machine, entry }) {
	if (kind === 'raw') return 'no ELF file: raw bytes';
	if (kind === 'damaged') return 'a damaged ELF file';
	return `${kind.toUpperCase()} for ${machine}, entry ${entry === null ? 'unknown' : `0x${BigInt(entry).toString(16)}`}`;
}

export class FirmwarePicker {
	/**
	 * @param {import('../app.js').App} app
	 * @param {{reference?: string | null, isRequired?: boolean, onChange: () => void}} options
	 * reference: what is chosen at first; onChange: after each change, and when the header has been read
	 */
	constructor(app, { reference = null, isRequired = false, onChange }) {
		this.onChange = onChange;
		this.isRequired = isRequired;
		/** @type {File | null} */
		this.file = null;
		/** @type {string | null} what the header of the chosen one says */
		this.machine = null;
		/** @type {StoredFile[]} */
		this.stored = [];
		this.taken = /** @type {string | null} */ (null);
		this.wantedSha256 = reference?.startsWith('sha256:') ? reference.slice(7) : '';
		this.way = /** @type {Way} */ (this.wantedSha256 ? 'stored' : reference ? 'path' : 'upload');
		this.facts = h('p', { class: 'facts', role: 'status' });
		this.warning = h('p', { class: 'warning', role: 'status', hidden: true });
		this.zone = createDropZone({ label: 'Choose a firmware file', onFiles: ([file]) => this.take(file) });
		this.select = h('select', { 'aria-label': 'Stored firmware', onchange: () => this.changed() });
		this.path = h('input', {
			type: 'text', value: this.way === 'path' ? reference : '', placeholder: '/srv/firmware/blinky.elf', spellcheck: false, autocomplete: 'off',
			'aria-label': 'Path on the server', oninput: () => this.changed(),
		});
		this.panels = { upload: this.zone.element, stored: this.select, path: this.path, none: null };
		this.field = this.createField();
		this.stop = followList(app.store, 'files', () => app.api.listFiles(), {
			onLoad: (files) => this.showStored(files),
			onFault: (error) => app.notices.failAsking(error),
		});
		this.fillStored();
		this.update();
	}

	createField() {
		const group = `firmware-way-${++made}`;
		const ways = /** @type {Way[]} */ (Object.keys(WAYS)).filter((way) => way !== 'none' || !this.isRequired);
		this.radios = Object.fromEntries(ways.map((way) =>
			[way, h('input', { type: 'radio', name: group, checked: way === this.way, onchange: () => this.chooseWay(way) })]));
		const control = h('div', { class: 'firmware' },
			h('div', { class: 'ways' }, ways.map((way) => h('label', { class: 'check' }, this.radios?.[way], ' ', WAYS[way]))),
			h('div', { class: 'panel' }, Object.values(this.panels)), this.facts, this.warning);
		return createGroup({ label: 'Firmware', control, focus: () => (this.panels[this.way] === this.zone.element ? this.zone.input : this.panels[this.way])?.focus() });
	}

	get element() {
		return this.field.element;
	}

	/** @returns {Firmware} what is chosen now */
	get value() {
		if (this.way === 'upload') return this.file && { file: this.file };
		if (this.way === 'stored') return this.select.value ? { reference: `sha256:${this.select.value}` } : null;
		return this.way === 'path' && this.path.value.trim() ? { reference: this.path.value.trim() } : null;
	}

	/** A warning stands where the firmware does not fit. @param {string | null | undefined} machines the target's firmware_machine */
	fitTo(machines) {
		this.taken = machines ?? null;
		this.showWarning();
	}

	showWarning() {
		this.warning.hidden = fitsMachine(this.taken, this.machine);
		setText(this.warning, this.warning.hidden ? '' : `This firmware is for ${this.machine}; the target takes ${this.taken?.replaceAll(',', ' or ')}.`);
	}

	/** @param {Way} way */
	chooseWay(way) {
		this.way = way;
		this.changed();
	}

	/** By the user: what is told of the one before is over. */
	changed() {
		this.wantedSha256 = this.select.value;
		this.field.setFaults([]);
		this.update();
		this.onChange();
	}

	update() {
		for (const [way, panel] of Object.entries(this.panels)) if (panel) panel.hidden = way !== this.way;
		if (this.way === 'upload' && this.file) return void this.readHeader(this.file);
		const stored = this.way === 'stored' && this.stored.find(({ sha256 }) => sha256 === this.wantedSha256);
		this.tell(stored ? `${formatBytes(stored.size)}, ${tellHeader(stored)}` : '', stored ? stored.machine : null);
	}

	/**
	 * @param {string} text
	 * @param {string | null} machine
	 */
	tell(text, machine) {
		setText(this.facts, text);
		this.machine = machine;
		this.showWarning();
	}

	/** @param {File} file dropped or chosen */
	take(file) {
		this.file = file;
		this.changed();
	}

	/** @param {File} file */
	async readHeader(file) {
		try {
			const header = readElfHeader(await readStart(file, ELF_HEADER_BYTES));
			if (file !== this.file || this.way !== 'upload') return;
			this.tell(`${file.name}, ${formatBytes(file.size)}, ${tellHeader(header ?? { kind: 'raw', machine: null, entry: null })}`, header?.machine ?? null);
			if (file.size === 0) this.field.setFaults([{ detail: 'The file is empty.', place: '' }]);
			if (header?.kind === 'damaged') this.field.setFaults([{ detail: 'The file begins like an ELF file, but it is damaged or cut short.', place: '' }]);
		} catch (error) {
			if (file !== this.file) return;
			this.file = null;
			this.tell('', null);
			this.field.setFaults([{ detail: error instanceof Error ? error.message : String(error), place: '' }]);
		}
		this.onChange();
	}

	/** @param {StoredFile[]} files */
	showStored(files) {
		this.stored = files;
		this.fillStored();
		this.update();
		this.onChange();
	}

	fillStored() {
		const files = this.stored;
		const chosen = this.wantedSha256;
		const known = files.some(({ sha256 }) => sha256 === chosen);
		fill(this.select,
			h('option', { value: '' }, files.length ? 'Choose one' : 'None is stored yet'),
			chosen && !known && h('option', { value: chosen }, `sha256:${chosen.slice(0, 12)}…`),
			files.map(({ sha256, name, size, machine }) =>
				h('option', { value: sha256 }, `${name} (${[machine, formatBytes(size), sha256.slice(0, 8)].filter(Boolean).join(', ')})`)));
		this.select.value = chosen;
	}

	unmount() {
		this.stop();
	}
}
