// Helper processes: what they are told, where they run, and that a stop leaves none of them.

import assert from 'node:assert/strict';
import { readlinkSync, statSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { isAlive } from '../lib/processes.mjs';
import { daemonizing, findGrandchild, untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

/** Says its arguments, a line each, and stays. @param {string[]} texts */
const teller = (...texts) => ['sh', '-c', 'printf "%s\\n" "$@"; exec sleep 600', 'teller', ...texts];
const pty = { channels: { type: 'pty', chardevs: { serial0: { id: 'serial0' } } } };
const DEAF = ['sh', '-c', 'trap "" TERM; echo deaf; while :; do sleep 0.1; done'];

const shared = shareEmud({
	env: { EMUD_TEST_WORD: 'a word' },
	server: { limits: { stop_timeout: 1 } },
	targets: {
		telling: makeBoard({}, {
			'pre-start-cmds': { before: teller('$pw_emu_wdir{sub/x}', '$pw_emu_channel_host{serial0}:$pw_emu_channel_port{serial0} $pw_emu_channel_port{gdb}', '<$pw_env{EMUD_TEST_WORD}>', 'as it is: $HOME $$ ${X}') },
			'post-start-cmds': { after: teller('$pw_emu_channel_port{qmp} $pw_emu_channel_port{monitor}') },
		}),
		'telling-pty': makeBoard(pty, { 'pre-start-cmds': { before: teller('$pw_emu_channel_path{serial0}', '$pw_emu_channel_path{gdb}') } }),
		deaf: makeBoard({}, { 'post-start-cmds': { deaf: DEAF } }),
		daemonizing: makeBoard({}, { 'pre-start-cmds': { parent: daemonizing('exit 0') } }),
		'deaf-family': makeBoard({}, { 'pre-start-cmds': { parent: ['sh', '-c', `setsid --fork sh -c 'trap "" TERM HUP; echo $$ > "$0"; while :; do sleep 0.1; done' "$0"`, '$pw_emu_wdir{grandchild.log}'] } }),
		missing: makeBoard({}, { 'pre-start-cmds': { first: teller('started'), absent: ['/nowhere/no-such-helper'] } }),
		'missing-after': makeBoard({}, { 'post-start-cmds': { absent: ['no-such-helper-anywhere'] } }),
		early: makeBoard({}, { 'pre-start-cmds': { early: ['sh', '-c', 'echo bye; exit 7'] } }),
		babbling: makeBoard({}, { 'pre-start-cmds': { early: ['sh', '-c', 'yes babble | head -c 50000000; echo enough; exec sleep 600'] }, 'post-start-cmds': { late: ['sh', '-c', 'yes babble | head -c 50000000 >&2; echo enough; exec sleep 600'] } }),
		listening: makeBoard({}, { 'pre-start-cmds': { listener: ['sh', '-c', 'exec 3<>/dev/null; sleep 600', '$pw_emu_channel_port{serial0}'] } }),
	},
});

/** @param {string} id @param {string} process @param {number} lines */
async function readLog(id, process, lines) {
	const directory = new StateDir((await shared.client.get(`/instances/${id}`)).json);
	return until(() => {
		const said = directory.has(`${process}.log`) ? directory.read(`${process}.log`).split('\n') : [];
		return said.length > lines && said.slice(0, -1);
	}, `${process} to say ${lines} lines`);
}

test('every substitution is made, several in a string, before and after the start', async () => {
	const instance = await shared.client.startBoard('telling', 'hello', { target: 'telling' });
	const { serial0, gdb, qmp, monitor } = instance.channels;
	assert.deepEqual(await readLog('telling', 'before', 4),
		[`${instance.path}/sub/x`, `127.0.0.1:${serial0.port} ${gdb.port}`, '<a word>', 'as it is: $HOME $$ ${X}']);
	assert.deepEqual(await readLog('telling', 'after', 1), [`${qmp.port} ${monitor.port}`]);
	for (const name of ['before', 'after', 'qemu']) assert.equal(new StateDir(instance).pid(name), instance.processes[name].pid);
});

test('a pty channel tells its path', async () => {
	const instance = await shared.client.startBoard('telling-pty', 'hello', { target: 'telling-pty' });
	assert.deepEqual(await readLog('telling-pty', 'before', 2), [instance.channels.serial0.path, instance.channels.gdb.path]);
});

test('the endpoints a helper is told of are there before it starts, and the console loses nothing', async () => {
	const instance = await shared.client.startBoard('listening', 'hello', { target: 'listening', paused: true });
	const socket = net.connect(instance.channels.serial0.port, '127.0.0.1');
	let text = '';
	socket.setEncoding('utf8').on('data', (part) => (text += part));
	await shared.client.post('/instances/listening/resume');
	await until(() => text === 'Hello\r\n', 'the output at the tcp port');
	socket.destroy();
});

test('a helper that babbles does not fill the disk, and what it said last can be read', async () => {
	const { path } = await shared.client.startBoard('babbling', 'hello', { target: 'babbling' });
	for (const name of ['early', 'late']) {
		await until(() => statSync(`${path}/${name}.log`).size > 50_000_000, `${name} to have said all`);
		await until(() => statSync(`${path}/${name}.log`).blocks * 512 < 5 * 1024 * 1024, `the log of ${name} to be cut to its window`);
		const { text } = await shared.client.get(`/instances/babbling/logs/${name}`);
		assert.ok(text.length <= 5 * 1024 * 1024 && !text.includes('\0'));
		assert.ok(text.endsWith('enough\n'));
	}
});

test('helpers run in the directory of the configuration', async () => {
	const { processes } = await shared.client.startBoard('cwd', 'hello', { target: 'telling' });
	assert.equal(readlinkSync(`/proc/${processes.before.pid}/cwd`), shared.emud.directory);
	assert.equal(readlinkSync(`/proc/${processes.qemu.pid}/cwd`), shared.emud.directory);
});

test('a helper that ignores SIGTERM is killed after stop_timeout', async () => {
	const instance = await shared.client.startBoard('deaf', 'hello', { target: 'deaf' });
	await readLog('deaf', 'deaf', 1);
	const before = Date.now();
	const { exit } = (await shared.client.post('/instances/deaf/stop')).json;
	assert.ok(Date.now() - before >= 1000, 'it was not given its time');
	assert.equal(exit.reason, 'stopped');
	assert.equal(isAlive(instance.processes.deaf.pid), false);
	assert.deepEqual(new StateDir(instance).remains(), []);
});

for (const target of ['daemonizing', 'deaf-family']) {
	test(`a stop leaves no process, no pid file, no handles and no socket: ${target}`, async () => {
		const instance = await shared.client.startBoard(target, 'hello', { target });
		const grandchild = await findGrandchild(instance);
		await until(async () => !(await shared.client.get(`/instances/${target}`)).json.processes.parent, 'the parent to be gone from the processes');
		assert.ok(isAlive(grandchild), 'the grandchild lives on its parent');
		await shared.client.post(`/instances/${target}/stop`);
		assert.equal(isAlive(grandchild), false);
		await untilShimGone(instance);
		assert.deepEqual(new StateDir(instance).remains(), []);
	});
}

test('a helper that ends leaves the board running, and its log readable', async () => {
	const instance = await shared.client.startBoard('early', 'counter', { target: 'early' });
	await until(async () => !(await shared.client.get('/instances/early')).json.processes.early, 'the helper to be gone');
	assert.ok(!new StateDir(instance).has('early.pid'));
	assert.equal((await shared.client.get('/instances/early')).json.state, 'running');
	assert.equal((await shared.client.get('/instances/early/logs/early')).text, 'bye\n');
});

for (const [target, word] of [['missing', 'absent'], ['missing-after', 'absent']]) {
	test(`a helper that cannot be started fails the start by its name: ${target}`, async () => {
		const problem = await shared.client.refused(502, 'start_failed', 'PUT', `/instances/${target}`, { json: { target, file: firmware('hello') } });
		assert.ok(problem.detail.includes(word), problem.detail);
		const { json } = await shared.client.get(`/instances/${target}`);
		assert.deepEqual([json.state, json.exit.reason, json.processes], ['failed', 'start_failed', {}]);
		assert.deepEqual(new StateDir(json).remains(), []);
	});
}
