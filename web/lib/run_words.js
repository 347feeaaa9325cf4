// What came of a run, in words. No DOM.

import { formatDuration } from './format.js';

/** @typedef {import('./api.js').Run} Run */

export const STATES = ['queued', 'running', 'ended'];
/** @type {Record<string, string>} */
export const VERDICTS = {
	passed: 'passed', failed: 'failed', timed_out: 'timed out', crashed: 'crashed', not_started: 'not started', canceled: 'canceled',
};
const QUOTED_CHARACTERS = 80;

/** @param {{state: string, verdict: string | null, queue_position?: number | null}} run */
export function tellOutcome({ state, verdict, queue_position }) {
	if (state === 'ended') return VERDICTS[verdict ?? ''] ?? verdict ?? 'ended';
	return state === 'queued' && queue_position ? `queued, number ${queue_position}` : state;
}

/** Text that a board printed, in a sentence. @param {string} text */
export function quoteText(text) {
	const shown = text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text;
	// eslint-disable-next-line no-control-regex
	return `“${shown.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll(/[\x00-\x1f\x7f]/g, ' ')}”`;
}

/** @param {Run} run @param {string} kind */
function tellMatch({ matched, duration }, kind) {
	if (!matched) return `A ${kind} pattern matched.`;
	const when = duration === null || duration === undefined ? '' : ` after ${formatDuration(duration)}`;
	const which = matched.text === matched.pattern ? '' : `, which matches ${quoteText(matched.pattern)}`;
	return `It printed ${quoteText(matched.text)}${which}${when}.`;
}

/** @param {number | null | undefined} seconds */
const within = (seconds) => (seconds ? ` within ${formatDuration(seconds)}` : ' in the time it had');

/** One sentence a reason. @type {Record<string, (run: Run) => string>} */
const REASONS = {
	pass_pattern: (run) => tellMatch(run, 'pass'),
	fail_pattern: (run) => tellMatch(run, 'fail'),
	guest_exit: ({ exit }) => `The guest ended itself${exit?.code === null || exit?.code === undefined ? '' : ` with code ${exit.code}`}.`,
	guest_shutdown: () => 'The guest shut the board down.',
	no_pass_pattern: () => 'The board ended without having printed what was to be matched.',
	timeout: ({ timeout }) => `Nothing decided it${within(timeout)}.`,
	idle_timeout: ({ idle_timeout }) => `It printed nothing${idle_timeout ? ` for ${formatDuration(idle_timeout)}` : ' for too long'}.`,
	crashed: ({ exit }) => `The emulator crashed${exit?.signal ? ` (${exit.signal})` : ''}.`,
	supervisor_lost: () => 'The process that looked after the emulator was lost.',
	start_failed: () => 'The board did not start.',
	queue_timeout: ({ queue_timeout }) => `No place came free${within(queue_timeout)}.`,
	client_gone: () => 'Whoever waited for it went away.',
	canceled: () => 'It was canceled.',
	stopped: () => 'Somebody stopped its board.',
	instance_deleted: () => 'Somebody deleted its board.',
	emud_restarted: () => 'emud was restarted, and the run was not detached.',
	host_restarted: () => 'The host was restarted.',
	pattern_too_slow: () => 'A pattern takes too long on this output.',
	output_lost: () => 'Output came faster than it could be looked at, and is no longer kept.',
	input_failed: () => 'A step of its input could not be taken.',
	internal_error: () => 'emud failed.',
};

/** Why it is as it is: one plain sentence. @param {Run} run */
export function tellWhy(run) {
	if (run.state === 'queued') return run.queue_position ? `It waits for a place: number ${run.queue_position} in the queue.` : 'It waits for a place.';
	if (run.state === 'running') return 'It runs, and nothing has decided it yet.';
	return REASONS[run.reason ?? '']?.(run) ?? `${run.reason ?? 'It has ended'}.`.replaceAll('_', ' ');
}

/** Where the sentence says what the detail does. */
const TOLD = ['guest_exit', 'guest_shutdown', 'no_pass_pattern', 'canceled', 'instance_deleted'];

/** What the sentence does not say already: the emulator's own words, mostly; of input that was not taken in time. @param {Run} run */
export function tellDetail({ reason, detail }) {
	if (!detail || !reason || TOLD.includes(reason)) return '';
	return ['timeout', 'idle_timeout'].includes(reason) ? detail.split('; ').slice(1).join('; ') : detail;
}

/** Seconds from its start to its verdict, or till now; null: it has not begun. @param {Run} run @param {number} now ms since 1970 */
export function durationOf({ duration, started_at, ended_at }, now) {
	if (duration !== null && duration !== undefined) return duration;
	if (!started_at) return null;
	return Math.max(0, ((ended_at ? Date.parse(ended_at) : now) - Date.parse(started_at)) / 1000);
}
