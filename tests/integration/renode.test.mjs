// What Renode's double can be made to do, and a real Renode may: all that goes wrong, and many at once.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { isAlive } from '../lib/processes.mjs';
import { openChannel } from '../lib/qmp.mjs';
import { RENODE_TARGETS, callRobot, doubleEnvironment, renodeEnvironment, makeRenodeBoard, renodeFirmware, startRenode, testRenode } from '../lib/renode.mjs';
import { findShim } from '../lib/shims.mjs';

/** Starts in all, and at a time; `make soak` asks for a thousand. */
const STARTS = Number(process.env.EMUD_RENODE_STARTS ?? 24);
const AT_A_TIME = 16;

/** Both ways to keep ports apart. @type {[string, Record<string, string>][]} */
const NETWORKS = [['a network of its own', {}], ['the host', { EMUD_NO_NAMESPACES: '1' }]];

/** @param {import('node:test').TestContext} t @param {object} [oddity] @param {object} [options] */
async function startOdd(t, oddity = {}, options = {}) {
	const emud = await startEmud(t, { targets: RENODE_TARGETS, env: doubleEnvironment(oddity), ...options });
	return { emud, client: emud.client() };
}

const spec = (/** @type {string} */ id, name = 'hello') => ({ json: { id, target: 'f4', file: renodeFirmware(name) } });

/** Whether nothing of Renode's is left in an instance's directory. @param {string} directory */
function isTidy(directory) {
	return readdirSync(directory).every((name) => !name.endsWith('.tmp') && !name.endsWith('.in') && name !== 'handles.json');
}

test('a robot port that comes late and a monitor that comes later are waited for', async (t) => {
	const { client } = await startOdd(t, { start_ms: 700, early_ms: 500 });
	await startRenode(client, 'late', 'hello');
	await client.waitForOutput('late', 'Hello\r\n');
});

test('a start that takes too long is given up, and says what it waited for', async (t) => {
	const { emud, client } = await startOdd(t, { early_ms: 600_000 }, { server: { limits: { start_timeout: 1 } } });
	const { detail } = await client.refused(502, 'start_failed', 'POST', '/instances', spec('never'));
	assert.match(detail, /did not start within 1000 ms: Renode/);
	await until(() => !emud.processes().some(({ command }) => command.includes('--robot-server-port')), 'Renode to be gone');
});

for (const step of ['mach add', 'machine LoadPlatformDescription', 'emulation CreateServerSocketTerminal', 'machine StartGdbServer', 'sysbus LoadELF', 'start'])
	test(`Renode that dies at "${step}" fails the start at once`, async (t) => {
		const { client } = await startOdd(t, { die_at: step });
		const begin = Date.now();
		await client.refused(502, 'start_failed', 'POST', '/instances', spec('dead'));
		assert.ok(Date.now() - begin < 10_000);
		const { state, exit, processes, path: directory } = (await client.get('/instances/dead')).json;
		assert.deepEqual([state, exit.reason, exit.signal], ['failed', 'start_failed', 'SIGKILL']);
		assert.deepEqual(processes, {});
		assert.ok(isTidy(directory));
	});

test('a step that is never answered ends with the start', async (t) => {
	const { client } = await startOdd(t, { hang_at: 'sysbus LoadELF' }, { server: { limits: { start_timeout: 1 } } });
	await client.refused(502, 'start_failed', 'POST', '/instances', spec('hangs'));
});

test('an option that Renode does not know makes it end with 0, which is a failed start with its words', async (t) => {
	const { client } = await startOdd(t);
	const { detail } = await client.refused(502, 'start_failed', 'POST', '/instances', { json: { ...spec('option').json, args: ['--nosuchoption'] } });
	assert.match(detail, /usage: renode/);
	assert.equal((await client.get('/instances/option')).json.exit.code, 0);
});

test('a platform with an error is told in the words of Renode, and relative ones lie where the configuration does', async (t) => {
	const targets = { bad: makeRenodeBoard({ machine: 'bad.repl' }), own: makeRenodeBoard({ machine: 'my own.repl' }) };
	const { emud, client } = await startOdd(t, {}, { targets });
	writeFileSync(path.join(emud.directory, 'bad.repl'), 'usart1: UART.STM32_UART @ sysbus 0x40011000\nthis is wrong\n');
	writeFileSync(path.join(emud.directory, 'my own.repl'), 'usart1: UART.STM32_UART @ sysbus 0x40011000\ncpu: CPU.CortexM @ sysbus\n');
	const { detail } = await client.refused(502, 'start_failed', 'POST', '/instances', { json: { ...spec('bad').json, target: 'bad' } });
	assert.match(detail, /Syntax error.*bad\.repl:2/);
	await startRenode(client, 'own', 'hello', { target: 'own' });
	await client.waitForOutput('own', 'Hello\r\n');
});

