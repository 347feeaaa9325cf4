// States of instances: what fits them, and how they are told. No DOM.

import { formatExit } from './format.js';

/** @typedef {import('./api.js').Instance} Instance */

export const STATES = ['created', 'starting', 'running', 'paused', 'stopping', 'exited', 'failed'];

/** Which action fits which state. @type {Record<string, (state: string) => boolean>} */
export const ACTIONS_FIT = {
	start: (state) => ['created', 'exited', 'failed'].includes(state),
	stop: (state) => ['starting', 'running', 'paused'].includes(state),
	restart: (state) => ['running', 'paused'].includes(state),
	reset: (state) => ['running', 'paused'].includes(state),
	pause: (state) => state === 'running',
	resume: (state) => state === 'paused',
	delete: () => true,
};

/** @param {Pick<Instance, 'state' | 'paused_by' | 'exit'>} instance */
export function tellState({ state, paused_by: pausedBy, exit }) {
	if (state === 'paused' && pausedBy === 'disk_full') return 'paused, disk full';
	if (exit?.reason === 'start_failed') return 'failed to start';
	return exit ? `${state}, ${formatExit(exit)}` : state;
}

/** What went wrong, in the emulator's own words; null: nothing, or it said none. @param {Pick<Instance, 'state' | 'exit'>} instance */
export const tellFault = ({ state, exit }) => (state === 'failed' && exit?.detail) || null;

/** R00=20000000 R01=…, FPSCR: 00000000, pc 0000000080000000 */
const REGISTERS = /^\s*[\w/.]+\s*[=:\s]\s*(0x)?[0-9a-f]{8,}(\s|$)/i;

/**
 * Which line of an emulator's last words tells why it ended: a part of them, without the emulator's name.
 * @param {string} words
 * @param {string} emulator
 */
export function findReason(words, emulator) {
	const lines = words.split('\n').filter((line) => line.trim() && !REGISTERS.test(line) && !/\bwarning:/.test(line));
	const reason = lines.find((line) => /fatal|error/i.test(line)) ?? lines.reverse().find((line) => !line.startsWith('Use -')) ?? words;
	const [speaker] = reason.split(' ', 1);
	return speaker.startsWith(emulator) && speaker.endsWith(':') ? reason.slice(speaker.length + 1) : reason;
}

/** Since when it is up, in ms since 1970; null: it is not. @param {Pick<Instance, 'state' | 'started_at'>} instance */
export function upSince({ state, started_at: startedAt }) {
	const isUp = ['starting', 'running', 'paused', 'stopping'].includes(state);
	return isUp && startedAt ? Date.parse(startedAt) : null;
}

/** By name, as people count: run-2 before run-10. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** @param {string} one @param {string} other */
export const compareIds = (one, other) => compare(one, other) || (one < other ? -1 : Number(one > other));
