// What the page knows: filled from lists, kept true by events.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ModelService, ModelStream, makeChance } from '../lib/store_model.mjs';
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
	assert.deepEqual(store.meanwhile, []);
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
	await null;
	assert.equal(store.dropped.size, 0);
	const loading = store.load();
	api.answers[1]([]);
	await loading;
	assert.equal(store.samples.size, 0);
});

test('listeners are told which runs are no longer kept here, and not those that are gone', async () => {
	const { store } = await loadStore();
	store.flush();
	/** @type {string[][]} */
	const told = [];
	store.subscribe('runs', () => told.push([...store.dropped.keys()]));
	for (let id = 1; id <= 1000; id++) store.apply(makeEvent('run.state', String(id), { state: 'queued' }));
	await null;
	// Of the three that fall out the second is deleted, and the third comes back in the place of the fourth.
	for (const id of ['1001', '1002', '1003']) store.apply(makeEvent('run.state', id, { state: 'queued' }));
	store.apply(makeEvent('run.deleted', '2'));
	store.apply(makeEvent('run.state', '3', { state: 'running' }));
	await null;
	assert.deepEqual(told, [[], ['1', '4']]);
	store.apply(makeEvent('run.deleted', '1'));
	await null;
	assert.deepEqual(told[2], []);
});

test('of a connection that begins is told, of one that stands is not, and of one that is back after a loss as such', async () => {
	const { store } = await loadStore();
	/** @type {string[]} */
	const told = [];
	for (const topic of /** @type {const} */ (['connected', 'returned'])) store.subscribe(topic, () => told.push(topic));
	const after = [];
	for (const status of /** @type {const} */ (['connecting', 'connected', 'connected', 'lost', 'connecting', 'connected', 'unauthorized', 'connected'])) {
		store.setConnection(status);
		await null;
		after.push(`${status}: ${told.splice(0).sort()}`);
	}
	assert.deepEqual(after, ['connecting: ', 'connected: connected', 'connected: ', 'lost: ', 'connecting: ', 'connected: connected,returned',
		'unauthorized: ', 'connected: connected']);
});

test('an answer that is overtaken by what came of it undoes nothing', async () => {
	const { store } = await loadStore([makeInstance('a', { created_at: TIME })]);
	store.apply(makeEvent('instance.state', 'a', { state: 'starting', start_number: 1 }));
	store.apply(makeEvent('instance.state', 'a', { state: 'exited', start_number: 1, exit: { reason: 'exited', code: 3 } }));
	store.putInstance(makeInstance('a', { state: 'running', start_number: 1, path: '/a', created_at: TIME }));
	assert.deepEqual([store.instances.get('a')?.state, store.instances.get('a')?.exit?.code, store.instances.get('a')?.path], ['exited', 3, '/a']);
	store.putInstance(makeInstance('a', { state: 'starting', start_number: 2, created_at: TIME }));
	assert.equal(store.instances.get('a')?.state, 'starting');
	store.apply({ ...makeEvent('instance.deleted', 'a'), time: '2026-01-02T03:04:06Z' });
	store.putInstance(makeInstance('a', { created_at: TIME }));
	assert.equal(store.instances.size, 0);
	store.putInstance(makeInstance('a', { created_at: '2026-01-02T03:04:07Z' }));
	assert.equal(store.instances.size, 1, 'another of that name');
});

test('of two loads under way the first is shown while the second is not there', async () => {
	const { store, api } = await loadStore();
	const first = store.load();
	store.apply(makeEvent('instance.created', 'b', { target: 'board', state: 'created' }));
	const second = store.load();
	api.answers[1]([makeInstance('a')]);
	await first;
	assert.deepEqual([...store.instances.keys()], ['a', 'b']);
	store.apply(makeEvent('instance.deleted', 'a'));
	api.answers[2]([makeInstance('a'), makeInstance('b')]);
	await second;
	assert.deepEqual([[...store.instances.keys()], store.meanwhile], [['b'], []]);
});

test('the events of another state directory, whose ids begin anew, take the place of those before', async () => {
	const { store } = await loadStore();
	const event = (/** @type {number} */ id) => ({ ...makeEvent('config.reloaded', ''), id });
	const ids = () => store.events.map(({ id }) => id);
	const dropped = (/** @type {object} */ data) => store.apply(/** @type {any} */ ({ type: 'events.dropped', data }));
	for (const id of [7, 8, 9]) store.apply(event(id));
	dropped({ since: 9, first_id: 12 });
	store.apply(event(12));
	assert.deepEqual([ids(), store.service], [[7, 8, 9, 12], 0], 'a hole alone');
	dropped({ since: 12, first_id: 1 });
	assert.deepEqual([ids(), store.service], [[], 1], 'though nothing has happened there yet');
	for (const id of [1, 2, 3]) store.apply(event(id));
	assert.deepEqual([ids(), store.service], [[1, 2, 3], 1]);
	store.apply(event(2));
	assert.deepEqual([ids(), store.service], [[2], 2], 'as a stream that was begun anew tells it');
});

