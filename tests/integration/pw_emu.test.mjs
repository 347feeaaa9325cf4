// Upstream's `pw emu` works on an instance that emud started, whatever the type of its channels.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { PwEmuDouble, RealPwEmu, findRealPwEmu } from '../lib/pw_emu_double.mjs';
import { connectQmp } from '../lib/qmp.mjs';
import { isAlive } from '../lib/processes.mjs';
import { untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

const helper = { 'pre-start-cmds': { helper: ['sleep', '600'] } };
const shared = shareEmud({ targets: {
	tcp: makeBoard({}, helper),
	pty: makeBoard({ channels: { type: 'pty', chardevs: { serial0: { id: 'serial0' } } } }, helper),
} });

const tools = /** @type {[string, typeof PwEmuDouble][]} */ ([['a double of pw emu', PwEmuDouble]]);
if (findRealPwEmu()) tools.push(['the real pw emu', RealPwEmu]);
else test('the real pw emu', { skip: 'no pw was found on the PATH: only the double of it was tested' }, () => {});

for (const type of ['tcp', 'pty']) {
	test(`handles.json, pid files and links are as pw emu leaves them (${type})`, async () => {
		const instance = await shared.client.startBoard(`files-${type}`, 'hello', { target: type });
		const directory = new StateDir(instance);
		const handles = directory.json('handles.json');
		assert.deepEqual([handles.emu, handles.target, handles.gdb_cmd], ['qemu', type, ['gdb-multiarch']]);
		assert.ok(directory.json('config.json').pw.pw_emu.targets[type]);
		assert.equal(handles.config, directory.file('config.json'));
		assert.deepEqual(Object.keys(handles.channels).sort(), ['gdb', 'monitor', 'qmp', 'serial0']);
		for (const [name, channel] of Object.entries(handles.channels)) {
			assert.equal(channel.type, type);
			if (type === 'tcp') assert.ok(channel.host === '127.0.0.1' && channel.port > 0, JSON.stringify(channel));
			else assert.match(channel.path, /^\/dev\/pts\/\d+$|\/files-pty\//, name);
			assert.equal(directory.names().includes(name), type === 'pty');
		}
		assert.deepEqual(handles.procs, instance.processes);
		for (const [name, { pid }] of Object.entries(handles.procs)) assert.equal(directory.read(`${name}.pid`), `${pid}`);
		assert.ok(directory.has('qemu.log') && directory.has('helper.log'));
	});

	test(`a restarted board is reached through its new endpoints (${type})`, async () => {
		await shared.client.startBoard(`again-${type}`, 'hello', { target: type });
		for (let round = 0; round < 4; round++) {
			const instance = (await shared.client.post(`/instances/again-${type}/restart`)).json;
			const qmp = await connectQmp(new StateDir(instance).json('handles.json').channels.qmp);
			assert.equal((await qmp.run('query-status')).status, 'running');
			qmp.close();
		}
	});

	for (const [what, Tool] of tools) {
		test(`${what} resumes, resets, reads properties and gdb's registers (${type})`, async () => {
			const id = `driven-${type}-${Tool.name}`;
			const pw = new Tool((await shared.client.startBoard(id, 'hello', { target: type, paused: true })).path);
			await pw.resume();
			assert.equal((await shared.client.waitFor(id, 'running')).state, 'running');
			await shared.client.waitForOutput(id, 'Hello\r\n');
			await pw.reset();
			await shared.client.waitForOutput(id, 'Hello\r\nHello\r\n');
			const query = 'path=/machine&name=type';
			const { json } = await shared.client.get(`/instances/${id}/property?${query}`);
			assert.equal(await pw.propGet('/machine', 'type'), json.value);
			const { code, output } = await pw.gdbCommands(['printf "sp is %x\\n", $sp']);
			assert.equal(code, 0, output);
			pw.close();
			assert.match(output, /sp is [0-9a-f]{6,8}\n/);
		});

		test(`${what} opens a terminal (${type})`, async () => {
			const id = `terminal-${type}-${Tool.name}`;
			const pw = new Tool((await shared.client.startBoard(id, 'echo', { target: type })).path);
			const terminal = await pw.term('serial0');
			terminal.send('do you hear me?\r');
			await terminal.until('do you hear me?\r');
			await shared.client.waitForOutput(id, 'do you hear me?\r');
			terminal.close();
		});

		test(`${what} stops the instance, and emud notices (${type})`, async () => {
			const id = `stopped-${type}-${Tool.name}`;
			const started = await shared.client.startBoard(id, 'counter', { target: type });
			const pw = new Tool(started.path);
			await pw.stop();
			const instance = await shared.client.waitFor(id, 'ended');
			assert.deepEqual([instance.state, instance.exit.reason], ['exited', 'terminated']);
			for (const { pid } of Object.values(started.processes)) assert.equal(isAlive(pid), false);
			await untilShimGone(started);
			assert.deepEqual(new StateDir(started).remains(), []);
			await assert.rejects(async () => pw.propGet('/machine', 'type'), /not started/);
			const { json } = await shared.client.post(`/instances/${id}/start`);
			assert.deepEqual([json.state, json.start_number], ['running', 2]);
		});
	}
}
