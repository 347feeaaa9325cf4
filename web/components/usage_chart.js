// One value over time, drawn by uPlot in the page's colours; in words for those who do not see it.

import uPlot from '/ui/vendor/uplot/uPlot.esm.js';
import { h } from './dom.js';
import { loadStyleSheet } from './style_sheet.js';

const HEIGHT_PX = 200;
const LABELS_PX = 80;
const LEAST_SECONDS = 30;

await loadStyleSheet('/ui/vendor/uplot/uPlot.min.css');

/** @param {string} name of a colour of the style sheet */
function readColour(name) {
	// light-dark() is resolved in a colour property only.
	const probe = h('span', { hidden: true });
	probe.style.color = `var(${name})`;
	document.body.append(probe);
	const { color } = getComputedStyle(probe);
	probe.remove();
	return color;
}

/**
 * @param {string} name
 * @param {(value: number) => string} format
 * @param {number} least of the scale's upper end
 * @param {number[]} steps the axis may count in
 * @param {number} width
 * @returns {uPlot.Options}
 */
function describe(name, format, least, steps, width) {
	const time = (/** @type {number} */ seconds) => new Date(seconds * 1000).toLocaleTimeString();
	const axis = { stroke: readColour('--quiet'), grid: { stroke: readColour('--line'), width: 1 }, ticks: { show: false } };
	const accent = readColour('--accent');
	return {
		width, height: HEIGHT_PX, legend: { show: false },
		scales: {
			x: { range: (_, first, last) => [Math.min(first, last - LEAST_SECONDS), last] },
			y: { range: (_, __, most) => [0, Math.max(least, most * 1.1)] },
		},
		axes: [{ ...axis, size: 30, space: 110, incrs: [1, 5, 10, 30, 60, 120, 300], values: (_, values) => values.map(time) }, { ...axis, size: LABELS_PX, incrs: steps, values: (_, values) => values.map(format) }],
		series: [{}, { label: name, stroke: accent, width: 2, paths: uPlot.paths.stepped?.({ align: 1 }), points: { show: false } }],
		cursor: { y: false, drag: { x: false, y: false } },
	};
}

/**
 * @param {{name: string, format: (value: number) => string, least: number, steps: number[]}} options
 * @returns {{element: HTMLElement, show: (series: [number[], number[]], words: string) => void, dispose: () => void}}
 */
export function createUsageChart({ name, format, least, steps }) {
	const element = h('div', { class: 'chart', role: 'img', 'aria-label': name });
	/** @type {[number[], number[]]} */
	let shown = [[], []];
	/** @type {uPlot | null} */
	let chart = null;
	const draw = () => {
		chart?.destroy();
		chart = element.clientWidth ? new uPlot(describe(name, format, least, steps, element.clientWidth), shown, element) : null;
	};
	const observer = new ResizeObserver(() => {
		if (chart) chart.setSize({ width: element.clientWidth, height: HEIGHT_PX });
		else draw();
	});
	observer.observe(element);
	// Colours are the canvas's own once drawn: another theme draws anew.
	const themes = new MutationObserver(draw);
	themes.observe(document.documentElement, { attributes: true });
	const dark = matchMedia('(prefers-color-scheme: dark)');
	dark.addEventListener('change', draw);
	return {
		element,
		show(series, words) {
			shown = series;
			chart?.setData(series);
			element.setAttribute('aria-label', words);
		},
		dispose() {
			observer.disconnect();
			themes.disconnect();
			dark.removeEventListener('change', draw);
			chart?.destroy();
		},
	};
}
