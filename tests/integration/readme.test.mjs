// The README's tour runs as it stands: its shell blocks, one after the other, against `emud --demo`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { until, within } from '../lib/deadline.mjs';
import { EMUD } from '../lib/emud.mjs';
import { BUILD } from '../lib/firmware.mjs';

const README = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../README.md');

/** @param {string} text */
function shellBlocks(text) {
	return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1]);
}

/** Collects what a stream says. @param {import('node:stream').Readable} stream */
function gather(stream) {
	const gathered = { text: '' };
	stream.setEncoding('utf8').on('data', (text) => (gathered.text += text));
	return gathered;
}

/**
 * emud with its demo board, and where it is.
 * @param {string} directory of its state
 * @param {Record<string, string>} [env]
 */
async function startDemo(directory, env = {}) {
	const emud = spawn(EMUD, ['--demo', '--listen', '127.0.0.1:0', '--state-dir', directory], {
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const said = gather(emud.stdout);
	gather(emud.stderr);
	while (!/^listening on http:\S+$/m.test(said.text)) await within(once(emud.stdout, 'data'), 'emud to listen');
	const url = /** @type {RegExpMatchArray} */ (said.text.match(/http:\S+/))[0];
	return {
		url,
		/** As Ctrl-C does it. */
		async stop() {
			emud.kill('SIGINT');
			await within(once(emud, 'exit'), 'the end of emud with its boards');
		},
	};
}

/** Until the board has said its first words: a reader's fingers are slower than the board; the test's are not. @param {string} url */
const untilBooted = (url) =>
	until(async () => (await (await fetch(`${url}/instances/demo/channels/serial0/output`)).text()).includes('Type help'), "the demo's first words");

/** Also what the directories hold is gone then. @param {{stop: () => Promise<void>}} demo @param {...string} directories */
async function endDemo(demo, ...directories) {
	await demo.stop();
	for (const directory of directories) rmSync(directory, { recursive: true });
}

const createDirectory = (/** @type {string} */ name) => mkdtempSync(path.join(os.tmpdir(), name));

test("the README's tour runs as it stands", async (t) => {
	const directory = createDirectory('emud-readme-');
	const demo = await startDemo(directory);
	t.after(() => endDemo(demo, directory));
	const { url } = demo;
	await untilBooted(url);
	const blocks = shellBlocks(readFileSync(README, 'utf8'));
	assert.ok(blocks.length >= 5, 'the README has its tour');

	const shell = spawn('bash', ['-e', '-u', '-o', 'pipefail', '-c', blocks.join('\n')], {
		env: { ...process.env, URL: url, FIRMWARE: path.join(BUILD, 'share/emud/firmware/demo.elf') },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const output = gather(shell.stdout);
	const errors = gather(shell.stderr);
	const [code] = await within(once(shell, 'exit'), 'the end of the tour', 60_000);
	assert.equal(code, 0, output.text + errors.text);
	for (const promised of [
		'"name":"qemu-lm3s6965evb"',
		'"matched":"listed"',
		'"id":"demo"',
		'emud demo firmware',
		'this list', // what `help` says, read from where the reader had stopped
		'"id":"mine"',
		'"state":"paused"',
		'"value":"lm3s6965evb-machine"',
		'"exit_code":0',
		'"code":"invalid_request"',
		'emud: run 1 passed', // behind the console of its own board
	])
		assert.ok(output.text.includes(promised), `the tour shows ${promised}:\n${output.text}`);
});

test('the demo of another checkout, which is gone, runs with the firmware of this one', async (t) => {
	const state = createDirectory('emud-demo-');
	const checkouts = createDirectory('emud-checkouts-');
	const [gone, here] = ['gone', 'here'].map((name) => path.join(checkouts, name));
	cpSync(path.join(BUILD, 'share/emud'), gone, { recursive: true });
	const first = await startDemo(state, { EMUD_SHARE: gone });
	await untilBooted(first.url);
	await first.stop();
	renameSync(gone, here);
	const second = await startDemo(state, { EMUD_SHARE: here });
	t.after(() => endDemo(second, state, checkouts));
	const { state: now, file } = await (await fetch(`${second.url}/instances/demo/wait?for=running`)).json();
	assert.deepEqual([now, file?.path], ['running', path.join(realpathSync(here), 'firmware/demo.elf')]);
	await untilBooted(second.url);
});
