// A Renode that `pw emu` started is adopted: what can work on it does, and what cannot says why.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import { adopt } from '../lib/adoption.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { isAlive } from '../lib/processes.mjs';
import { StartedByPwEmu } from '../lib/pw_emu_start.mjs';
import { PLATFORM, RENODE_TARGETS, callRobot, renodeEnvironment, renodeFirmware, testRenode } from '../lib/renode.mjs';

const root = mkdtempSync(path.join(os.tmpdir(), 'emud-pw-renode-'));
const started = /** @type {StartedByPwEmu[]} */ ([]);
const shared = shareEmud({ targets: RENODE_TARGETS, env: renodeEnvironment, server: { path_roots: [root] } });
after(() => {
	for (const pw of started) pw.abandon();
	rmSync(root, { recursive: true, force: true });
});

async function findPorts(count = 3) {
	const servers = Array.from({ length: count }, () => net.createServer().listen(0, '0.0.0.0'));
	await Promise.all(servers.map((server) => once(server, 'listening')));
	const ports = servers.map((server) => /** @type {net.AddressInfo} */ (server.address()).port);
	for (const server of servers) server.close();
	return ports;
}

/** @param {string} file @param {string} text */
function writeWhole(file, text) {
	writeFileSync(`${file}.new`, text);
	renameSync(`${file}.new`, file);
}

/** As pw_emu.md tells it. @param {string} id @param {string} name of a firmware */
async function startAsPwEmu(id, name) {
	const directory = path.join(root, id);
	mkdirSync(directory);
	const [robot, serial0, gdb] = await findPorts();
	const commands = ['mach add "f4"', `machine LoadPlatformDescription @${PLATFORM}`, `emulation CreateServerSocketTerminal ${serial0} "serial0" false`,
		'connector Connect sysbus.usart1 serial0', `machine StartGdbServer ${gdb}`, `sysbus LoadELF @${renodeFirmware(name)}`, 'start'];
	const log = openSync(path.join(directory, 'renode.log'), 'w');
	const child = spawn('renode', ['--disable-xwt', '--robot-server-port', String(robot), ...commands.flatMap((command) => ['--execute', command])],
		{ stdio: ['ignore', log, log], detached: true, env: { ...process.env, ...renodeEnvironment } });
	closeSync(log);
	const pw = new StartedByPwEmu(directory, [child]);
	started.push(pw);
	const endpoint = (/** @type {number} */ port) => ({ type: 'tcp', host: '127.0.0.1', port });
	await until(async () => (await callRobot(endpoint(robot), 'ExecuteCommand', ['machine IsPaused']).catch(() => null))?.text.includes('False'), 'Renode to run');
	writeWhole(path.join(directory, 'renode.pid'), String(child.pid));
	writeWhole(path.join(directory, 'handles.json'), JSON.stringify({ emu: 'renode', config: path.join(directory, 'pigweed.json'), target: 'f4', gdb_cmd: ['gdb-multiarch'],
		channels: { robot: endpoint(robot), serial0: endpoint(serial0), gdb: endpoint(gdb) }, procs: { renode: { pid: child.pid } } }));
	return pw;
}

const act = (/** @type {string} */ id, /** @type {string} */ action, options = {}) =>
	shared.client.post(`/instances/${id}/${action}`, options).then(({ json }) => json);

testRenode('consoles, pause, resume, properties and gdb work on an adopted Renode', async () => {
	const pw = await startAsPwEmu('driven', 'echo');
	const instance = await adopt(shared.client, 'driven', pw);
	assert.deepEqual([instance.adopted, instance.state, instance.emulator], [true, 'running', 'renode']);
	assert.deepEqual([instance.channels.robot.kind, instance.channels.gdb.kind, instance.channels.serial0.kind], ['control', 'gdb', 'console']);
	await shared.client.post('/instances/driven/channels/serial0/input', { body: 'hello?' });
	await shared.client.waitForOutput('driven', 'hello?');
	assert.equal((await act('driven', 'pause')).state, 'paused');
	await callRobot(pw.handles.channels.robot, 'StartEmulation');
	assert.equal((await shared.client.get('/instances/driven')).json.state, 'running');
	const { value } = (await shared.client.get('/instances/driven/property?path=sysbus.usart1&name=BaudRate')).json;
	assert.equal(value, 0xe0d1);
	assert.equal((await act('driven', 'gdb', { json: { commands: ['info registers pc'] } })).exit_code, 0);
});

testRenode('a reset of an adopted Renode says what it lacks, and works once an image was loaded', async () => {
	const pw = await startAsPwEmu('reset', 'hello');
	await adopt(shared.client, 'reset', pw);
	const { detail } = await shared.client.refused(502, 'emulator_error', 'POST', '/instances/reset/reset');
	assert.match(detail, /load one here first/);
	await act('reset', 'load', { json: { file: renodeFirmware('counter') } });
	await shared.client.waitForOutput('reset', '0\r\n1\r\n');
	await act('reset', 'reset');
	await shared.client.waitForOutput('reset', '\n0\r\n1\r\n');
});

testRenode('an adopted Renode ends when it is asked to, and as pw emu would end it', async () => {
	const pw = await startAsPwEmu('ended', 'hello');
	const { processes } = await adopt(shared.client, 'ended', pw);
	await shared.client.request('POST', '/instances/ended/restart', { expect: 409 });
	const { exit } = await act('ended', 'stop');
	assert.deepEqual([exit.reason, exit.code], ['stopped', null]);
	assert.equal(isAlive(processes.renode.pid), false);
	assert.equal(existsSync(path.join(pw.directory, '.emud', 'renode.tmp')), false);
});