test('an executable that is not there is unavailable', async (t) => {
	const { client } = await startOdd(t, {}, { targets: { absent: makeRenodeBoard({ executable: 'renode-nowhere' }) } });
	const { available, unavailable_reason: reason } = (await client.get('/targets/absent')).json;
	assert.equal(available, false);
	assert.match(reason, /renode-nowhere.*not installed.*github\.com\/renode/);
	await client.refused(503, 'emulator_unavailable', 'POST', '/instances', { json: { ...spec('absent').json, target: 'absent' } });
});

test('Renode that is killed in the middle is a crash, told at once, with every byte it said', async (t) => {
	const { client } = await startOdd(t);
	const { processes, path: directory } = await startRenode(client, 'killed', 'flood');
	await client.waitForOffset('killed', 100_000);
	process.kill(processes.renode.pid, 'SIGKILL');
	const { state, exit } = await client.waitFor('killed', 'ended');
	assert.deepEqual([state, exit.reason, exit.signal], ['failed', 'crashed', 'SIGKILL']);
	const { text } = await client.get('/instances/killed/channels/serial0/output');
	const lines = text.split('\r\n').slice(0, -1);
	lines.forEach((line, index) => assert.equal(line, String(index)));
	assert.ok(isTidy(directory));
});

test('of two terminals, too, every byte is there', async (t) => {
	const terminals = { serial0: { 'device-path': 'sysbus.usart1' }, twin: { 'device-path': 'sysbus.usart1', type: 'pty' } };
	const { client } = await startOdd(t, {}, { targets: { twins: makeRenodeBoard({ channels: { terminals } }) } });
	const { processes } = await startRenode(client, 'twins', 'flood', { target: 'twins' });
	await client.waitForOffset('twins', 100_000);
	process.kill(processes.renode.pid, 'SIGKILL');
	await client.waitFor('twins', 'ended');
	const outputs = await Promise.all(['serial0', 'twin'].map((name) => client.get(`/instances/twins/channels/${name}/output`)));
	for (const { text } of outputs)
		text.split('\r\n').slice(0, -1).forEach((line, index) => assert.equal(line, String(index)));
});

test('SIGTERM from outside ends it as terminated, as does quit over the robot port', async (t) => {
	const { client } = await startOdd(t);
	const first = await startRenode(client, 'sigterm', 'hello');
	process.kill(first.processes.renode.pid, 'SIGTERM');
	assert.equal((await client.waitFor('sigterm', 'ended')).exit.reason, 'terminated');
	assert.ok(isTidy(first.path));
	const second = await startRenode(client, 'quit', 'hello');
	await callRobot(second.channels.robot, 'ExecuteCommand', ['quit']).catch(() => {});
	const { exit } = await client.waitFor('quit', 'ended');
	assert.deepEqual([exit.reason, exit.code], ['terminated', 0]);
	assert.ok(isTidy(second.path));
});

test('one that ignores SIGTERM is asked to quit', async (t) => {
	const { client } = await startOdd(t, { deaf: true });
	await startRenode(client, 'deaf', 'hello');
	const { exit } = (await client.post('/instances/deaf/stop')).json;
	assert.deepEqual([exit.reason, exit.code], ['stopped', 0]);
});

test('a shim that is killed takes Renode along, and emud leaves nothing of it', async (t) => {
	const { client } = await startOdd(t);
	const { path: directory, processes } = await startRenode(client, 'orphan', 'hello', { target: 'f4-pty' });
	const shim = findShim({ path: directory });
	process.kill(shim, 'SIGKILL');
	const { exit } = await client.waitFor('orphan', 'ended');
	assert.equal(exit.reason, 'supervisor_lost');
	await until(() => !isAlive(processes.renode.pid), 'Renode to end');
	await until(() => readdirSync(directory).every((name) => !name.endsWith('.tmp') && name !== 'serial0'), 'folder and link to be gone');
});

test('a slow Renode makes a call time out, not the service', async (t) => {
	const { client } = await startOdd(t, { slow_ms: 300 });
	await startRenode(client, 'slow', 'hello');
	await client.refused(504, 'emulator_timeout', 'GET', '/instances/slow/property?path=sysbus.usart1&name=BaudRate&timeout=0.2');
	const { value } = (await client.get('/instances/slow/property?path=sysbus.usart1&name=BaudRate')).json;
	assert.equal(value, 0xe0d1);
});

