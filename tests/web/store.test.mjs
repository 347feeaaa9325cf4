// What the page knows: filled from lists, kept true by events.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Store } from '../../web/lib/store.js';

const TIME = '2026-01-02T03:04:05Z';

/** @param {string} id @param {object} [more] @returns {any} */
const makeInstance = (id, more = {}) => ({ id, state: 'created', start_number: 0, exit: null, paused_by: null, started_at: null, labels: {}, ...more });

/** Lists that answer when the test says so. */
function createApi() {
	/** @type {((instances: any[]) => void)[]} */
	const answers = [];
	return {
		answers,
		listInstances: () => new Promise((resolve) => answers.push(resolve)),
		listRuns: async () => [],
	};
}

/** @param {any[]} [instances] */
async function loadStore(instances = []) {
	const api = createApi();
	const store = new Store(/** @type {any} */ (api));
	const loading = store.load();
	api.answers[0](instances);
	await loading;
	return { store, api };
}

let eventId = 0;

/** @param {string} type @param {string} id @param {object} [data] @returns {any} */
const makeEvent = (type, id, data = {}) => ({ id: ++eventId, time: TIME, type, actor: null, [type.split('.')[0]]: id, data });

test('listeners are told once a turn what has changed, and after a load that all may have', async () => {
	const { store } = await loadStore([makeInstance('a'), makeInstance('b')]);
	/** @type {string[][]} */
	const told = [];
	store.flush();
	store.subscribe('instances', (changed) => told.push([...changed]));
	store.apply(makeEvent('instance.state', 'a', { state: 'starting', start_number: 1 }));
	store.apply(makeEvent('instance.state', 'b', { state: 'starting', start_number: 1 }));
	await null;
	assert.deepEqual(told, [['a', 'b']]);
	store.touch('instances');
	store.touch('instances', 'a');
	await null;
	assert.deepEqual(told[1], [], 'all may have changed, not a alone');
});

test('the life of an instance', async () => {
	const { store } = await loadStore();
	store.apply(makeEvent('instance.created', 'a', { target: 'board', emulator: 'mock', labels: { rack: '1' }, state: 'created' }));
	assert.equal(store.instances.get('a')?.target, 'board');
	store.apply(makeEvent('instance.state', 'a', { state: 'starting', start_number: 1 }));
	store.apply(makeEvent('instance.state', 'a', { state: 'running', start_number: 1 }));
	assert.deepEqual([store.instances.get('a')?.state, store.instances.get('a')?.started_at, store.instances.get('a')?.target], ['running', TIME, 'board']);
	const exit = { reason: 'exited', code: 3, signal: null, detail: null };
	store.apply(makeEvent('instance.state', 'a', { state: 'exited', start_number: 1, exit }));
	assert.deepEqual([store.instances.get('a')?.exit, store.instances.get('a')?.ended_at], [exit, TIME]);
	store.apply(makeEvent('instance.sample', 'a', { cpu: 1, rss_bytes: 2, line: 'x' }));
	store.apply(makeEvent('instance.deleted', 'a'));
	assert.deepEqual([store.instances.size, store.samples.size, store.lines.size], [0, 0, 0]);
});

test('what was told while the lists were under way is not undone by them', async () => {
	const { store, api } = await loadStore([makeInstance('a')]);
	const loading = store.load();
	store.apply(makeEvent('instance.state', 'a', { state: 'running', start_number: 1 }));
	store.apply(makeEvent('instance.created', 'b', { target: 'board', state: 'created' }));
	store.apply(makeEvent('instance.deleted', 'c'));
	api.answers[1]([makeInstance('a'), makeInstance('c')]);
	await loading;
	assert.equal(store.instances.get('a')?.state, 'running');
	assert.deepEqual([...store.instances.keys()], ['a', 'b']);
});

test('of two loads the later counts, whichever answers last', async () => {
	const { store, api } = await loadStore();
	const loads = [store.load(), store.load()];
	api.answers[2]([makeInstance('new')]);
	await loads[1];
	api.answers[1]([makeInstance('old')]);
	await loads[0];
	assert.deepEqual([...store.instances.keys()], ['new']);
});

test('a load that fails leaves what was known, and later events count', async () => {
	const { store } = await loadStore([makeInstance('a')]);
	store.api = /** @type {any} */ ({ listInstances: () => Promise.reject(new Error('down')), listRuns: async () => [] });
	await assert.rejects(store.load(), /down/);
	store.apply(makeEvent('instance.state', 'a', { state: 'running', start_number: 1 }));
	assert.equal(store.instances.get('a')?.state, 'running');
	assert.equal(store.meanwhile, null);
});

test('memory is bounded: samples, events, runs, and nothing of instances that are gone', async () => {
	const { store, api } = await loadStore([makeInstance('a')]);
	for (let count = 0; count < 2000; count++) {
		store.apply(makeEvent('instance.sample', 'a', { cpu: count, rss_bytes: 1 }));
		store.apply(makeEvent('run.state', String(count + 1), { state: 'queued' }));
	}
	assert.equal(store.samples.get('a')?.length, 300);
	assert.equal(store.samples.get('a')?.at(-1)?.cpu, 1999);
	assert.deepEqual([store.events.length, store.runs.size, [...store.runs.keys()][0]], [1000, 1000, '2000']);
	const loading = store.load();
	api.answers[1]([]);
	await loading;
	assert.equal(store.samples.size, 0);
});

test('a connection that is back asks for a load, one that stands does not', async () => {
	const { store } = await loadStore();
	assert.deepEqual(['connecting', 'connected', 'connected', 'lost', 'connected'].map((status) => store.setConnection(/** @type {any} */ (status))),
		[false, true, false, false, true]);
});
