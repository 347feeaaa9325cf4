// The record of a run: all that made it, so that it can be made again.

import { createCopyLine } from '../../components/copy_line.js';
import { createCurlLine } from '../../components/curl_line.js';
import { fill, h, timeElement } from '../../components/dom.js';
import { createStoredFiles } from '../../components/stored_file.js';
import { shellCommand } from '../../lib/connect_words.js';
import { formatBytes, formatDuration, formatExit, formatTime } from '../../lib/format.js';
import { tellSend } from '../../lib/run_form.js';

/**
 * @typedef {import('../../lib/api.js').Run} Run
 * @typedef {import('../../components/dom.js').Child} Child
 * @typedef {ReturnType<typeof createStoredFiles>} StoredFiles
 */

/** @param {string[]} patterns @returns {Child | Child[]} */
const tellPatterns = (patterns) => (patterns.length ? patterns.map((pattern) => h('code', { class: 'pattern' }, pattern)) : 'none');

/** @param {Run} run @param {StoredFiles} stored @returns {Child | Child[]} */
function tellFirmware({ file }, stored) {
	if (!file) return 'none';
	return [file.path && h('code', { class: 'pattern' }, file.path), file.sha256 && stored(file.sha256)];
}

/** @param {Run} run @returns {Child | Child[]} */
function tellInput({ input = [] }) {
	if (input.length === 0) return 'none';
	return h('ol', { class: 'steps' }, input.map((step) =>
		h('li', {}, step.expect ? ['waits for ', h('code', {}, step.expect), ', then sends '] : 'sends ', h('code', {}, tellSend(step)))));
}

/** @param {Run} run @returns {Child | Child[]} */
function tellMatch({ matched }) {
	if (!matched) return '–';
	return [h('code', {}, matched.pattern), ` (${matched.kind}) at bytes ${matched.start.toLocaleString()} to ${matched.end.toLocaleString()}`];
}

/** @param {string | null} time @returns {Child} */
const tellTime = (time) => (time ? timeElement(time, formatTime(time)) : '–');

/** @param {number | null | undefined} seconds */
const tellSeconds = (seconds) => (seconds ? formatDuration(seconds) : 'none');

/** @param {Run} run @param {StoredFiles} stored @returns {[string, Child | Child[]][]} */
function tellFacts(run, stored) {
	const labels = Object.entries(run.labels);
	return [
		['Target', run.target],
		['Emulator', [run.emulator, run.versions.emulator].filter(Boolean).join(' ')],
		['emud', run.versions.emud],
		['Firmware', tellFirmware(run, stored)],
		['Arguments', run.args.length ? h('code', {}, shellCommand(run.args)) : 'none'],
		['Console', run.channel ?? 'the first one'],
		['Pass patterns', tellPatterns(run.pass)],
		['Fail patterns', tellPatterns(run.fail)],
		['What matched', tellMatch(run)],
		['Input', tellInput(run)],
		['Timeout', tellSeconds(run.timeout)],
		['Idle timeout', tellSeconds(run.idle_timeout)],
		['Queue timeout', tellSeconds(run.queue_timeout)],
		['Labels', labels.length ? labels.map(([key, value]) => h('span', { class: 'label' }, `${key}=${value}`)) : 'none'],
		['Asked for by', run.actor ?? '–'],
		['Without its client', run.detach ? 'goes on (detached)' : 'ends'],
		['Came', tellTime(run.created_at)],
		['Started', tellTime(run.started_at)],
		['Ended', tellTime(run.ended_at)],
		['How the board ended', run.exit ? formatExit(run.exit) : '–'],
		['Output', run.state === 'ended' ? formatBytes(run.output_bytes) : '–'],
	];
}

/**
 * @param {HTMLElement} outlet
 * @param {Run} run
 * @param {HTMLElement} again
 * @param {StoredFiles} stored
 */
function show(outlet, run, again, stored) {
	fill(outlet,
		h('dl', { class: 'details' }, tellFacts(run, stored).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
		h('h2', {}, 'Command'),
		run.command ? createCopyLine('The exact command', shellCommand(run.command)).element : h('p', {}, 'Known once its board has started.'),
		h('h2', {}, 'Configuration'),
		run.configuration ? h('pre', { tabIndex: 0, 'aria-label': 'Configuration of the target' }, JSON.stringify(run.configuration, null, 2)) : h('p', {}, 'Not known yet.'),
		h('h2', {}, 'Again from a terminal'), again);
}

/** The call that repeats it. @param {Run} run @param {import('../../app.js').App} app */
function createAgain({ id }, { api }) {
	return createCurlLine(api, () => ({ method: 'POST', url: `${location.origin}/runs/${id}/rerun?strict=true` }), 'Run again with curl').element;
}

/** @type {import('../run.js').TabView} */
export function mount(outlet, run, app) {
	let told = JSON.stringify(run);
	const again = createAgain(run, app);
	const stored = createStoredFiles(app.api);
	show(outlet, run, again, stored);
	return {
		unmount() {},
		/** What has not changed stays: what is chosen in it, and where the focus is. */
		update(now) {
			const text = JSON.stringify(now);
			if (text !== told) show(outlet, now, again, stored);
			told = text;
		},
	};
}
