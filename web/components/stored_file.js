// A stored file: what it is called here, and what it is.

import { route } from '../lib/routes.js';
import { h, setText } from './dom.js';

/**
 * The name comes when it is known; a file that is not stored any more has none.
 * @param {import('../lib/api.js').Api} api
 * @returns {(sha256: string) => HTMLElement} the same element for the same file
 */
export function createStoredFiles(api) {
	/** @type {Map<string, HTMLElement>} */
	const shown = new Map();
	return (sha256) => {
		const before = shown.get(sha256);
		if (before) return before;
		const name = h('span');
		const link = h('a', { href: route('files') }, name, h('code', {}, `sha256:${sha256}`));
		shown.set(sha256, link);
		void api.listFiles().then((files) => {
			const found = files.find((file) => file.sha256 === sha256);
			if (found) setText(name, `${found.name}, `);
		}, () => {});
		return link;
	};
}
