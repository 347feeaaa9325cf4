// Holds one answer against the specification: status, headers, body. Every answer the tests receive passes here.

import assert from 'node:assert/strict';

import { findFaults, findOperations, lookUp, specification } from './specification.mjs';

/** Headers of HTTP itself, which any answer may bear. */
const GENERAL_HEADERS = new Set([
	'cache-control', 'connection', 'content-encoding', 'content-length', 'content-security-policy', 'content-type', 'date',
	'etag', 'keep-alive', 'referrer-policy', 'sec-websocket-accept', 'sec-websocket-version', 'transfer-encoding', 'upgrade', 'vary',
	'x-content-type-options', 'x-dns-prefetch-control', 'x-frame-options', 'x-accel-buffering', 'cross-origin-resource-policy', 'cross-origin-opener-policy', 'accept-ranges',
	'access-control-allow-origin', 'access-control-allow-credentials', 'last-modified',
]);

/** What may be answered whatever the operation, before it is looked at. */
const ANY_OPERATION = ['400', '403', '405', '411', '413', '414', '431', '500', '501', '503'];

const { 'x-problems': problems } = specification.components.schemas.Problem;

/**
 * @typedef {{status: number, headers: Record<string, any>, body: Buffer | null, json: any}} Answer
 * body null: not read (a stream), or HEAD.
 */

/**
 * @param {string} method
 * @param {string} target
 * @param {Answer} answer
 */
export function checkAnswer(method, target, answer) {
	const where = `${method} ${target} -> ${answer.status}`;
	checkHeader(where, answer, 'X-Request-Id', ['components', 'headers', 'X-Request-Id']);
	// 417 is the answer of a run that was not passed.
	if (answer.status >= 400 && answer.status !== 417) checkProblem(where, method, answer);
	const candidates = findOperations(target);
	if (!candidates.length) return checkUnknownPath(where, answer);
	if (method === 'OPTIONS') return checkOptions(where, answer, candidates);
	const served = method === 'HEAD' ? 'GET' : method;
	const found = candidates.find((candidate) => candidate.method === served);
	if (!found) return checkUnknownMethod(where, answer, candidates);
	checkOperation(where, method, answer, found);
}

/**
 * @param {string} where
 * @param {string} method
 * @param {Answer} answer
 */
function checkProblem(where, method, answer) {
	const { headers, json, status } = answer;
	if (status === 401) checkHeader(where, answer, 'WWW-Authenticate', ['components', 'headers', 'WWW-Authenticate']);
	if (status === 405) checkHeader(where, answer, 'Allow', ['components', 'headers', 'Allow']);
	if (status === 429 || status === 503) checkHeader(where, answer, 'Retry-After', ['components', 'headers', 'Retry-After']);
	assert.equal(mediaType(headers), 'application/problem+json', `${where}: the media type of a problem`);
	if (method === 'HEAD') return;
	const faults = findFaults(['components', 'schemas', 'Problem'], json);
	assertNone(faults, `${where}: ${JSON.stringify(json)}`);
	assert.equal(json.status, status, `${where}: status of the problem`);
	assert.equal(json.type, `/problems/${json.code}`, `${where}: type of the problem`);
	assert.equal(problems[json.code].status, status, `${where}: the status of ${json.code}`);
	assert.equal(json.request_id, headers['x-request-id'], `${where}: request_id of the problem`);
}

/**
 * @param {string[]} faults
 * @param {string} where
 */
function assertNone(faults, where) {
	assert.ok(faults.length === 0, `${where}: ${faults.join('; ')}`);
}

/** @param {Record<string, any>} headers */
const mediaType = (headers) => (headers['content-type'] ?? '').split(';')[0].trim();

/**
 * @param {string} where
 * @param {Answer} answer
 */
function checkUnknownPath(where, answer) {
	assert.ok([400, 401, 403, 404, 414, 431].includes(answer.status), `${where}: a path that the specification does not have`);
}

