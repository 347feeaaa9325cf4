// The first page: instances, their state and actions, and one live console.

import { askToken, confirmDelete, element } from './components/dialogs.js';
import { Api } from './lib/api.js';
import { ConsoleView } from './views/console.js';
import { InstancesView } from './views/instances.js';

/** How often the table is asked for again while the page is seen; unchanged, the answer is a 304. */
const REFRESH_MS = 2000;

const api = new Api(askToken);
const notice = element('notice', HTMLElement);
const table = new InstancesView(
	element('instances', HTMLTableSectionElement), element('no-instances', HTMLElement), act);
const consoleView = new ConsoleView(api);

/** @type {import('./lib/api.js').Instance[]} */
let instances = [];

/** @param {unknown} error */
function tell(error) {
	notice.textContent = error instanceof Error ? error.message : '';
	notice.hidden = !error;
}

async function refresh() {
	instances = await api.listInstances();
	table.show(instances);
	await consoleView.follow(instances);
	table.select(consoleView.id);
}

/**
 * @param {string} action
 * @param {string} id
 */
async function act(action, id) {
	try {
		tell(null);
		if (action === 'console') await openConsole(id);
		else if (action !== 'delete') await api.act(id, action);
		else if (await confirmDelete(id)) await api.deleteInstance(id);
		await refresh();
	} catch (error) {
		tell(error);
		// A refused start leaves the instance failed: show that beside why.
		await refresh().catch(tell);
	}
}

/** @param {string} id */
async function openConsole(id) {
	const instance = instances.find((candidate) => candidate.id === id);
	if (instance) await consoleView.open(instance);
}

async function keepFresh() {
	for (let broken = false; ; ) {
		try {
			if (!document.hidden) {
				await refresh();
				if (broken) tell(null);
				broken = false;
			}
		} catch (error) {
			broken = true;
			tell(error);
		}
		await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
	}
}

document.addEventListener('visibilitychange', () => {
	if (!document.hidden) refresh().catch(tell);
});
void keepFresh();
