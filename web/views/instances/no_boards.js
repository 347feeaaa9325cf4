// How to begin where there is no instance yet, with a target that is really there.

import { createCurlLine } from '../../components/curl_line.js';
import { fill, h } from '../../components/dom.js';

/** @param {HTMLElement} section @param {import('../../app.js').App} app */
export function showNoBoards(section, app) {
	let target = '…';
	const curl = createCurlLine(app.api, () => ({ url: `${location.origin}/v1/instances`, json: { target } }));
	fill(section,
		h('h2', {}, 'No boards yet'),
		h('p', {}, 'An instance is an emulated board that runs a firmware. Begin with ', h('a', { href: '#/new' }, 'a new one'),
			', see ', h('a', { href: '#/targets' }, 'what boards there are'), ', or from a terminal:'),
		curl.element);
	void app.api.listTargets().then((targets) => {
		target = (targets.find(({ available }) => available) ?? targets[0])?.name ?? target;
		curl.update();
	}).catch((error) => app.notices.failAsking(error));
}
