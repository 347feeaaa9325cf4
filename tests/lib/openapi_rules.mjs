// What openapi.yaml must obey beyond being OpenAPI: this project's rules, each finding a sentence.

import { Validator } from '@seriousme/openapi-schema-validator';

import { SPECIFICATION_FILE, findParameters, lookUp, operations, specification } from './specification.mjs';

/** @returns {Promise<string[]>} what is wrong; empty when all is well */
export async function lint() {
	const { valid, errors } = await new Validator().validate(SPECIFICATION_FILE);
	const findings = valid ? [] : [`not OpenAPI 3.1: ${JSON.stringify(errors)}`];
	walk(specification, '#', findings);
	for (const operation of operations) checkOperation(operation, findings);
	checkProblems(findings);
	return findings;
}

/**
 * @param {any} node
 * @param {string} where
 * @param {string[]} findings
 */
function walk(node, where, findings) {
	if (node === null || typeof node !== 'object') return;
	if (typeof node.$ref === 'string' && !lookUp(node.$ref.slice(2).split('/'))) findings.push(`${where}: ${node.$ref} leads nowhere`);
	if (node.type === 'object' && node.properties && node.additionalProperties === undefined && !where.includes('/content/'))
		findings.push(`${where}: says nothing about other properties`);
	for (const [key, value] of Object.entries(node)) walk(value, `${where}/${key}`, findings);
}

/**
 * @param {import('./specification.mjs').Operation} found
 * @param {string[]} findings
 */
function checkOperation(found, findings) {
	const { method, pattern, operation, keys } = found;
	const where = `${method} ${pattern}`;
	for (const member of ['operationId', 'summary', 'tags']) if (!operation[member]) findings.push(`${where}: has no ${member}`);
	const named = new Set(findParameters(found).filter((parameter) => parameter.in === 'path').map(({ name }) => name));
	const wanted = new Set([...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
	for (const name of wanted) if (!named.has(name)) findings.push(`${where}: {${name}} is not described`);
	for (const name of named) if (!wanted.has(name)) findings.push(`${where}: ${name} is not in the path`);
	for (const status of Object.keys(operation.responses)) {
		const headers = lookUp([...keys, 'responses', status])?.value.headers ?? {};
		if (status !== '101' && !headers['X-Request-Id']) findings.push(`${where}: ${status} bears no X-Request-Id`);
	}
	if (operations.filter(({ operationId }) => operationId === operation.operationId).length > 1)
		findings.push(`${where}: operationId ${operation.operationId} stands twice`);
}

/** @param {string[]} findings */
function checkProblems(findings) {
	const { properties, 'x-problems': table } = specification.components.schemas.Problem;
	const codes = new Set(properties.code.enum);
	for (const code of Object.keys(table)) if (!codes.has(code)) findings.push(`x-problems: ${code} is not in the enum of code`);
	for (const code of codes) if (!table[code]) findings.push(`x-problems: has no ${code}`);
}
