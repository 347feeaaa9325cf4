// What happened to a run and its board, and who asked for it.

import { EventTable } from '../../components/event_table.js';
import { tellRunEvent } from '../../lib/event_words.js';

/** @type {import('../run.js').TabView} */
export function mount(outlet, { id, instance }, app) {
	/** Its board, whose id is never used again; a run that has ended may not name it any more. */
	let board = instance;
	const table = new EventTable(outlet, app, {
		concerns: ({ run, instance: of }) => run === id || (of !== undefined && of === board),
		tell: tellRunEvent,
		onLoaded(events) {
			if (board) return false;
			board = events.find(({ run, data }) => run === id && data.instance)?.data.instance ?? null;
			if (board) void show();
			return board !== null;
		},
	});
	const show = () => table.show([`run=${id}`, ...(board ? [`instance=${encodeURIComponent(board)}`] : [])]);
	void show();
	return { unmount: () => table.unmount() };
}
