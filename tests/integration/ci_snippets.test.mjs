// The page on CI: its shell script runs as it stands, and what it says to CI systems is well-formed and calls that script.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { parse } from 'yaml';

import { within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const page = readFileSync(new URL('../../docs/ci.md', import.meta.url), 'utf8');

/** @param {string} language */
const blocks = (language) => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text]) => text);

/** How the script is called, by whichever CI system. */
const CALL = /^sh ci\/run-on-board\.sh build\/tests\.elf pass=PASSED fail=FAILED label=commit:\$(GITHUB_SHA|CI_COMMIT_SHA|GIT_COMMIT)$/;

/**
 * A checkout with the script and a firmware, removed with the test.
 * @param {import('node:test').TestContext} t
 * @param {string} name of the firmware
 */
function makeCheckout(t, name) {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'emud-ci-'));
	t.after(() => rmSync(directory, { recursive: true }));
	mkdirSync(path.join(directory, 'ci'));
	mkdirSync(path.join(directory, 'build'));
	writeFileSync(path.join(directory, 'ci/run-on-board.sh'), blocks('sh')[0]);
	writeFileSync(path.join(directory, 'build/tests.elf'), readFileSync(firmware(name)));
	return directory;
}

/**
 * @param {string} directory
 * @param {string} command
 * @param {Record<string, string>} env
 */
async function runStep(directory, command, env) {
	const shell = spawn('sh', ['-c', command], { cwd: directory, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	let stdout = '';
	let stderr = '';
	shell.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
	shell.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
	const [code] = await within(once(shell, 'close'), command);
	const read = (/** @type {string} */ name) => existsSync(path.join(directory, name)) ? readFileSync(path.join(directory, name), 'utf8') : null;
	return { code, stdout, stderr, log: read('run.log'), junit: read('junit.xml') };
}

const token = 'ci-secret-0123456789';

test('the shell step passes with the console in its log, and leaves log and report', async (t) => {
	const emud = await startEmud(t, { tokens: `ci ${token}\n` });
	const env = { EMUD_URL: emud.baseUrl, EMUD_TOKEN: token, EMUD_TARGET: 'board', GITHUB_SHA: '4f1c2d9' };
	const [{ run: call }] = parse(blocks('yaml')[0]).jobs.test.steps.filter((/** @type {{run?: string}} */ { run }) => run?.includes('ci/'));
	const step = await runStep(makeCheckout(t, 'passed'), call, env);
	assert.equal(step.code, 0, step.stdout + step.stderr);
	assert.match(step.stdout, /test 2 ok\r?\nPASSED/);
	assert.match(step.log ?? '', /^test 1 ok\r?\ntest 2 ok\r?\nPASSED/);
	assert.match(step.junit ?? '', /<testsuite[^>]* failures="0"/);
	const { json } = await emud.client({ token }).get('/runs?label=commit:4f1c2d9');
	assert.deepEqual(json.runs.map((/** @type {{verdict: string, actor: string}} */ { verdict, actor }) => [verdict, actor]), [['passed', 'ci']]);
});

test('a step that did not pass fails, and leaves log and report all the same', async (t) => {
	const emud = await startEmud(t);
	const env = { EMUD_URL: emud.baseUrl, EMUD_TARGET: 'board' };
	const directory = makeCheckout(t, 'passed');
	const step = await runStep(directory, 'sh ci/run-on-board.sh build/tests.elf pass=NEVER fail=PASS.D', env);
	assert.equal(step.code, 18, step.stdout + step.stderr);
	assert.match(step.log ?? '', /PASSED/);
	assert.match(step.junit ?? '', /<failure/);
	const [{ timeout, idle_timeout: idleTimeout, queue_timeout: queueTimeout }] = (await emud.client().get('/runs')).json.runs;
	assert.deepEqual([timeout, idleTimeout, queueTimeout], [60, 30, 600]);
	writeFileSync(path.join(directory, 'build/tests.elf'), readFileSync(firmware('exit')));
	const exited = await runStep(directory, 'sh ci/run-on-board.sh build/tests.elf', env);
	assert.deepEqual([exited.code, exited.log], [18, '']);
});

test('what is given to the script takes the place of its own', async (t) => {
	const emud = await startEmud(t);
	const call = 'sh ci/run-on-board.sh build/tests.elf target=board timeout=300 idle_timeout=20 queue_timeout=5 pass=test%201 pass=PASSED';
	const step = await runStep(makeCheckout(t, 'passed'), call, { EMUD_URL: emud.baseUrl });
	assert.equal(step.code, 0, step.stdout + step.stderr);
	const [run] = (await emud.client().get('/runs')).json.runs;
	assert.deepEqual([run.target, run.timeout, run.idle_timeout, run.queue_timeout], ['board', 300, 20, 5]);
});

test('a step that is refused says why and leaves nothing, nor what the one before has left', async (t) => {
	const emud = await startEmud(t, { tokens: `ci ${token}\n` });
	const directory = makeCheckout(t, 'passed');
	const call = 'sh ci/run-on-board.sh build/tests.elf pass=PASSED';
	const before = await runStep(directory, call, { EMUD_URL: emud.baseUrl, EMUD_TOKEN: token, EMUD_TARGET: 'board' });
	assert.match(before.junit ?? '', /<testsuite/);
	const refused = await runStep(directory, call, { EMUD_URL: emud.baseUrl, EMUD_TOKEN: token, EMUD_TARGET: 'baord' });
	assert.equal(refused.code, 22, refused.stderr);
	assert.match(refused.stdout, /"code":"unknown_target"/);
	const stranger = await runStep(directory, call, { EMUD_URL: emud.baseUrl, EMUD_TOKEN: 'guessed', EMUD_TARGET: 'board' });
	assert.equal(stranger.code, 22);
	assert.match(stranger.stdout, /"code":"unauthorized"/);
	const unreached = await runStep(directory, call, { EMUD_URL: 'http://127.0.0.1:9' });
	assert.deepEqual([unreached.code, unreached.stdout], [7, '']);
	assert.deepEqual([refused.log, refused.junit, stranger.log, stranger.junit, unreached.log], [null, null, null, null, null]);
});

test('the snippets for CI systems are well-formed and call the script', () => {
	const [actions, gitlab] = blocks('yaml').map((text) => parse(text));
	const steps = actions.jobs.test.steps;
	assert.ok(steps.some((/** @type {{run?: string}} */ { run }) => CALL.test(run ?? '')));
	assert.ok(steps.some((/** @type {any} */ step) => step.if === 'always()' && step.with.path.split('\n').includes('junit.xml')));
	assert.equal(steps.find((/** @type {any} */ step) => step.env).env.EMUD_TOKEN, '${{ secrets.EMUD_TOKEN }}');
	assert.ok(actions.jobs.test['timeout-minutes'] > 15);
	assert.ok(gitlab.board.script.some((/** @type {string} */ line) => CALL.test(line)));
	assert.deepEqual([gitlab.board.artifacts.when, gitlab.board.artifacts.reports.junit], ['always', 'junit.xml']);
	const [jenkins] = blocks('groovy');
	assert.ok([...jenkins.matchAll(/^\s*sh '(.*)'$/gm)].some(([, line]) => CALL.test(line)));
	assert.equal(jenkins.split('{').length, jenkins.split('}').length);
	assert.match(jenkins, /junit testResults: 'junit\.xml'/);
});
