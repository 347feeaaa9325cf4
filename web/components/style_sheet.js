// A style sheet that only some pages need.

import { h } from './dom.js';

/**
 * Before the page's own sheets, which may say otherwise.
 * @param {string} href
 * @returns {Promise<void>} resolves when it applies, or cannot be had: what it is for still works without
 */
export function loadStyleSheet(href) {
	return new Promise((resolve) => {
		document.head.prepend(h('link', { rel: 'stylesheet', href, onload: () => resolve(), onerror: () => resolve() }));
	});
}
