// What of a configuration reaches QEMU, and in which order.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const chardevs = { serial0: { id: 'serial0' } };
const machine = 'lm3s6965evb';

/** No executable of its own, and channels of its own types. */
const plain = { qemu: { machine, channels: { chardevs } } };

const shared = shareEmud({ configText: JSON.stringify({
	pw: { pw_emu: {
		gdb: ['gdb-multiarch'],
		qemu: { executable: 'qemu-system-arm', args: ['-name', 'of-the-emulator'], channels: { type: 'pty', monitor: { type: 'tcp' } } },
		targets: {
			plain,
			'own-gdb': { ...plain, gdb: ['/usr/bin/gdb-multiarch', '-q'] },
			levels: { qemu: { machine, args: ['-d', 'unimp'], channels: { type: 'tcp', gdb: { type: 'pty' }, chardevs: { serial0: { id: 'serial0' }, second: { id: 'serial1', type: 'pty' } } } } },
			'own-executable': { qemu: { executable: '/usr/bin/qemu-system-arm', machine, channels: { chardevs } } },
			'only-serial1': { qemu: { machine, channels: { type: 'tcp', chardevs: { serial1: { id: 'serial1' } } } } },
			'third-first': { qemu: { machine, channels: { chardevs: { c: { id: 'serial2' }, a: { id: 'serial0' } } } } },
			'other-id': { qemu: { machine, args: ['-serial', 'chardev:aux'], channels: { type: 'tcp', chardevs: { console: { id: 'aux' } } } } },
			'no-channels': { qemu: { machine } },
		},
	} },
	server: { file_roots: ['/'] },
}) });

/** The command line without what differs from start to start. @param {any} instance */
const commandOf = ({ command }) => command.map((/** @type {string} */ word) => word.replace(/\bfd=\d+/, 'fd=N').replace(/\/fd\/\d+/, '/fd/N'));

const DEFAULT_CHANNELS = [
	'-chardev', 'socket,id=qmp,fd=N,server=on,wait=off', '-mon', 'chardev=qmp,mode=control',
	'-chardev', 'socket,id=monitor,fd=N,server=on,wait=off', '-mon', 'chardev=monitor,mode=readline',
	'-chardev', 'socket,id=gdb,fd=N,server=on,wait=off', '-gdb', 'chardev:gdb',
];
const CONTROL = ['-chardev', 'socket,id=emud,fd=N', '-mon', 'chardev=emud,mode=control'];
const BARE = ['-nographic', '-nodefaults', '-display', 'none', '-machine', machine, '-readconfig', '/proc/self/fd/N'];
const SANDBOX = ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'];

/** @param {string} name @param {string} id */
const pipe = (name, id) => ['-chardev', `pipe,id=${id},path=/proc/self/fd/N/${name}`];

test('the command line is in the documented order, with the args of all three levels', async () => {
	const instance = await shared.client.startBoard('all', 'hello', { target: 'levels', args: ['-d', 'guest_errors'], paused: true, debug: true });
	assert.equal(instance.state, 'paused');
	assert.deepEqual(commandOf(instance), [
		'qemu-system-arm', ...BARE, ...DEFAULT_CHANNELS, ...CONTROL,
		...pipe('serial0', 'serial0'), ...pipe('second', 'serial1'), '-serial', 'chardev:serial0', '-serial', 'chardev:serial1',
		'-S', '-d', 'guest_errors', '-kernel', '/proc/self/fd/N', ...SANDBOX,
		'-name', 'of-the-emulator', '-d', 'unimp', '-d', 'guest_errors',
	]);
});

test('what is not asked for is not there', async () => {
	const instance = (await shared.client.put('/instances/least', { json: { target: 'plain', paused: true }, expect: 201 })).json;
	assert.deepEqual(commandOf(instance), [
		'qemu-system-arm', ...BARE, ...DEFAULT_CHANNELS, ...CONTROL, ...pipe('serial0', 'serial0'), '-serial', 'chardev:serial0',
		'-S', ...SANDBOX, '-name', 'of-the-emulator',
	]);
});

