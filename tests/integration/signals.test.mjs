// What the signals do to emud, and who else may use its state directory.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { EMUD, startEmud } from '../lib/emud.mjs';
import { isAlive } from '../lib/processes.mjs';
import { untilGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

const DEAF = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'];

test('SIGTERM ends emud alone, and the next one finds the boards', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const running = await client.startBoard('running', 'counter');
	const paused = await client.startBoard('paused', 'counter', { paused: true });
	assert.deepEqual(await emud.end('SIGTERM'), { code: 0, signal: null });
	assert.ok(isAlive(running.processes.qemu.pid));
	await emud.start();
	for (const board of [running, paused]) {
		const { json } = await client.get(`/instances/${board.id}`);
		assert.deepEqual([json.state, json.processes, json.channels], [board.state, board.processes, board.channels]);
	}
	await client.post('/instances/paused/resume');
	await client.waitForOutput('paused', '3\r\n');
	client.close();
});

for (const [how, signal, options] of /** @type {[string, NodeJS.Signals, object][]} */ ([
	['SIGINT', 'SIGINT', {}],
	['SIGTERM under --stop-instances-on-exit', 'SIGTERM', { args: ['--stop-instances-on-exit'] }],
	['SIGTERM under server.stop_instances_on_exit', 'SIGTERM', { server: { stop_instances_on_exit: true } }],
])) {
	test(`${how} ends emud and its boards, helpers included`, async (t) => {
		const emud = await startEmud(t, { ...options, targets: { helped: makeBoard({}, { 'pre-start-cmds': { helper: ['sleep', '600'] } }) } });
		const client = emud.client();
		const boards = [await client.startBoard('one', 'counter'), await client.startBoard('two', 'hello', { target: 'helped', paused: true })];
		assert.deepEqual(await emud.end(signal), { code: 0, signal: null });
		for (const board of boards) {
			for (const { pid } of Object.values(board.processes)) assert.equal(isAlive(pid), false);
			assert.deepEqual(new StateDir(board).remains(), []);
		}
		await emud.start();
		for (const { id } of boards) {
			const { json } = await client.get(`/instances/${id}`);
			assert.deepEqual([json.state, json.exit.reason], ['exited', 'stopped']);
		}
		client.close();
	});
}

test('a second SIGINT does not wait for boards that will not end', async (t) => {
	const emud = await startEmud(t, { targets: { deaf: makeBoard({}, { 'pre-start-cmds': { helper: DEAF } }) }, server: { limits: { stop_timeout: 1.5 } } });
	const client = emud.client();
	const board = await client.startBoard('board', 'counter', { target: 'deaf' });
	client.close();
	emud.process?.kill('SIGINT');
	await untilGone(board.processes.qemu.pid, 'the emulator to be stopped');
	assert.ok(isAlive(board.processes.helper.pid));
	await emud.end('SIGINT');
	assert.ok(isAlive(board.processes.helper.pid), 'it has waited');
	await untilGone(board.processes.helper.pid, 'the helper to be killed by its shim');
	await emud.start();
});

const names = async (/** @type {import('../lib/client.mjs').Client} */ client) =>
	(await client.get('/targets?limit=1000')).json.targets.map((/** @type {{name: string}} */ { name }) => name);

test('SIGHUP takes a good configuration, and boards keep what they were started with', async (t) => {
	const emud = await startEmud(t, { targets: { changing: makeBoard({ args: ['-d', 'unimp'] }) } });
	const client = emud.client();
	const board = await client.startBoard('board', 'hello', { target: 'changing' });
	emud.writeConfig({ targets: { added: makeBoard(), changing: makeBoard({ args: ['-d', 'guest_errors'] }) } });
	emud.process?.kill('SIGHUP');
	await until(async () => (await names(client)).includes('added'), 'the new target');
	assert.deepEqual((await client.get('/instances/board')).json.command, board.command);
	const restarted = (await client.post('/instances/board/restart')).json;
	assert.ok(restarted.command.includes('unimp'), 'a restart uses the configuration of the first start');
	const fresh = await client.startBoard('fresh', 'hello', { target: 'changing' });
	assert.ok(fresh.command.includes('guest_errors'));
	client.close();
});

test('SIGHUP refuses a bad configuration whole, logs every error, and the old one stays in force', async (t) => {
	const emud = await startEmud(t, { targets: { old: makeBoard() } });
	const client = emud.client();
	const before = await names(client);
	const bad = { pw: { pw_emu: { targets: { added: makeBoard(), broken: { qemu: { machine: 7, channels: { chardevs: { serial0: { type: 'morse' } } } } } } } }, server: { limits: { instances: -1 } } };
	writeFileSync(emud.configFile, JSON.stringify(bad, null, 2));
	emud.process?.kill('SIGHUP');
	await until(() => emud.stderr.includes('event=config.refused'), 'the refusal');
	await until(() => emud.stderr.split('event=config.error').length > 4, 'an error each');
	for (const key of ['targets.broken.qemu.machine', 'chardevs.serial0.id', 'chardevs.serial0.type', 'server.limits.instances'])
		assert.match(emud.stderr, new RegExp(`config\\.error.*config\\.json:\\d+: \\S*${key.replaceAll('.', '\\.')}`), key);
	assert.deepEqual(await names(client), before);
	await client.startBoard('board', 'hello', { target: 'old' });
	const problem = await client.refused(422, 'invalid_configuration', 'POST', '/config/reload');
	assert.ok(problem.errors.length >= 4, JSON.stringify(problem));
	writeFileSync(emud.configFile, '{ not JSON');
	const { detail } = await client.refused(422, 'invalid_configuration', 'POST', '/config/reload');
	assert.equal(detail, `nothing was changed: ${emud.configFile} has 1 error`);
	assert.deepEqual(await names(client), before);
	client.close();
});

/** @param {import('../lib/emud.mjs').Emud} emud @param {string[]} args */
function runBeside(emud, args) {
	return spawnSync(EMUD, ['--config', emud.configFile, ...args], { encoding: 'utf8', timeout: 10000 });
}

test('a second emud on the same state directory is refused, and harms nothing', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.startBoard('board', 'counter');
	const { status, stderr, stdout } = runBeside(emud, ['--listen', '127.0.0.1:0', '--state-dir', emud.stateDir]);
	assert.equal(status, 1);
	assert.match(stderr, /another emud runs on .*state/);
	assert.equal(stdout, '');
	assert.equal((await client.get('/instances/board')).json.state, 'running');
	client.close();
});

test('a port that is taken is told', async (t) => {
	const emud = await startEmud(t);
	const { status, stderr } = runBeside(emud, ['--listen', `127.0.0.1:${emud.port}`, '--state-dir', `${emud.directory}/other`]);
	assert.equal(status, 1);
	assert.match(stderr, /^emud: give another port with --listen: cannot listen on 127\.0\.0\.1 port \d+: Address already in use\n$/m);
});
