// Where files are dropped, or chosen by keyboard.

import { h } from './dom.js';

/**
 * @param {{label: string, isMultiple?: boolean, onFiles: (files: File[]) => void}} options
 * label: the input's name; onFiles: those dropped or chosen, at least one
 */
export function createDropZone({ label, isMultiple = false, onFiles }) {
	const input = h('input', {
		type: 'file', multiple: isMultiple, 'aria-label': label,
		onchange() {
			const files = [...(input.files ?? [])];
			// The same file, built anew, may be chosen again.
			input.value = '';
			if (files.length) onFiles(files);
		},
	});
	const element = h('div', { class: 'drop' }, input, h('span', { class: 'quiet' }, isMultiple ? 'or drop files here' : 'or drop a file here'));
	/** @param {DragEvent} event */
	const over = (event) => {
		if (!event.dataTransfer?.types.includes('Files')) return;
		event.preventDefault();
		element.dataset.over = '';
	};
	element.addEventListener('dragenter', over);
	element.addEventListener('dragover', over);
	element.addEventListener('dragleave', (event) => {
		if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget))) delete element.dataset.over;
	});
	element.addEventListener('drop', (event) => {
		event.preventDefault();
		delete element.dataset.over;
		const files = [...(event.dataTransfer?.files ?? [])];
		if (files.length) onFiles(isMultiple ? files : files.slice(0, 1));
	});
	return { element, input };
}
