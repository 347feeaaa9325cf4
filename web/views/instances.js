// The table of instances. Rows are updated in place, so that focus and selection stay where they are.

/** @typedef {import('../lib/api.js').Instance} Instance */

const UP = ['running', 'paused'];
const DOWN = ['created', 'exited', 'failed'];

/** @type {{name: string, label: string, states: string[] | null, danger?: boolean}[]} */
const ACTIONS = [
	{ name: 'console', label: 'Console', states: null },
	{ name: 'start', label: 'Start', states: DOWN },
	{ name: 'stop', label: 'Stop', states: UP },
	{ name: 'pause', label: 'Pause', states: ['running'] },
	{ name: 'resume', label: 'Resume', states: ['paused'] },
	{ name: 'reset', label: 'Reset', states: UP },
	{ name: 'delete', label: 'Delete', states: [...UP, ...DOWN], danger: true },
];

/** @param {Instance} instance */
function describeState(instance) {
	if (!instance.exit) return instance.state;
	const { reason, signal, code } = instance.exit;
	const status = signal ?? (code === null ? '' : `exit code ${code}`);
	return [instance.state, reason.replaceAll('_', ' '), status].filter(Boolean).join(', ');
}

export class InstancesView {
	/**
	 * @param {HTMLTableSectionElement} body
	 * @param {HTMLElement} empty shown when there are none
	 * @param {(action: string, id: string) => void} onAction
	 */
	constructor(body, empty, onAction) {
		this.body = body;
		this.empty = empty;
		this.onAction = onAction;
		/** @type {Map<string, HTMLTableRowElement>} */
		this.rows = new Map();
	}

	/** @param {Instance[]} instances */
	show(instances) {
		const ids = new Set(instances.map(({ id }) => id));
		for (const [id, row] of this.rows) {
			if (ids.has(id)) continue;
			row.remove();
			this.rows.delete(id);
		}
		instances.forEach((instance, index) => {
			const row = this.rows.get(instance.id) ?? this.addRow(instance);
			if (this.body.rows[index] !== row) this.body.insertBefore(row, this.body.rows[index] ?? null);
			this.updateRow(row, instance);
		});
		this.empty.hidden = instances.length > 0;
	}

	/** @param {string | null} id */
	select(id) {
		for (const [rowId, row] of this.rows) row.setAttribute('aria-selected', String(rowId === id));
	}

	/** @param {Instance} instance */
	addRow(instance) {
		const row = document.createElement('tr');
		row.dataset.id = instance.id;
		const name = document.createElement('th');
		name.scope = 'row';
		name.textContent = instance.id;
		const target = document.createElement('td');
		target.textContent = instance.target;
		const state = document.createElement('td');
		state.className = 'state';
		const actions = document.createElement('td');
		actions.append(this.createButtons(instance.id));
		row.append(name, target, state, actions);
		this.rows.set(instance.id, row);
		return row;
	}

	/** @param {string} id */
	createButtons(id) {
		const group = document.createElement('div');
		group.className = 'actions';
		group.role = 'group';
		group.ariaLabel = `Actions on ${id}`;
		for (const { name, label, danger } of ACTIONS) {
			const button = document.createElement('button');
			button.type = 'button';
			button.dataset.action = name;
			button.textContent = label;
			button.classList.toggle('danger', danger === true);
			button.addEventListener('click', () => this.onAction(name, id));
			group.append(button);
		}
		return group;
	}

	/**
	 * @param {HTMLTableRowElement} row
	 * @param {Instance} instance
	 */
	updateRow(row, instance) {
		const state = row.cells[2];
		const text = describeState(instance);
		if (state.textContent !== text) state.textContent = text;
		state.dataset.state = instance.state;
		for (const button of row.querySelectorAll('button')) {
			const action = ACTIONS.find(({ name }) => name === button.dataset.action);
			button.disabled = !!action?.states && !action.states.includes(instance.state);
		}
	}
}
