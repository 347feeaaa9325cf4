// A client generated from the specification compiles, and drives a board.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { SPECIFICATION_FILE } from '../lib/specification.mjs';

const TESTS = new URL('..', import.meta.url).pathname;

const tool = (/** @type {string} */ name, /** @type {string[]} */ args) =>
	execFileSync(path.join(TESTS, 'node_modules/.bin', name), args, { encoding: 'utf8', cwd: TESTS });

/** Below tests/, so that the packages are found. @param {import('node:test').TestContext} t */
function makeWorkDirectory(t) {
	const directory = mkdtempSync(path.join(TESTS, '.typescript-'));
	t.after(() => rmSync(directory, { recursive: true, force: true }));
	cpSync(path.join(TESTS, 'http/typescript_client'), directory, { recursive: true });
	writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}');
	return directory;
}

test('a generated TypeScript client compiles and drives a board', { timeout: 120_000 }, async (t) => {
	const directory = makeWorkDirectory(t);
	tool('openapi-typescript', [SPECIFICATION_FILE, '--default-non-nullable=false', '--output', path.join(directory, 'schema.ts')]);
	tool('tsc', ['--project', path.join(directory, 'tsconfig.json')]);
	const { drive } = await import(path.join(directory, 'drive.js'));
	const emud = await startEmud(t);
	assert.deepEqual(await drive(`${emud.baseUrl}/v1`, firmware('echo')), {
		states: ['running', 'paused', 'running', 'exited'],
		output: 'typed',
		refusal: 'unknown_target',
	});
});
