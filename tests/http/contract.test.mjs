// Router, specification and API.md hold to each other.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { EMUD } from '../lib/emud.mjs';
import { lint } from '../lib/openapi_rules.mjs';
import { operations, specification } from '../lib/specification.mjs';

/** The contract's page lies beside the checkout, not in it. */
const API_PAGE = new URL('../../../shared/API.md', import.meta.url).pathname;

/** Rows of JSON that emud prints. @param {string} option */
const printed = (option) => execFileSync(EMUD, [option], { encoding: 'utf8' }).trim().split('\n').map((line) => JSON.parse(line));

const call = (/** @type {string} */ method, /** @type {string} */ pattern) => `${method} ${pattern.replace(/\{\w+\*?\}/g, '{}')}`;

/**
 * The calls in the tables of API.md: backquoted `METHOD /path` pieces of first columns, with those that leave the method or
 * the beginning of the path out.
 * @param {string} page
 */
function readCalls(page) {
	const calls = new Set();
	for (const line of page.split('\n')) {
		if (!line.startsWith('| `')) continue;
		let method = '';
		let path = '';
		for (const [, piece] of line.split(/ \| /)[0].replaceAll('\\|', '').matchAll(/`([^`]+)`/g)) {
			const [, verb, target] = /^(?:(GET|PUT|POST|DELETE) )?([^?\s]+)/.exec(piece) ?? [];
			method = verb ?? method;
			path = extendPath(path, target, verb !== undefined);
			calls.add(call(method, path));
		}
	}
	return calls;
}

/**
 * A path that a row writes short, as `/stop` after `POST /instances/{id}/start`.
 * @param {string} previous
 * @param {string} target
 * @param {boolean} isWhole
 */
function extendPath(previous, target, isWhole) {
	if (isWhole) return target;
	const segment = target.split('/')[1];
	const parts = previous.split('/');
	const at = parts.lastIndexOf(segment);
	return at > 0 ? parts.slice(0, at).join('/') + target : parts.slice(0, -1).join('/') + target;
}

test('the specification is sound and obeys the project\'s rules', async () => {
	assert.deepEqual(await lint(), []);
});

test('the router and the specification have the same calls under the same names', () => {
	const routes = printed('--print-routes').map(({ method, pattern, operation_id }) => `${call(method, pattern)} ${operation_id}`);
	const specified = operations.map(({ method, pattern, operationId }) => `${call(method, pattern)} ${operationId}`);
	assert.deepEqual(routes.sort(), specified.sort());
});

test('the table of problems and the specification are the same', () => {
	const table = printed('--print-problems').map(({ code, status }) => `${code} ${status}`);
	const specified = Object.entries(specification.components.schemas.Problem['x-problems']).map(([code, { status }]) => `${code} ${status}`);
	assert.deepEqual(table.sort(), specified.sort());
});

test('the specification has every call of API.md', { skip: !existsSync(API_PAGE) && 'API.md is not here' }, () => {
	const specified = new Set(operations.map(({ method, pattern }) => call(method, pattern)));
	const wanted = [...readCalls(readFileSync(API_PAGE, 'utf8'))];
	assert.ok(wanted.length > 30, `${wanted.length} calls found`);
	assert.deepEqual(wanted.filter((text) => !specified.has(text)), []);
});

test('API.md has every call of the specification', { skip: !existsSync(API_PAGE) && 'API.md is not here' }, () => {
	const page = readFileSync(API_PAGE, 'utf8');
	const documented = readCalls(page);
	// Told in its prose, not in a table.
	const prose = [
		['GET /ui/{}', '`/ui/`'],
		['POST /session', '`POST /session`'],
		['DELETE /session', '(`DELETE` ends it)'],
		['GET /docs', '`GET /docs`'],
		['GET /targets', '`GET /targets`'],
		['GET /targets/{}', '`GET /targets/{name}`'],
		['POST /runs', '`POST /runs`'],
		['PUT /runs', '`PUT /runs`'],
		['GET /runs', '`GET /runs?state=&verdict=&target=&label=`'],
		['GET /runs/{}', '`GET /runs/{id}`'],
		['GET /runs/{}/output', '`/runs/{id}/output`'],
		['GET /runs/{}/junit', '`/runs/{id}/junit`'],
		['DELETE /runs/{}', '`DELETE` cancels'],
		// Not on the page: a run is repeated from its own record; what the dashboard shows of the service.
		['POST /runs/{}/rerun', ''],
		['GET /service', ''],
	];
	for (const [text, told] of prose) if (page.includes(told)) documented.add(text);
	const specified = operations.map(({ method, pattern }) => call(method, pattern));
	assert.deepEqual(specified.filter((text) => !documented.has(text)), []);
});
