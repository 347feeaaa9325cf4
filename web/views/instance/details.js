// Everything that is known of an instance, and how its channels are reached.

import { createCopyLine } from '../../components/copy_line.js';
import { fill, h, timeElement } from '../../components/dom.js';
import { createStoredFiles } from '../../components/stored_file.js';
import { apiPath } from '../../lib/api.js';
import { channelAddress, connectCommand, forwardCommand, shellCommand } from '../../lib/connect_words.js';
import { formatExit, formatTime } from '../../lib/format.js';

/**
 * @typedef {import('../../lib/api.js').Instance} Instance
 * @typedef {import('../../components/dom.js').Child} Child
 * @typedef {ReturnType<typeof createStoredFiles>} StoredFiles
 */

/** @param {Instance} instance @param {StoredFiles} stored @returns {Child} */
function tellFirmware({ file }, stored) {
	if (!file) return 'none';
	return file.sha256 ? stored(file.sha256) : h('code', {}, file.path);
}

/** @param {string | null} time @returns {Child} */
const tellTime = (time) => (time ? timeElement(time, formatTime(time)) : '–');

/** @param {Instance} instance @param {StoredFiles} stored @returns {[string, Child | Child[]][]} */
function tellFacts(instance, stored) {
	const { exit } = instance;
	const labels = Object.entries(instance.labels);
	return [
		['State', instance.paused_by ? `${instance.state} (${instance.paused_by.replaceAll('_', ' ')})` : instance.state],
		['Target', instance.target],
		['Emulator', instance.adopted ? `${instance.emulator}, started by pw emu` : instance.emulator],
		['Firmware', tellFirmware(instance, stored)],
		['Arguments', instance.args.length ? h('code', {}, shellCommand(instance.args)) : 'none'],
		['Labels', labels.length ? labels.map(([key, value]) => h('span', { class: 'label' }, `${key}=${value}`)) : 'none'],
		['Starts', instance.start_number],
		['Created', tellTime(instance.created_at)],
		['Started', tellTime(instance.started_at)],
		['Ended', tellTime(instance.ended_at)],
		['Ended how', exit ? [formatExit(exit), exit.detail && h('pre', { tabIndex: 0, 'aria-label': 'Last words of the emulator' }, exit.detail)] : '–'],
		['State directory', h('code', {}, instance.path)],
	];
}

/**
 * @param {string} caption
 * @param {string[]} columns
 * @param {Child[][]} rows
 */
const createTable = (caption, columns, rows) =>
	h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
		h('table', {}, h('caption', { class: 'unseen' }, caption),
			h('thead', {}, h('tr', {}, columns.map((name) => h('th', { scope: 'col' }, name)))),
			h('tbody', {}, rows.map(([name, ...cells]) => h('tr', {}, h('th', { scope: 'row' }, name), cells.map((cell) => h('td', {}, cell)))))));

/** @param {Instance} instance @returns {Child[]} */
function createChannels({ id, channels, gdb }) {
	const rows = Object.entries(channels).map(([name, channel]) => {
		const command = channel.kind === 'gdb' && gdb?.remote ? shellCommand(gdb.command)
			: connectCommand(channel, new URL(apiPath('instances', id, 'channels', name, 'output'), location.href).href);
		return [name, channel.kind, channel.type, channelAddress(channel) || 'over HTTP alone',
			command && createCopyLine(`How to connect to ${name}`, command).element];
	});
	if (rows.length === 0) return [h('p', {}, 'Known once it has started.')];
	const forward = forwardCommand(Object.values(channels), location.hostname);
	return [
		createTable('Channels', ['Channel', 'Kind', 'Type', 'Address', 'From a terminal'], rows),
		forward && h('p', { class: 'quiet' }, 'The addresses are those of emud’s machine. On another one, run this beside it:'),
		forward && createCopyLine('The command that forwards the ports', forward).element,
	];
}

/** @param {Instance} instance */
function createProcesses({ processes }) {
	const rows = Object.entries(processes).map(([name, { pid }]) => [name, pid]);
	return rows.length ? createTable('Processes', ['Process', 'PID'], rows) : h('p', {}, 'None runs.');
}

/**
 * @param {HTMLElement} outlet
 * @param {Instance} instance
 * @param {StoredFiles} stored
 */
function show(outlet, instance, stored) {
	fill(outlet,
		h('dl', { class: 'details' }, tellFacts(instance, stored).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
		h('h2', {}, 'Command'),
		instance.command ? createCopyLine('The exact command', shellCommand(instance.command)).element : h('p', {}, 'Known once it has started.'),
		h('h2', {}, 'Channels'), createChannels(instance),
		h('h2', {}, 'Processes'), createProcesses(instance));
}

/** @type {import('../instance.js').TabView} */
export function mount(outlet, instance, app) {
	let told = JSON.stringify(instance);
	const stored = createStoredFiles(app.api);
	show(outlet, instance, stored);
	return {
		unmount() {},
		/** What has not changed stays: what is chosen in it, and where the focus is. */
		update(now) {
			const text = JSON.stringify(now);
			if (text !== told) show(outlet, now, stored);
			told = text;
		},
	};
}
