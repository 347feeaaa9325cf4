// Debugging: gdb in a terminal of one's own, gdb commands from here, another image for the running board.

import { createCopyLine } from '../../components/copy_line.js';
import { fill, h, setText } from '../../components/dom.js';
import { forwardCommand, shellCommand } from '../../lib/connect_words.js';
import { fileReference } from '../../lib/image_request.js';
import { GdbForm } from './gdb_form.js';
import { ImageForm } from './image_form.js';

/** @typedef {import('../../lib/api.js').Instance} Instance */

/** @param {Instance} instance @returns {import('../../components/dom.js').Child[]} */
function createCommand({ gdb, channels }) {
	if (!gdb) return [h('p', {}, 'Known while the instance runs.')];
	if (!gdb.remote) return [h('p', {}, 'Raw channels are off here: gdb reaches the board over the commands below, or the channel’s WebSocket.')];
	const forward = forwardCommand(Object.values(channels).filter(({ kind }) => kind === 'gdb'), location.hostname);
	return [
		forward && h('p', { class: 'quiet' }, 'On another machine than emud’s, run this beside it:'),
		forward && createCopyLine('The command that forwards the port', forward).element,
		createCopyLine('The command for gdb', shellCommand(gdb.command)).element,
	];
}

/** What was loaded from here, by starts of instances: an instance tells only what it started with. @type {Map<string, string | null>} */
const loaded = new Map();

/** @param {Instance} instance */
const startOf = ({ id, created_at: created, start_number: number }) => `${id} ${created} ${number}`;

/**
 * What was typed, asked of gdb and answered, while another view is shown: by instances, each for the start that it was shown of last.
 * @type {Map<string, {instance: Instance, gdb: GdbForm}>}
 */
const kept = new Map();
let isForgetting = false;

/** What went, or began another start. @param {import('../../lib/store.js').Store} store */
function forget({ instances, isLoaded }) {
	for (const [id, { instance }] of kept) {
		const known = instances.get(id);
		if (known ? known.start_number > instance.start_number : isLoaded) kept.delete(id);
	}
}

/** @param {import('../../lib/store.js').Store} store @param {Instance} instance @param {GdbForm} gdb */
function keep(store, instance, gdb) {
	if (gdb.isUnused) return;
	// Without what stood around it.
	gdb.element.remove();
	kept.set(instance.id, { instance, gdb });
	if (!isForgetting) store.subscribe('instances', () => forget(store));
	isForgetting = true;
	forget(store);
}

/** @param {import('../../app.js').App} app @param {Instance} instance */
function takeKept(app, instance) {
	const { instance: before, gdb } = kept.get(instance.id) ?? {};
	kept.delete(instance.id);
	return before && gdb && startOf(before) === startOf(instance) ? gdb : new GdbForm(app, instance);
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	const command = h('div', {});
	const notice = h('p', { role: 'status' });
	const image = h('p', { class: 'facts' });
	const gdb = takeKept(app, instance);
	let shown = instance;
	const load = new ImageForm(app, instance, 'load', (now, file) => {
		loaded.set(startOf(now), file);
		update(now);
		app.notices.tell('The image is loaded, and the board was reset.');
	});
	let told = '';
	outlet.append(notice, h('h2', {}, 'gdb in a terminal'), command,
		h('div', { class: 'split' },
			h('section', {}, h('h2', {}, 'gdb from here'), gdb.element),
			h('section', {}, h('h2', {}, 'Load an image'), h('p', { class: 'quiet' }, 'Into the running board, which is reset after it.'), image, load.element)));

	/** @param {Instance} now */
	function update(now) {
		shown = now;
		const isLive = ['running', 'paused'].includes(now.state);
		setText(notice, isLive ? '' : 'Boards are debugged while they run.');
		notice.hidden = isLive;
		const since = loaded.get(startOf(now)) ?? null;
		setText(image, since === null ? '' : `It runs ${since}, until it starts again.`);
		image.hidden = since === null;
		gdb.setImage(since ?? fileReference(now.file));
		gdb.setLive(isLive);
		load.setLive(isLive);
		// What has not changed stays, with the focus in it.
		const text = JSON.stringify(now.gdb);
		if (text !== told) fill(command, createCommand(now));
		told = text;
	}

	update(instance);
	return {
		update,
		unmount() {
			keep(app.store, shown, gdb);
			load.unmount();
		},
	};
}