test('the target\'s executable and gdb win over the general ones', async () => {
	const executable = await shared.client.startBoard('own-executable', 'hello', { target: 'own-executable' });
	assert.equal(executable.command[0], '/usr/bin/qemu-system-arm');
	assert.deepEqual(executable.gdb.command.slice(0, 1), ['gdb-multiarch']);
	const gdb = await shared.client.startBoard('own-gdb', 'hello', { target: 'own-gdb' });
	assert.deepEqual(gdb.gdb.command.slice(0, 2), ['/usr/bin/gdb-multiarch', '-q']);
	assert.ok(gdb.gdb.command.includes(`target remote ${gdb.gdb.remote}`));
});

/** @param {any} instance */
const typesOf = ({ channels }) => Object.fromEntries(Object.entries(channels).map(([name, { type }]) => [name, type]));

test('a channel\'s own type beats the target\'s, which beats the emulator\'s', async () => {
	const levels = await shared.client.startBoard('types', 'hello', { target: 'levels' });
	assert.deepEqual(typesOf(levels), { serial0: 'tcp', second: 'pty', gdb: 'pty', qmp: 'tcp', monitor: 'tcp' });
	const plainOne = await shared.client.startBoard('plain-types', 'hello', { target: 'plain' });
	assert.deepEqual(typesOf(plainOne), { serial0: 'pty', gdb: 'pty', qmp: 'pty', monitor: 'tcp' });
});

test('the second serial port alone: the first is a null device', async () => {
	const instance = await shared.client.startBoard('second', 'two_serials', { target: 'only-serial1' });
	assert.match(commandOf(instance).join(' '), / -serial null -serial chardev:serial1 -S /);
	assert.equal(await shared.client.waitForOutput('second', 'one\r\n', 'serial1'), 'one\r\n');
});

test('ports come in their order whatever the order of the channels, with null between', async () => {
	const instance = await shared.client.startBoard('ordered', 'two_serials', { target: 'third-first' });
	assert.match(commandOf(instance).join(' '), / -serial chardev:serial0 -serial null -serial chardev:serial2 -S /);
	assert.equal(await shared.client.waitForOutput('ordered', 'zero\r\n', 'a'), 'zero\r\n');
});

test('a chardev of another id is for the args to refer to', async () => {
	const instance = await shared.client.startBoard('other-id', 'hello', { target: 'other-id' });
	const words = commandOf(instance);
	assert.ok(words.includes('pipe,id=aux,path=/proc/self/fd/N/console'));
	assert.equal(words.filter((/** @type {string} */ word) => word === '-serial').length, 1);
	assert.equal(await shared.client.waitForOutput('other-id', 'Hello\r\n', 'console'), 'Hello\r\n');
});

test('a target without consoles has its default channels alone', async () => {
	const instance = await shared.client.startBoard('no-channels', 'hello', { target: 'no-channels' });
	assert.deepEqual(Object.keys(instance.channels).sort(), ['gdb', 'monitor', 'qmp']);
});

test('debug writes guest errors to the log', async () => {
	const { processes } = await shared.client.startBoard('debugged', 'hello', { target: 'plain', debug: true });
	assert.ok(processes.qemu.pid);
	const { json } = await shared.client.get('/instances/debugged');
	assert.ok(json.command.includes('guest_errors'));
});

test('paused: not one instruction is executed until it is resumed', async () => {
	await shared.client.startBoard('held', 'hello', { target: 'plain', paused: true });
	const { json } = await shared.client.post('/instances/held/gdb', { json: { commands: ['printf "%d\\n", $pc'], paused: true } });
	assert.equal(json.exit_code, 0, json.stderr);
	assert.equal(await shared.client.nextOffset('held'), 0);
	await shared.client.post('/instances/held/resume');
	await shared.client.waitForOutput('held', 'Hello\r\n');
});

test('a restart takes other args in the place of the caller\'s, and keeps the rest', async () => {
	await shared.client.startBoard('restarted', 'hello', { target: 'levels', args: ['-d', 'int'] });
	const { json } = await shared.client.post('/instances/restarted/restart', { json: { args: ['-d', 'cpu_reset'], file: firmware('counter') } });
	assert.deepEqual(json.command.slice(-6), ['-name', 'of-the-emulator', '-d', 'unimp', '-d', 'cpu_reset']);
});
