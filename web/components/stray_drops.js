// What is dropped where nothing takes it.

/** What a browser would open in place of the page, and of all that is typed there; text goes into fields as ever. @param {DragEvent} event */
function refuse(event) {
	const { dataTransfer, defaultPrevented, target } = event;
	if (defaultPrevented || !dataTransfer) return;
	const isText = dataTransfer.types.includes('text/plain') && !dataTransfer.types.includes('Files');
	if (isText && target instanceof Element && target.matches(':read-write')) return;
	event.preventDefault();
	dataTransfer.dropEffect = 'none';
}

/** Nothing is taken but where it is asked for. */
export function refuseStrayDrops() {
	for (const type of /** @type {const} */ (['dragover', 'drop'])) addEventListener(type, refuse);
}
