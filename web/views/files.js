// The firmware that is stored here: what its header says, and what can be done with it.

import { confirmAction } from '../components/confirm.js';
import { createCurlLine } from '../components/curl_line.js';
import { fill, h, setText, timeElement } from '../components/dom.js';
import { createDropZone } from '../components/drop_zone.js';
import { OrderedRows } from '../components/ordered_rows.js';
import { createUploadProgress } from '../components/upload_progress.js';
import { apiPath } from '../lib/api.js';
import { formatBytes, formatTime } from '../lib/format.js';
import { followList } from '../lib/live_list.js';
import { readStart, upload } from '../lib/upload.js';

/**
 * @typedef {import('../app.js').App} App
 * @typedef {import('../lib/api.js').StoredFile} StoredFile
 * @typedef {{file: File, row: HTMLElement, progress: ReturnType<typeof createUploadProgress>, cancelling: AbortController}} Upload
 */

/** As the bytes themselves: a form would change some names. @param {string} name */
const uploadPath = (name) => `/v1/files?name=${encodeURIComponent(name)}`;
/** A browser allows six connections a host, and there are consoles too. */
const MOST_AT_ONCE = 2;
const NAMED_MOST = 3;

/** @param {string | number | null} entry */
const formatEntry = (entry) => (entry === null ? '' : `0x${BigInt(entry).toString(16)}`);

