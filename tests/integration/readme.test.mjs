// The README's tour runs as it stands: its shell blocks, one after the other, against `emud --demo`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

test("the README's tour runs as it stands", async (t) => {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'emud-readme-'));
	const emud = spawn(EMUD, ['--demo', '--listen', '127.0.0.1:0', '--state-dir', directory], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	t.after(async () => {
		emud.kill('SIGINT');
		await within(once(emud, 'exit'), 'the end of emud with its boards');
		rmSync(directory, { recursive: true });
	});
	const said = gather(emud.stdout);
	gather(emud.stderr);
	while (!/^listening on http:\S+$/m.test(said.text)) await within(once(emud.stdout, 'data'), 'emud to listen');
	const url = /** @type {RegExpMatchArray} */ (said.text.match(/http:\S+/))[0];
	// A reader's fingers are slower than the board; the test's are not.
	const banner = `${url}/instances/demo/channels/serial0/output`;
	await until(async () => (await (await fetch(banner)).text()).includes('Type help'), "the demo's first words");
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
