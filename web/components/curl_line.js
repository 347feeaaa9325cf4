// The curl command that does what a form would do.

import { curlCommand } from '../lib/curl.js';
import { createCopyLine } from './copy_line.js';

/**
 * @param {import('../lib/api.js').Api} api knows whether a command needs a token
 * @param {() => import('../lib/curl.js').CurlRequest | string} describe what the form would send now, or why it can send nothing
 * @param {string} [label]
 * @returns {{element: HTMLElement, update: () => void}} update: the form has changed
 */
export function createCurlLine(api, describe, label = 'The same with curl') {
	const line = createCopyLine(label);
	const update = () => {
		const request = describe();
		line.setText(typeof request === 'string' ? `# ${request}` : curlCommand({ needsToken: api.isGuarded, ...request }));
	};
	update();
	void api.learnGuard().then(update);
	return { element: line.element, update };
}