class FilesView {
	/**
	 * @param {HTMLElement} outlet
	 * @param {App} app
	 */
	constructor(outlet, app) {
		this.app = app;
		/** By name and SHA-256, in the order of the API's. @type {Map<string, StoredFile>} */
		this.files = new Map();
		/** @type {Upload[]} */
		this.waiting = [];
		this.uploading = 0;
		/** What is to be told of those that are done. @type {string[]} */
		this.stored = [];
		this.leaving = new AbortController();
		this.zone = createDropZone({ label: 'Choose files to upload', isMultiple: true, onFiles: (files) => this.add(files) });
		this.uploads = h('ul', { class: 'uploads', 'aria-label': 'Uploads' });
		this.body = h('tbody');
		this.rows = new OrderedRows(this.body, {
			create: (id) => this.createRow(/** @type {StoredFile} */ (this.files.get(id))),
			leave: () => this.zone.input.focus(),
		});
		this.count = h('p', { class: 'quiet', role: 'status' });
		this.table = h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Table of files', hidden: true },
			h('table', { class: 'files' }, h('caption', { class: 'unseen' }, 'Files'),
				h('thead', {}, h('tr', {}, ['Name', 'Size', 'Kind', 'Machine', 'Entry', 'Added', 'SHA-256', 'Actions'].map((name) => h('th', { scope: 'col' }, name)))),
				this.body));
		this.empty = h('section', { class: 'empty', hidden: true }, h('h2', {}, 'No files yet'),
			h('p', {}, 'Firmware uploaded once serves any number of instances and runs. Drop an ELF file above, or upload it from a terminal.'));
		this.curl = createCurlLine(app.api, () => ({ method: 'POST', url: location.origin + uploadPath(this.named), file: this.named }));
		// Below what is there: shown with it.
		this.command = h('section', { hidden: true }, h('h2', {}, 'The same with curl'), this.curl.element);
		outlet.append(h('div', { class: 'heading' }, h('h1', {}, 'Files'), this.count), this.zone.element, this.uploads, this.table, this.empty, this.command);
		this.stop = followList(app.store, 'files', () => app.api.listFiles(), {
			onLoad: (files) => this.show(files),
			onFault: (error) => app.notices.failAsking(error),
		});
	}

	/** What the command uploads: the last that was chosen. */
	named = 'firmware.elf';

	unmount() {
		this.stop();
		this.rows.stop();
		if (this.uploading) this.app.notices.tell('The uploads that were not done were cancelled.');
		this.leaving.abort();
	}

	/** @param {StoredFile[]} files */
	show(files) {
		this.files = new Map(files.map((file) => [`${file.name}\n${file.sha256}`, file]));
		this.rows.setAll(this.files.keys());
		setText(this.count, files.length ? `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(files.reduce((sum, { size }) => sum + size, 0))}` : '');
		this.table.hidden = files.length === 0;
		this.empty.hidden = files.length > 0;
		this.command.hidden = false;
	}

	/** @param {StoredFile} file */
	createRow(file) {
		const { sha256, name, size, kind, machine, entry, created_at } = file;
		const reference = encodeURIComponent(`sha256:${sha256}`);
		/** @param {string} text @param {string} href @param {object} [more] */
		const link = (text, href, more) => h('a', { class: 'button', href, 'aria-label': `${text}: ${name}`, ...more }, text);
		const instance = link('New instance', `#/new?file=${reference}`);
		const row = h('tr', { 'data-sha256': sha256 }, h('th', { scope: 'row' }, name), h('td', {}, formatBytes(size)), h('td', {}, kind), h('td', {}, machine ?? ''),
			h('td', { class: 'mono' }, formatEntry(entry)), h('td', {}, created_at && timeElement(created_at, formatTime(created_at))),
			h('td', { class: 'mono', title: sha256 }, sha256.slice(0, 12)),
			h('td', {}, h('div', { class: 'actions' }, instance, link('Run', `#/new-run?file=${reference}`),
				link('Download', apiPath('files', sha256, 'content'), { download: name }),
				h('button', { type: 'button', class: 'danger', 'aria-label': `Delete: ${name}`, onclick: () => this.delete(file) }, 'Delete'))));
		return { row, link: instance };
	}

	/** @param {StoredFile} file */
	async delete({ sha256, name }) {
		if (!(await confirmAction({ title: `Delete ${name}?`, text: 'It must be uploaded again to be used again.', action: 'Delete' }))) return;
		const { api, notices } = this.app;
		try {
			await api.deleteFile(sha256);
			notices.announce(`${name} is deleted.`);
		} catch (error) {
			notices.fail(new Error(`${name}: ${error instanceof Error ? error.message : error}`));
		}
	}

	/** @param {File[]} files */
	add(files) {
		for (const file of files) {
			const cancelling = new AbortController();
			const progress = createUploadProgress({ name: file.name, onCancel: () => cancelling.abort() });
			const row = h('li', {}, progress.element);
			cancelling.signal.addEventListener('abort', () => this.leaveOut(file, row));
			this.uploads.append(row);
			this.waiting.push({ file, row, progress, cancelling });
		}
		this.named = files[0].name;
		this.curl.update();
		this.next();
	}

	next() {
		this.waiting = this.waiting.filter(({ cancelling }) => !cancelling.signal.aborted);
		for (const one of this.waiting.splice(0, MOST_AT_ONCE - this.uploading)) {
			this.uploading++;
			void this.send(one).finally(() => {
				this.uploading--;
				if (!this.leaving.signal.aborted) this.next();
				if (this.uploading === 0) this.tellStored();
			});
		}
	}

	/** @param {Upload} upload */
	async send({ file, row, progress, cancelling }) {
		const { signal } = cancelling;
		const cancel = () => cancelling.abort();
		this.leaving.signal.addEventListener('abort', cancel);
		const headers = { 'content-type': 'application/octet-stream' };
		try {
			await readStart(file, 1);
			const { status, json } = await upload(this.app.api, uploadPath(file.name), file, { headers, signal, onProgress: progress.update });
			const asAnother = !json || json.name === file.name ? '' : `, as ${json.name}`;
			this.stored.push(`${file.name} ${status === 201 ? 'is stored' : 'was stored already'}${asAnother}.`);
			row.remove();
		} catch (error) {
			if (!signal.aborted) this.tellFault(file, row, error instanceof Error ? error.message : String(error));
		} finally {
			this.leaving.signal.removeEventListener('abort', cancel);
		}
	}

	/** @param {File} file @param {HTMLElement} row */
	leaveOut(file, row) {
		row.remove();
		this.app.notices.announce(`${file.name} is not sent.`);
	}

	/** Once for all that were sent together. */
	tellStored() {
		const stored = this.stored.splice(0);
		if (stored.length) this.app.notices.tell(stored.length > NAMED_MOST ? `${stored.length} files are stored.` : stored.join(' '));
	}

	/** It stays until it is dismissed or tried again. @param {File} file @param {HTMLElement} row @param {string} text */
	tellFault(file, row, text) {
		const again = () => {
			row.remove();
			this.add([file]);
			this.zone.input.focus();
		};
		const dismiss = () => {
			row.remove();
			this.zone.input.focus();
		};
		fill(row, h('div', { class: 'upload', role: 'alert' }, h('span', { class: 'upload-name' }, file.name), h('span', { class: 'danger' }, text),
			h('button', { type: 'button', 'aria-label': `Try again: ${file.name}`, onclick: again }, 'Try again'),
			h('button', { type: 'button', 'aria-label': `Dismiss: ${file.name}`, onclick: dismiss }, 'Dismiss')));
	}
}

/** @type {import('../app.js').View} */
export function mount(outlet, place, app) {
	const view = new FilesView(outlet, app);
	return { title: 'Files', unmount: () => view.unmount() };
}
