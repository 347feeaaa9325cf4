// What happened to an instance and who asked for it.

import { EventTable } from '../../components/event_table.js';
import { h } from '../../components/dom.js';
import { tellEvent } from '../../lib/event_words.js';

const KINDS = { '': 'Everything', 'instance.state': 'Changes of state', 'instance.reset': 'Resets' };

/** @type {import('../instance.js').TabView} */
export function mount(outlet, { id }, app) {
	const kind = h('select', { onchange: () => void show() }, Object.entries(KINDS).map(([type, name]) => h('option', { value: type }, name)));
	const table = new EventTable(outlet, app, {
		concerns: ({ instance, type }) => instance === id && (!kind.value || type === kind.value),
		tell: tellEvent,
		tools: [h('label', {}, 'Show ', kind)],
	});
	const show = () => table.show([`instance=${encodeURIComponent(id)}${kind.value && `&type=${kind.value}`}`]);
	void show();
	return { unmount: () => table.unmount() };
}
