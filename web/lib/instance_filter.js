// What is typed into the filter of instances: words, and state:, target:, label:key=value. No DOM.

/** Where something begins, so does what a quote holds: label:key="some words". Amid a word it is one of its letters: 5". */
const QUOTED = /(?<=^|[\s:=])"((?:[^"\\]|\\.?)*)(?:"|$)/gs;
const TERM = new RegExp(`(?:${QUOTED.source}|\\S)+`, QUOTED.flags);
const ESCAPE = /\\(["\\])/g;

/**
 * @typedef {{words: string[], states: string[], targets: string[], labels: [string, string | null][]}} InstanceFilter
 */

/** @param {string} text @returns {InstanceFilter} */
export function readFilter(text) {
	/** @type {InstanceFilter} */
	const filter = { words: [], states: [], targets: [], labels: [] };
	for (const quoted of text.toLowerCase().match(TERM) ?? []) {
		const term = quoted.replace(QUOTED, (_, held) => held.replace(ESCAPE, '$1'));
		const [, key, value] = /^(state|target|label):(.+)$/.exec(term) ?? [];
		if (key === 'state') filter.states.push(value);
		else if (key === 'target') filter.targets.push(value);
		else if (key === 'label') filter.labels.push(readLabel(value));
		else filter.words.push(term);
	}
	return filter;
}

/** @param {string} text @returns {[string, string | null]} */
function readLabel(text) {
	const [, key, value] = /^([^=:]+)(?:[=:](.*))?$/.exec(text) ?? [];
	return [key ?? text, value ?? null];
}

/**
 * @param {{id: string, target: string, state: string, labels: Record<string, string>}} instance
 * @param {InstanceFilter} filter
 */
export function matchesFilter(instance, { words, states, targets, labels }) {
	const told = [instance.id, instance.target, instance.state, ...Object.entries(instance.labels).flat()].join(' ').toLowerCase();
	const lower = Object.entries(instance.labels).map(([key, value]) => [key.toLowerCase(), value.toLowerCase()]);
	return words.every((word) => told.includes(word)) &&
		(states.length === 0 || states.includes(instance.state)) &&
		targets.every((target) => instance.target.toLowerCase().includes(target)) &&
		labels.every(([key, value]) => lower.some(([name, is]) => name === key && (value === null || is === value)));
}
