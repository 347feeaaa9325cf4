// openapi.yaml, taken apart: operations by method and path, and validators of what they answer.

import { readFileSync } from 'node:fs';

import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

export const SPECIFICATION_FILE = new URL('../../openapi/openapi.yaml', import.meta.url).pathname;

export const specification = parse(readFileSync(SPECIFICATION_FILE, 'utf8'));

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];
const ROOT = 'emud:openapi';

const ajv = new Ajv2020({ strict: false, allErrors: true, coerceTypes: false, validateSchema: false });
formats.default(ajv);
ajv.addSchema(specification, ROOT);

/** @param {string} text */
const escapePointer = (text) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));

/**
 * An object of the specification and where it lies; references followed.
 * @param {string[]} keys
 * @returns {{value: any, keys: string[]} | null}
 */
export function lookUp(keys) {
	let value = specification;
	for (const key of keys) value = value?.[key];
	if (value === undefined) return null;
	if (typeof value.$ref !== 'string') return { value, keys };
	return lookUp(value.$ref.slice(2).split('/').map((/** @type {string} */ key) => key.replaceAll('~1', '/').replaceAll('~0', '~')));
}

/** @type {Map<string, import('ajv').ValidateFunction>} */
const validators = new Map();

/**
 * What is wrong with value, in words, by the schema at keys.
 * @param {string[]} keys
 * @param {unknown} value
 * @returns {string[]}
 */
export function findFaults(keys, value) {
	const pointer = `${ROOT}#/${keys.map(escapePointer).join('/')}`;
	const validate = validators.get(pointer) ?? ajv.compile({ $ref: pointer });
	validators.set(pointer, validate);
	if (validate(value)) return [];
	return (validate.errors ?? []).map((error) =>
		`${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`);
}

/** @typedef {{method: string, pattern: string, expression: RegExp, operationId: string, operation: any, keys: string[]}} Operation */

/** @param {string} pattern */
function makeExpression(pattern) {
	const escaped = pattern.replaceAll('.', '\\.');
	return new RegExp(`^${escaped.replace('/ui/{path}', '/ui/.+').replace(/\{\w+\}/g, '[^/]+')}$`);
}

/** @type {Operation[]} */
export const operations = Object.entries(specification.paths).flatMap(([pattern, item]) =>
	METHODS.filter((method) => item[method]).map((method) => ({
		method: method.toUpperCase(),
		pattern,
		expression: makeExpression(pattern),
		operationId: item[method].operationId,
		operation: item[method],
		keys: ['paths', pattern, method],
	})));

/**
 * The operations of a path, which may bear /v1 and a query.
 * @param {string} target
 */
export function findOperations(target) {
	const path = target.split('?')[0].replace(/^\/v1(?=\/)/, '');
	const matching = operations.filter(({ expression }) => expression.test(path));
	const exact = matching.filter(({ pattern }) => !pattern.includes('{'));
	return exact.length ? exact : matching;
}

/**
 * Every parameter of an operation, those of its path included.
 * @param {Operation} operation
 * @returns {any[]}
 */
export function findParameters({ pattern, operation }) {
	const shared = specification.paths[pattern].parameters ?? [];
	return [...shared, ...(operation.parameters ?? [])].map((parameter) =>
		parameter.$ref ? lookUp(parameter.$ref.slice(2).split('/'))?.value : parameter);
}
