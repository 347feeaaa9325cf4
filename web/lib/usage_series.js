// CPU and memory over time: what a chart draws, and what is said of it. No DOM.

import { formatBytes, formatCpu, formatDuration } from './format.js';

/** @typedef {import('./store.js').Sample} Sample */

/** What emud remembers of before, and what has been told since. @param {Sample[]} before @param {Sample[]} told */
export const joinSamples = (before, told) => [...before.filter(({ time }) => told.length === 0 || time < told[0].time), ...told];

/**
 * A sample is told only when it has changed: until now it is as it was told last.
 * @param {Sample[]} samples oldest first
 * @param {'cpu' | 'rss_bytes'} key
 * @param {number} now ms since 1970
 * @returns {[number[], number[]]} seconds since 1970; values
 */
export function usageSeries(samples, key, now) {
	const times = samples.map(({ time }) => time / 1000);
	const values = samples.map((sample) => sample[key]);
	if (samples.length === 0) return [times, values];
	const last = samples[samples.length - 1];
	return [[...times, Math.max(now, last.time) / 1000], [...values, last[key]]];
}

/**
 * A chart in one sentence.
 * @param {string} what
 * @param {[number[], number[]]} series
 * @param {(value: number) => string} format
 */
export function tellSeries(what, [times, values], format) {
	if (values.length === 0) return `${what}: nothing is measured yet.`;
	const span = formatDuration(times[times.length - 1] - times[0]);
	return `${what} over ${span}: ${format(values[values.length - 1])} now, between ${format(Math.min(...values))} and ${format(Math.max(...values))}.`;
}

/**
 * What has been used since the start, which also tells of the time that nobody looked.
 * @param {{cpu_seconds: number, rss_bytes: number, disk_bytes: number}} usage
 * @param {string | null} startedAt
 * @param {number} now ms since 1970
 */
export function tellTotals({ cpu_seconds: cpu, rss_bytes: memory, disk_bytes: disk }, startedAt, now) {
	const seconds = startedAt ? (now - Date.parse(startedAt)) / 1000 : 0;
	const average = seconds >= 1 ? `, ${formatCpu(cpu / seconds)} on average` : '';
	return [`CPU time of this start: ${formatDuration(cpu)}${average}`, `Memory: ${formatBytes(memory)}`, `Disk: ${formatBytes(disk)}`];
}