test('calls that come at once follow each other', async (t) => {
	const { client } = await startOdd(t, { slow_ms: 20 });
	await startRenode(client, 'busy', 'counter');
	const act = (/** @type {string} */ action) => client.post(`/instances/busy/${action}`);
	await Promise.all([act('reset'), act('pause'), act('reset'), client.get('/instances/busy/property?path=sysbus.usart1&name=BaudRate')]);
	assert.equal((await client.get('/instances/busy')).json.state, 'paused');
});

test('a board whose CPU a reset leaves halted is set up anew', async (t) => {
	const { client } = await startOdd(t, { halts: true });
	const { channels } = await startRenode(client, 'halted', 'counter');
	await client.waitForOffset('halted', 20);
	const console = await openChannel(channels.serial0);
	const after = (await client.post('/instances/halted/reset')).json;
	assert.deepEqual([after.state, after.channels], ['running', channels]);
	await console.until('\n0\r\n1\r\n');
	console.close();
});

test("emud's death and return leave the board and every byte", async (t) => {
	const { emud, client } = await startOdd(t);
	const { processes } = await startRenode(client, 'survivor', 'counter');
	await client.waitForOffset('survivor', 20);
	await emud.end('SIGKILL');
	client.close();
	await emud.start();
	const again = emud.client();
	assert.equal((await again.get('/instances/survivor')).json.processes.renode.pid, processes.renode.pid);
	await again.waitForOutput('survivor', '\n30\r\n');
	assert.ok((await again.get('/instances/survivor/channels/serial0/output')).text.startsWith('0\r\n1\r\n'));
});

test('a client that does not read holds up neither the guest nor the others', async (t) => {
	const { client } = await startOdd(t);
	const { channels } = await startRenode(client, 'flood', 'flood');
	const idle = await openChannel(channels.serial0);
	idle.input.pause();
	await client.waitForOffset('flood', 2_000_000);
	idle.close();
});

/** Starts of one instance after the other in as many lanes as are wanted at a time. @param {import('../lib/client.mjs').Client} client */
async function startMany(client) {
	let begun = 0;
	const lane = async () => {
		while (begun < STARTS) {
			const id = `many-${begun++}`;
			const reply = await client.request('POST', '/instances', { ...spec(id), deadlineMs: 120_000 });
			assert.equal(reply.status, 201, reply.text);
			await client.waitForOutput(id, 'Hello\r\n');
			await client.delete(`/instances/${id}`, { deadlineMs: 120_000 });
		}
	};
	await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

for (const [where, env] of NETWORKS) {
	testRenode(`${STARTS} starts, ${AT_A_TIME} at a time, with Renode's ports on ${where}`, async (t) => {
		const emud = await startEmud(t, {
			targets: RENODE_TARGETS, env: { ...renodeEnvironment, ...env }, server: { limits: { start_timeout: 120 } },
		});
		await startMany(emud.client());
		assert.deepEqual(readdirSync(path.join(emud.stateDir, 'instances')), []);
	});
}

test('on the host a port that is taken is replaced by another', async (t) => {
	const { client } = await startOdd(t, { busy_ports: 5 }, { env: { ...doubleEnvironment({ busy_ports: 5 }), EMUD_NO_NAMESPACES: '1' } });
	const { command } = await startRenode(client, 'taken', 'hello');
	assert.deepEqual(command.slice(1), ['--disable-xwt', '--robot-server-port', '0']);
	await client.waitForOutput('taken', 'Hello\r\n');
});

test('/version and the log say whether Renode has a network of its own', async (t) => {
	const { emud, client } = await startOdd(t, {}, { env: { ...doubleEnvironment(), EMUD_NO_NAMESPACES: '1' } });
	assert.equal((await client.get('/version')).json.confinement.namespaces, false);
	assert.match(emud.stderr, /namespaces=false/);
});

test('in a network of its own nothing of Renode can be reached but through its channels', async (t) => {
	const { client } = await startOdd(t);
	if (!(await client.get('/version')).json.confinement.namespaces) {
		t.skip('this host allows no namespaces');
		return;
	}
	const { processes, command } = await startRenode(client, 'alone', 'hello');
	const port = Number(command.at(-1));
	const listening = readFileSync(`/proc/${processes.renode.pid}/net/tcp`, 'utf8').split('\n').filter((line) => line.includes(' 0A '));
	assert.equal(listening.length, 3);
	const outsider = net.connect(port, '127.0.0.1');
	const result = await within(new Promise((resolve) => outsider.on('error', (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code)).on('connect', () => resolve('connected'))), 'an answer');
	outsider.destroy();
	assert.equal(result, 'ECONNREFUSED');
	assert.ok(existsSync(`/proc/${processes.renode.pid}`));
});