/**
 * @param {string} where
 * @param {Answer} answer
 * @param {import('./specification.mjs').Operation[]} candidates
 */
function checkAllow(where, answer, candidates) {
	checkHeader(where, answer, 'Allow', ['components', 'headers', 'Allow']);
	const expected = new Set(['OPTIONS', ...candidates.map(({ method }) => method)]);
	if (expected.has('GET')) expected.add('HEAD');
	const wanted = [...expected].sort().join(', ');
	assert.equal(answer.headers.allow.split(', ').sort().join(', '), wanted, `${where}: Allow is ${answer.headers.allow}, not ${wanted}`);
}

/**
 * @param {string} where
 * @param {Answer} answer
 * @param {import('./specification.mjs').Operation[]} candidates
 */
function checkOptions(where, answer, candidates) {
	if ([400, 401, 403].includes(answer.status)) return;
	assert.equal(answer.status, 204, `${where}: OPTIONS`);
	checkAllow(where, answer, candidates);
}

/**
 * @param {string} where
 * @param {Answer} answer
 * @param {import('./specification.mjs').Operation[]} candidates
 */
function checkUnknownMethod(where, answer, candidates) {
	assert.ok([400, 401, 403, 405].includes(answer.status), `${where}: a method that the specification does not have`);
	if (answer.status === 405) checkAllow(where, answer, candidates);
}

/**
 * @param {string} where
 * @param {string} method
 * @param {Answer} answer
 * @param {import('./specification.mjs').Operation} found
 */
function checkOperation(where, method, answer, { operation, keys }) {
	const response = lookUp([...keys, 'responses', String(answer.status)]);
	if (!response) {
		const listed = Object.keys(operation.responses).join(', ');
		assert.ok(ANY_OPERATION.includes(String(answer.status)), `${where}: ${operation.operationId} lists ${listed}; ${answer.body}`);
		return;
	}
	checkHeaders(where, answer, response);
	checkBody(where, method, answer, response);
}

/**
 * @param {string} where
 * @param {Answer} answer
 * @param {{value: any, keys: string[]}} response
 */
function checkHeaders(where, answer, { value, keys }) {
	const documented = Object.keys(value.headers ?? {});
	for (const name of documented) {
		const header = lookUp([...keys, 'headers', name]);
		if (header) checkHeader(where, answer, name, header.keys);
	}
	const known = new Set([...documented.map((name) => name.toLowerCase()), 'x-request-id', 'allow', 'retry-after']);
	for (const name of Object.keys(answer.headers))
		assert.ok(GENERAL_HEADERS.has(name) || known.has(name), `${where}: the header ${name} is not in the specification`);
}

/**
 * @param {string} where
 * @param {Answer} answer
 * @param {string} name
 * @param {string[]} keys
 */
function checkHeader(where, answer, name, keys) {
	const header = lookUp(keys)?.value;
	let value = answer.headers[name.toLowerCase()];
	if (value === undefined) return assert.ok(!header.required, `${where}: the header ${name} is missing`);
	if (Array.isArray(value)) [value] = value;
	const typed = header.schema.type === 'integer' && /^\d+$/.test(value) ? Number(value) : value;
	assertNone(findFaults([...keys, 'schema'], typed), `${where}: the header ${name}: ${value}`);
}

/**
 * @param {string} where
 * @param {string} method
 * @param {Answer} answer
 * @param {{value: any, keys: string[]}} response
 */
function checkBody(where, method, answer, { value, keys }) {
	if (!value.content) {
		assert.ok(!answer.body?.length, `${where}: a body where the specification has none`);
		return;
	}
	const type = mediaType(answer.headers);
	const listed = value.content[type] ?? value.content['*/*'];
	assert.ok(listed, `${where}: the media type ${type}`);
	if (method === 'HEAD' || type !== 'application/json') return;
	const faults = findFaults([...keys, 'content', type, 'schema'], answer.json);
	assertNone(faults, `${where}: ${JSON.stringify(answer.json)}`);
}
