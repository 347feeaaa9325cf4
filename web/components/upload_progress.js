// How far an upload is, from when it waits for its turn, and the way to end it.

import { formatBytes } from '../lib/format.js';
import { h, setText } from './dom.js';

/** @param {{name: string, onCancel: () => void}} options */
export function createUploadProgress({ name, onCancel }) {
	const bar = h('progress', { 'aria-label': `Upload of ${name}`, max: 1, value: 0 });
	const text = h('span', { class: 'quiet amount' }, 'waits');
	const cancel = h('button', { type: 'button', 'aria-label': `Cancel the upload of ${name}`, onclick: onCancel }, 'Cancel');
	return {
		element: h('div', { class: 'upload' }, h('span', { class: 'upload-name' }, name), bar, text, cancel),
		/** @param {import('../lib/upload.js').Progress} progress */
		update({ loaded, total }) {
			const isSent = loaded >= total;
			bar.value = total ? loaded / total : 1;
			// What has arrived is acted upon: too late to call it back.
			cancel.disabled = isSent;
			setText(text, isSent ? `${formatBytes(total)} sent` : `${formatBytes(loaded)} of ${formatBytes(total)}`);
		},
	};
}
