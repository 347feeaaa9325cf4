// The history of runs: filters, order, what overtakes what; and what came of a run in words.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compareIds, isPartial, matchesRun, mergeRun, queryOf, readRunFilter, writeRunFilter } from '../../web/lib/run_list.js';
import { durationOf, tellDetail, tellOutcome, tellWhy } from '../../web/lib/run_words.js';
import { specification } from '../lib/specification.mjs';

/** @param {object} [settings] @returns {any} */
const makeRun = (settings = {}) => ({
	id: '42', state: 'ended', verdict: 'passed', reason: 'pass_pattern', detail: null, target: 'board', labels: { team: 'boot', empty: '' }, actor: 'ann',
	matched: { kind: 'pass', pattern: 'PASSED', text: 'PASSED', start: 0, end: 6 }, duration: 1.5, timeout: 60, idle_timeout: null, queue_timeout: 10,
	exit: null, queue_position: null, output_bytes: 0, ...settings,
});
const filterOf = (/** @type {string} */ query) => readRunFilter(new URLSearchParams(query));
const fits = (/** @type {string} */ query) => matchesRun(makeRun(), filterOf(query));

test('a filter is what the address says, and back', () => {
	const query = '?state=ended&verdict=timed_out&target=b%26b&label=team%3Dboot&text=a+b';
	assert.equal(writeRunFilter(filterOf(query)), query);
	assert.equal(writeRunFilter(filterOf('')), '');
});

test('the API filters what it can', () => {
	assert.equal(queryOf(filterOf('state=ended&label=team=boot&text=x')), '?state=ended&label=team%3Aboot');
	assert.equal(queryOf(filterOf('label=team')), '');
});

test('a run fits all that is asked for', () => {
	for (const query of ['', 'state=ended', 'verdict=passed', 'target=board', 'label=team=boot', 'label=team:boot', 'label=team', 'label=empty=', 'text=ANN+42', 'text=boot'])
		assert.ok(fits(query), query);
	for (const query of ['state=running', 'verdict=failed', 'target=boar', 'label=team=x', 'label=other', 'label=toString', 'label=empty=x', 'text=ann+nobody', 'state=ended&verdict=failed'])
		assert.ok(!fits(query), query);
});

test('newest first, beyond what a number holds', () => {
	const ids = ['9', '10', '9007199254740993', '9007199254740992', '100'];
	assert.deepEqual(ids.sort(compareIds), ['9007199254740993', '9007199254740992', '100', '10', '9']);
});

test('an answer that an event has overtaken does not take its end away', () => {
	const told = makeRun({ state: 'running', verdict: null, labels: { new: 'yes' }, queue_position: null });
	const merged = mergeRun(/** @type {any} */ ({ id: '42', state: 'ended', verdict: 'failed', reason: 'guest_exit', detail: null, instance: null, started_at: 's', ended_at: 'e' }), told);
	assert.deepEqual([merged.state, merged.verdict, merged.reason, merged.labels], ['ended', 'failed', 'guest_exit', { new: 'yes' }]);
	assert.ok(isPartial(merged), 'what its end has brought is still to be asked for');
	assert.equal(mergeRun(makeRun({ state: 'queued' }), told), told);
	assert.equal(mergeRun(undefined, told), told);
	assert.ok(isPartial(/** @type {any} */ ({ id: '1' })) && !isPartial(told));
});

test('every reason of the specification has its sentence, and every verdict its word', () => {
	for (const reason of specification.components.schemas.RunReason.enum) {
		const why = tellWhy(makeRun({ reason }));
		assert.match(why, /^[A-Za-z].*\.$/);
		assert.doesNotMatch(why, /_|undefined|null/);
	}
	for (const verdict of specification.components.schemas.Verdict.enum) assert.doesNotMatch(tellOutcome(makeRun({ verdict })), /_/);
});

test('the sentence says what decided', () => {
	assert.equal(tellWhy(makeRun()), 'It printed “PASSED” after 1.5 s.');
	assert.equal(tellWhy(makeRun({ matched: { pattern: 'F\\w+', text: 'F\r\nx' }, reason: 'fail_pattern' })), 'It printed “F\\r\\nx”, which matches “F\\w+” after 1.5 s.');
	assert.equal(tellWhy(makeRun({ reason: 'timeout' })), 'Nothing decided it within 1 min 0 s.');
	assert.equal(tellWhy(makeRun({ reason: 'guest_exit', exit: { code: 3 } })), 'The guest ended itself with code 3.');
	assert.equal(tellWhy(makeRun({ state: 'queued', queue_position: 3 })), 'It waits for a place: number 3 in the queue.');
	assert.equal(tellOutcome({ state: 'queued', verdict: null, queue_position: 3 }), 'queued, number 3');
	assert.equal(tellDetail(makeRun({ reason: 'start_failed', detail: 'no such machine' })), 'no such machine');
	assert.equal(tellDetail(makeRun({ reason: 'timeout', detail: 'nothing decided the run within 2 s' })), '', 'what the sentence says');
	assert.equal(tellDetail(makeRun({ reason: 'idle_timeout', detail: 'the board printed nothing for 2 s; step 1 of its input was not taken yet' })), 'step 1 of its input was not taken yet');
});

test('how long it took, or takes', () => {
	const started_at = '2026-01-01T00:00:00.000Z';
	assert.equal(durationOf(makeRun(), 0), 1.5);
	assert.equal(durationOf(makeRun({ duration: null, started_at, ended_at: null }), Date.parse(started_at) + 2500), 2.5);
	assert.equal(durationOf(makeRun({ duration: null, started_at: null }), 0), null);
});