test('of a run that has ended only what the event tells is known', async () => {
	const { store } = await loadStore();
	store.putRun(/** @type {any} */ ({ id: '1', state: 'running', output_bytes: 0, labels: { team: 'boot' } }));
	store.apply(makeEvent('run.state', '1', { state: 'ended', verdict: 'passed' }));
	const { output_bytes, verdict, labels, ended_at } = store.runs.get('1') ?? {};
	assert.deepEqual([output_bytes, verdict, labels, ended_at], [undefined, 'passed', { team: 'boot' }, TIME]);
});

test('the last line of another board, which came under the same name meanwhile, is not shown', async () => {
	const { store } = await loadStore([makeInstance('a')]);
	store.setConnection('connected');
	store.apply(makeEvent('instance.sample', 'a', { line: 'of the first' }));
	store.setConnection('lost');
	store.setConnection('connected');
	assert.equal(store.lines.get('a'), undefined);
});

/** A page's share in it, as app.js has it. @param {ReturnType<typeof makeChance>} chance */
function createLab(chance) {
	const service = new ModelService(chance);
	/** Questions that wait for their answers. @type {{lists: any, resolve: (list: any) => void, reject: (error: Error) => void, key: 'instances' | 'runs'}[]} */
	const asked = [];
	const ask = (/** @type {'instances' | 'runs'} */ key) => new Promise((resolve, reject) => asked.push({ lists: null, resolve, reject, key }));
	const store = new Store(/** @type {any} */ ({ listInstances: () => ask('instances'), listRuns: () => ask('runs') }));
	const lab = { service, store, asked, isFaulty: false, load, stream: new ModelStream(service, (event) => {
		store.apply(event);
		if (event.type === 'events.dropped') load();
	}) };
	function load() {
		lab.isFaulty = false;
		store.load().catch(() => (lab.isFaulty = true));
	}
	store.subscribe('connected', load);
	return lab;
}

/** @param {ReturnType<typeof createLab>} lab */
function connect({ store, stream }) {
	stream.open();
	store.setConnection('connected');
}

/** @param {ReturnType<typeof createLab>} lab */
function disconnect({ store, stream }) {
	stream.breakOff();
	store.setConnection('lost');
}

/** One question goes a step on: it is looked up, then answered or lost. @param {ReturnType<typeof createLab>} lab @param {ReturnType<typeof makeChance>} chance @param {boolean} [isWell] */
function answer({ asked, service }, chance, isWell = false) {
	const question = chance.of(asked);
	if (!question) return;
	if (!question.lists) {
		question.lists = service.lists();
		return;
	}
	asked.splice(asked.indexOf(question), 1);
	if (!isWell && chance.below(6) === 0) question.reject(new Error('lost'));
	else question.resolve(question.lists[question.key]);
}

/** @param {ReturnType<typeof createLab>} lab @param {ReturnType<typeof makeChance>} chance */
function step(lab, chance) {
	const { service, stream } = lab;
	const kind = chance.below(40);
	if (kind < 14) service.act();
	else if (kind < 26) stream.deliver();
	else if (kind < 34) answer(lab, chance);
	else if (kind < 36) service.forget();
	else if (kind < 38) (stream.isOpen ? disconnect : connect)(lab);
	else if (kind === 38) lab.load();
	else if (chance.below(4) === 0) {
		disconnect(lab);
		service.beginAnew();
	}
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {any} told @returns {any} what events tell too */
const comparable = ({ instances, runs, lines }) => ({
	instances: [...instances.values()].map(({ id, target, labels, state, start_number, exit, paused_by }) =>
		({ id, target, labels, state, start_number, exit, paused_by })).sort((one, other) => (one.id < other.id ? -1 : 1)),
	runs: [...runs.values()].map(({ id, state, verdict, target }) => ({ id, state, verdict, target })).sort((one, other) => one.id - other.id),
	lines: [...instances.keys()].map((id) => [id, lines.get(id) ?? '']).sort(),
});

/** @param {ReturnType<typeof createLab>} lab @param {ReturnType<typeof makeChance>} chance */
async function comeToRest(lab, chance) {
	if (!lab.stream.isOpen) connect(lab);
	await turn();
	for (let isMoving = true; isMoving;) {
		isMoving = lab.stream.deliver() || lab.asked.length > 0;
		answer(lab, chance, true);
		await turn();
		// What app.js tries again after a while.
		if (!isMoving && lab.isFaulty) {
			lab.load();
			isMoving = true;
		}
	}
}

test('whatever is late, lost, dropped or overtaken: at rest the page knows what the service does', async (t) => {
	const SEQUENCES = 1500;
	let steps = 0;
	for (let seed = 1; seed <= SEQUENCES; seed++) {
		const chance = makeChance(seed);
		const lab = createLab(chance);
		lab.load();
		for (let count = 10 + chance.below(60); count > 0; count--, steps++) {
			step(lab, chance);
			await turn();
		}
		await comeToRest(lab, chance);
		assert.deepEqual(comparable(lab.store), comparable(lab.service), `seed ${seed}`);
		assert.deepEqual(lab.store.meanwhile, [], `seed ${seed}`);
		assert.ok(lab.store.events.every(({ id }, at, all) => at === 0 || id > all[at - 1].id), `seed ${seed}: events in order`);
	}
	t.diagnostic(`${SEQUENCES} sequences, ${steps} steps`);
});
