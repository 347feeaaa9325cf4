// What is held of thousands of events: newest first, without a hole, whatever comes when.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventHistory } from '../../web/lib/event_history.js';

/** @typedef {import('../../web/lib/feed.js').EmudEvent} EmudEvent */

/** @param {number} id @param {string} [of] @returns {EmudEvent} */
const event = (id, of = 'one') => ({ id, time: '2026-01-01T00:00:00.000Z', type: 'instance.state', actor: null, instance: of, data: {} });

/** @param {number} first @param {number} last */
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => event(first + index));

/** A service with these events, oldest first; hold: its next answer waits for what it returns to be called. @param {EmudEvent[]} events */
function serve(events) {
	/** @type {string[]} */
	const asked = [];
	/** @type {Promise<void> | null} */
	let held = null;
	return {
		events,
		asked,
		hold() {
			let release = () => {};
			held = new Promise((resolve) => (release = resolve));
			return release;
		},
		/** @param {string} query */
		async ask(query) {
			asked.push(query);
			const parameters = new URLSearchParams(query);
			assert.equal(parameters.get('order'), 'newest');
			const limit = Number(parameters.get('limit'));
			const before = Number(parameters.get('cursor') ?? Infinity);
			const fit = events.filter(({ id, instance }) => id < before && instance === parameters.get('instance')).reverse();
			const page = { events: fit.slice(0, limit), next_cursor: fit.length > limit ? String(fit[limit - 1].id) : null };
			const wait = held;
			held = null;
			await wait;
			return page;
		},
	};
}

/** @param {ReturnType<typeof serve>} service @param {{page?: number, most?: number}} [sizes] @param {string[]} [filters] */
async function open(service, sizes = { page: 3, most: 7 }, filters = ['instance=one']) {
	const history = new EventHistory((query) => service.ask(query), sizes);
	history.begin(filters);
	await history.loadNewest();
	return history;
}

/** @param {EventHistory} history */
const ids = ({ events }) => events.map(({ id }) => id);

test('the newest come first, older ones when they are asked for', async () => {
	const service = serve(range(1, 8));
	const history = await open(service, { page: 3 });
	assert.deepEqual([ids(history), history.hasOlder], [[8, 7, 6], true]);
	await history.loadOlder();
	await history.loadOlder();
	assert.deepEqual([ids(history), history.hasOlder, history.hasNewer], [[8, 7, 6, 5, 4, 3, 2, 1], false, false]);
	assert.deepEqual(service.asked.map((query) => new URLSearchParams(query).get('cursor')), [null, '6', '3']);
});

test('what is told comes on top, once, and not before the first page is there', async () => {
	const service = serve(range(1, 2));
	const history = new EventHistory((query) => service.ask(query));
	history.begin(['instance=one']);
	history.add([event(2), event(3)], false);
	assert.deepEqual(ids(history), []);
	await history.loadNewest();
	history.add([event(1), event(2), event(3)], false);
	history.add([event(2), event(3), event(4), event(5)], true);
	assert.deepEqual(ids(history), [5, 4, 3, 2, 1]);
});

test('no more than so many are held: those go that are farthest from what is read', async () => {
	const service = serve(range(1, 20));
	const history = await open(service);
	for (let i = 0; i < 3; i++) await history.loadOlder();
	assert.deepEqual([ids(history), history.hasNewer, history.hasOlder], [[15, 14, 13, 12, 11, 10, 9], true, true]);
	history.add([event(21)], true);
	assert.deepEqual(ids(history)[0], 15, 'between it and the newest there would be a hole');
	await history.loadNewest();
	assert.deepEqual([ids(history), history.hasNewer, history.hasOlder], [[20, 19, 18], false, true]);
	history.add(range(21, 26), false);
	assert.deepEqual([ids(history), history.hasNewer, history.hasOlder], [[26, 25, 24, 23, 22, 21, 20], false, true]);
	history.add([event(27)], true);
	assert.deepEqual([ids(history)[6], history.hasNewer], [20, true], 'what is read stays');
	await history.loadOlder();
	assert.deepEqual(ids(history), [23, 22, 21, 20, 19, 18, 17]);
});

test('after a lost connection what is held stays, unless there is a hole before it or it is another store', async () => {
	const service = serve(range(1, 9));
	const history = await open(service);
	await history.loadOlder();
	service.events.push(event(10), event(11));
	await history.loadNewest();
	assert.deepEqual([ids(history), history.hasOlder], [[11, 10, 9, 8, 7, 6, 5], true]);
	service.events.push(...range(12, 19));
	await history.loadNewest();
	assert.deepEqual([ids(history), history.hasOlder], [[19, 18, 17], true]);
	service.events.splice(0, Infinity, ...range(1, 2));
	await history.loadNewest();
	assert.deepEqual([ids(history), history.hasOlder], [[2, 1], false]);
	service.events.splice(0);
	await history.loadNewest();
	assert.deepEqual([ids(history), history.hasOlder], [[], false]);
});

test('several filters are one list, in order and without a hole', async () => {
	const service = serve([1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => event(id, [2, 8].includes(id) ? 'other' : 'one')));
	const history = await open(service, { page: 3 }, ['instance=one', 'instance=other']);
	assert.deepEqual([ids(history), history.hasOlder], [[9, 8, 7, 6], true]);
	await history.loadOlder();
	assert.deepEqual([ids(history), history.hasOlder], [[9, 8, 7, 6, 5, 4, 3], true]);
	await history.loadOlder();
	assert.deepEqual([ids(history), history.hasOlder], [[9, 8, 7, 6, 5, 4, 3, 2, 1], false]);
});

test('answers that come late are not taken for others', async () => {
	const service = serve([...range(1, 6), event(7, 'other')]);
	const history = await open(service);
	const release = service.hold();
	const late = history.loadOlder();
	history.begin(['instance=other']);
	await history.loadNewest();
	release();
	await late;
	assert.deepEqual([ids(history), history.hasOlder], [[7], false]);
	const releaseFirst = service.hold();
	const first = history.loadNewest();
	service.events.push(event(8, 'other'));
	await history.loadNewest();
	releaseFirst();
	await first;
	assert.deepEqual(ids(history), [8, 7]);
});
