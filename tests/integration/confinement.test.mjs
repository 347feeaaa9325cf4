// What emulators, helpers and gdb cannot reach: where the kernel has what it takes, and /version says so.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { SEMIHOSTING, firmware } from '../lib/firmware.mjs';
import { DENIED, DONE, makeCommandRunner, makeFileWriter } from '../lib/semihosting_firmware.mjs';
import { StateDir } from '../lib/state_dir.mjs';

const outside = mkdtempSync(path.join(os.tmpdir(), 'emud-outside-'));
const secret = path.join(outside, 'secret');
writeFileSync(secret, 'a secret of nobody\'s concern\n');

const helper = (/** @type {string} */ script) => ({ 'pre-start-cmds': { helper: ['sh', '-c', `${script}; echo done; exec sleep 600`] } });
const shared = shareEmud({ targets: {
	writing: makeBoard({}, helper(`echo x > ${outside}/by-helper`)),
	linking: makeBoard({}, { 'pre-start-cmds': { helper: ['sh', '-c', `ln -s ${outside}/by-link "$0"; echo x > "$0"; rm -f "$0"; echo done; exec sleep 600`, '$pw_emu_wdir{link}'] } }),
	reading: makeBoard({}, helper(`cat ${secret}`)),
	inside: makeBoard({}, { 'pre-start-cmds': { helper: ['sh', '-c', 'echo kept > "$0" && echo wrote; exec sleep 600', '$pw_emu_wdir{own.log}'] } }),
} });

/** @returns {Promise<{landlock_abi: number, seccomp: boolean}>} */
const readConfinement = async () => (await shared.client.get('/version')).json.confinement;

after(() => rmSync(outside, { recursive: true }));

/** Landlock keeps it from being written; where there is none, nothing does. @param {string} name */
async function assertWritten(name) {
	const confinement = await readConfinement();
	assert.equal(existsSync(path.join(outside, name)), confinement.landlock_abi === 0, `${name}, by ${JSON.stringify(confinement)}`);
}

test('/version says what holds of a running emulator, and so does the log', async () => {
	const { processes } = await shared.client.startBoard('seen', 'hello');
	const status = readFileSync(`/proc/${processes.qemu.pid}/status`, 'utf8');
	assert.match(status, /^NoNewPrivs:\t1$/m);
	assert.equal(/^Seccomp:\t2$/m.test(status), (await readConfinement()).seccomp);
	assert.match(shared.emud.stderr, /landlock/i);
});

for (const [what, args] of [
	['-D', ['-D', `${outside}/by-args`, '-d', 'guest_errors']],
	['-chardev file', ['-chardev', `file,id=out,path=${outside}/by-args`, '-serial', 'chardev:out']],
	['-trace', ['-trace', `file=${outside}/by-args`]],
	['-pidfile', ['-pidfile', `${outside}/by-args`]],
	['-sandbox off', ['-sandbox', 'off', '-D', `${outside}/by-args`, '-d', 'guest_errors']],
]) {
	test(`args that write outside are stopped: ${what}`, async () => {
		const { status } = await shared.client.request('PUT', '/instances/args', { json: { target: 'board', file: firmware('hello'), args } });
		assert.ok(status === 201 || status === 502, `${status}`);
		await assertWritten('by-args');
		rmSync(`${outside}/by-args`, { force: true });
		await shared.client.delete('/instances/args');
	});
}

/** @param {string} id @param {Buffer} image */
async function runSemihosted(id, image) {
	const file = path.join(shared.emud.directory, `${id}.elf`);
	writeFileSync(file, image);
	await shared.client.put(`/instances/${id}`, { json: { target: 'board', file, args: SEMIHOSTING }, expect: 201 });
	return shared.client.waitFor(id, 'ended');
}

test('a guest cannot write the host\'s files through semihosting', async () => {
	const { exit } = await runSemihosted('semihosting', makeFileWriter(`${outside}/by-guest`));
	assert.equal(exit.code, (await readConfinement()).landlock_abi ? DENIED : DONE);
	await assertWritten('by-guest');
});

test('a guest cannot run the host\'s commands through semihosting', async () => {
	const { exit } = await runSemihosted('commanding', makeCommandRunner(`touch ${outside}/by-command`));
	assert.ok(exit.code !== 0, JSON.stringify(exit));
	await assertWritten('by-command');
});

test('a helper writes below the state directory alone, through links neither', async () => {
	for (const [target, file] of [['writing', 'by-helper'], ['linking', 'by-link']]) {
		const instance = await shared.client.startBoard(target, 'hello', { target });
		await until(() => new StateDir(instance).read('helper.log').includes('done\n'), 'the helper to have tried');
		await assertWritten(file);
	}
	const instance = await shared.client.startBoard('inside', 'hello', { target: 'inside' });
	await until(() => new StateDir(instance).read('helper.log') === 'wrote\n', 'the helper to have written');
	assert.equal(new StateDir(instance).read('own.log'), 'kept\n');
});

test('a helper reads what is the system\'s and the project\'s alone', async () => {
	const instance = await shared.client.startBoard('reading', 'hello', { target: 'reading' });
	await until(() => new StateDir(instance).read('helper.log').includes('done\n'), 'the helper to have tried');
	assert.equal(new StateDir(instance).read('helper.log').includes('a secret'), (await readConfinement()).landlock_abi === 0);
});

test('gdb writes no files of the host either', async () => {
	await shared.client.startBoard('debugged', 'hello');
	for (const command of [`dump binary memory ${outside}/by-gdb 0 16`, `save breakpoints ${outside}/by-gdb`, `generate-core-file ${outside}/by-gdb`, `set logging file ${outside}/by-gdb`, 'set logging enabled on'])
		await shared.client.request('POST', '/instances/debugged/gdb', { json: { commands: [command], timeout: 10 } });
	await assertWritten('by-gdb');
});
