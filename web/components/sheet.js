// A form that sends one thing at a time: how far it is, the way to cancel it, and what was wrong with it.

import { Problem } from '../lib/api.js';
import { upload } from '../lib/upload.js';
import { fill, h } from './dom.js';
import { showFaults } from './field.js';
import { createUploadProgress } from './upload_progress.js';

/** @typedef {import('./firmware_picker.js').Firmware} Firmware */

/** @template T what emud answers */
export class Sheet {
	/**
	 * @param {import('../lib/api.js').Api} api
	 * @param {{
	 *   label: string, fields: Record<string, import('./field.js').Field>, submit: HTMLButtonElement,
	 *   check: () => {pointer: string, detail: string}[], send: () => Promise<T>, onDone: (answer: T) => void,
	 *   tell?: (words: string, error: unknown) => (import('./dom.js').Child | import('./dom.js').Child[])[],
	 * }} parts check: what can be told without asking emud; onDone: unless it was cancelled; tell: how what belongs to no field is shown
	 */
	constructor(api, { label, fields, submit, check, send, onDone, tell }) {
		this.api = api;
		this.fields = fields;
		this.check = check;
		this.send = send;
		this.onDone = onDone;
		this.tell = tell ?? ((words) => [words && h('p', { class: 'danger' }, words)]);
		/** @type {AbortController | null} what is on its way */
		this.sending = null;
		this.isUploading = false;
		this.fault = h('div', { role: 'alert' });
		this.progress = h('div', { class: 'progress' });
		this.element = h('form', { class: 'sheet', noValidate: true, 'aria-label': label, onsubmit: (/** @type {Event} */ event) => this.submit(event) },
			Object.values(fields).map(({ element }) => element), this.fault, this.progress, h('div', { class: 'actions' }, submit));
	}

	/** @returns {boolean} whether an upload is cancelled by it */
	cancel() {
		this.sending?.abort();
		return this.isUploading;
	}

	/** @param {Event} event */
	async submit(event) {
		event.preventDefault();
		// A second click on what is on its way already.
		if (this.sending) return;
		const errors = this.check();
		this.showFault(errors.length ? new Problem(422, 'invalid_value', '', errors) : null);
		if (errors.length) return;
		this.sending = new AbortController();
		const { signal } = this.sending;
		this.element.setAttribute('aria-busy', 'true');
		try {
			fill(this.progress, h('p', { role: 'status' }, 'Under way …'));
			const answer = await this.send();
			this.sending = null;
			if (!signal.aborted) this.onDone(answer);
		} catch (error) {
			if (!signal.aborted) this.showFault(error);
		} finally {
			this.sending = null;
			this.element.removeAttribute('aria-busy');
			fill(this.progress);
		}
	}

	/** @param {unknown} error null: none */
	showFault(error) {
		fill(this.fault, this.tell(showFaults(this.fields, error), error).flat());
		// Many lines of the emulator's.
		this.fault.querySelector('pre')?.focus();
	}

	/**
	 * A spec with its firmware: one that is uploaded goes with it, as a form.
	 * @param {string} path
	 * @param {Firmware} firmware
	 * @param {(file: string | null) => unknown} makeSpec file: as the API names it; null: none, or it is sent along
	 * @returns {Promise<T>}
	 */
	post(path, firmware, makeSpec) {
		if (firmware && 'file' in firmware) return this.upload(path, firmware.file, makeSpec(null));
		return this.api.request('POST', path, makeSpec(firmware && firmware.reference));
	}

	/**
	 * @param {string} path
	 * @param {File} file
	 * @param {unknown} [spec]
	 * @returns {Promise<any>}
	 */
	async upload(path, file, spec) {
		const form = new FormData();
		if (spec !== undefined) form.append('spec', new Blob([JSON.stringify(spec)], { type: 'application/json' }));
		form.append('file', file, file.name);
		const progress = createUploadProgress({ name: file.name, onCancel: () => this.cancel() });
		fill(this.progress, progress.element);
		this.isUploading = true;
		try {
			const { json } = await upload(this.api, path, form, { signal: this.sending?.signal, onProgress: progress.update });
			return json;
		} finally {
			this.isUploading = false;
		}
	}
}
