// The curl command that does what a form would do.

import { curlCommand } from '../lib/curl.js';
import { createCopyLine } from './copy_line.js';

/**
 * @param {() => import('../lib/curl.js').CurlRequest} describe what the form would send now
 * @returns {{element: HTMLElement, update: () => void}} update: the form has changed
 */
export function createCurlLine(describe) {
	const line = createCopyLine('The same with curl', curlCommand(describe()));
	return { element: line.element, update: () => line.setText(curlCommand(describe())) };
}
