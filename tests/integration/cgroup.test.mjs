// A cgroup for every start: what it holds, and that nothing in it outlives the start, however it hid.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { startEmud } from '../lib/emud.mjs';
import { findGrandchild, findShim, untilGone } from '../lib/shims.mjs';
import { until } from '../lib/deadline.mjs';
import { StateDir } from '../lib/state_dir.mjs';

/** Its grandchild has neither its session, nor its parents, nor anything in its environment. */
const HIDING = ['sh', '-c', `env -i setsid --fork sh -c 'echo $$ > $0; exec sleep 600' "$0"; exec sleep 600`, '$pw_emu_wdir{grandchild.log}'];

const TARGETS = { hiding: makeBoard({}, { 'pre-start-cmds': { helper: HIDING } }) };

/** @param {number} pid */
const groupOf = (pid) => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';

/** A running board with a hidden grandchild; null (and the test is skipped) where there are no cgroups. @param {any} t */
async function startHiding(t) {
	const emud = await startEmud(t, { targets: TARGETS });
	const client = emud.client();
	t.after(() => client.close());
	if (!(await client.get('/version')).json.confinement.cgroup) {
		t.skip('no cgroup v2 can be written here');
		return null;
	}
	const instance = await client.startBoard('board', 'counter', { target: 'hiding' });
	const grandchild = await findGrandchild(instance);
	const base = new StateDir(instance).json('spec.json').cgroup_base;
	const directory = path.join(base, path.basename(groupOf(grandchild)));
	return { emud, client, instance, grandchild, directory };
}

/** @param {{directory: string}} started */
const untilRemoved = ({ directory }) => until(() => !existsSync(directory), `${directory} to be removed`);

test('emulator, helpers and what they leave behind share a cgroup of their own, outside which the shim stays', async (t) => {
	const started = await startHiding(t);
	if (!started) return;
	const { client, instance, grandchild } = started;
	const group = groupOf(grandchild);
	assert.match(group, /\/emud-board-1-[0-9a-f]{12}$/);
	assert.equal(groupOf(instance.processes.qemu.pid), group);
	assert.equal(groupOf(instance.processes.helper.pid), group);
	assert.notEqual(groupOf(findShim(instance)), group);
	await client.post('/instances/board/stop');
	await untilGone(grandchild, 'the hidden grandchild');
	await untilRemoved(started);
});

test('a killed shim takes a grandchild with it that has emptied its environment', async (t) => {
	const started = await startHiding(t);
	if (!started) return;
	const { client, instance, grandchild } = started;
	process.kill(findShim(instance), 'SIGKILL');
	const { exit } = await client.waitFor('board', 'ended');
	assert.equal(exit.reason, 'supervisor_lost');
	await untilGone(grandchild, 'the hidden grandchild');
	await untilRemoved(started);
});

test('so it does when emud was dead at the time', async (t) => {
	const started = await startHiding(t);
	if (!started) return;
	const { emud, client, instance, grandchild } = started;
	await emud.end('SIGKILL');
	process.kill(findShim(instance), 'SIGKILL');
	await untilGone(instance.processes.qemu.pid, 'the emulator of a killed shim');
	await emud.start();
	const { exit } = await client.waitFor('board', 'ended');
	assert.equal(exit.reason, 'supervisor_lost');
	await untilGone(grandchild, 'the hidden grandchild');
	await untilRemoved(started);
});

test('an end that the board itself records does not save it', async (t) => {
	const started = await startHiding(t);
	if (!started) return;
	const { client, instance, grandchild } = started;
	const record = { format: 1, start_number: 1, state: 'exited', started_at: null, ended_at: null, exit: { code: 0, signal: null, reason: 'stopped', detail: null } };
	writeFileSync(new StateDir(instance).file('exit.json'), JSON.stringify(record));
	process.kill(findShim(instance), 'SIGKILL');
	const { exit } = await client.waitFor('board', 'ended');
	assert.equal(exit.reason, 'supervisor_lost');
	await untilGone(grandchild, 'the hidden grandchild');
	await untilRemoved(started);
});

test('a cgroup that spec.json names falsely is not touched', async (t) => {
	const started = await startHiding(t);
	if (!started) return;
	const { emud, client, instance, grandchild } = started;
	const other = await client.startBoard('other', 'counter', { target: 'hiding' });
	await emud.end('SIGKILL');
	const directory = new StateDir(instance);
	const spec = directory.json('spec.json');
	const { cookie } = new StateDir(other).json('spec.json');
	writeFileSync(directory.file('spec.json'), JSON.stringify({ ...spec, cookie: `${cookie.slice(0, 12)}` }));
	process.kill(findShim(instance), 'SIGKILL');
	await untilGone(instance.processes.qemu.pid, 'the emulator of a killed shim');
	await emud.start();
	await client.waitFor('board', 'ended');
	assert.equal((await client.get('/instances/other')).json.state, 'running');
	process.kill(grandchild, 'SIGKILL');
});
