// Where files are dropped, or chosen by keyboard.

import { h, setText } from './dom.js';

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
			take(files);
		},
	});
	const offer = isMultiple ? 'or drop files here' : 'or drop a file here';
	const note = h('span', { class: 'quiet', role: 'status' }, offer);
	const element = h('div', { class: 'drop' }, input, note);
	/** @param {File[]} files */
	const take = (files) => {
		if (files.length === 0) return;
		const isWhole = isMultiple || files.length === 1;
		setText(note, isWhole ? offer : `Only the first of ${files.length} files was taken: ${files[0].name}`);
		onFiles(isMultiple ? files : files.slice(0, 1));
	};
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
		take([...(event.dataTransfer?.files ?? [])]);
	});
	return { element, input };
}
