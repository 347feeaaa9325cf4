// An emulator of one's own that is a real one: simavr, by the driver in Python that docs/driver-protocol.md shows.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { BUILD } from '../lib/firmware.mjs';
import { untilGone, untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

const DRIVERS = path.join(BUILD, 'tests/drivers');
const FIRMWARE = path.join(DRIVERS, 'avr.elf');

const avr = (/** @type {object} */ section = {}) => ({ gdb: ['avr-gdb'], simavr: { machine: 'atmega328p', channels: { uart0: {} }, ...section } });

const shared = shareEmud({
	pwEmu: { emulators: { simavr: { driver: ['/usr/bin/python3', path.join(DRIVERS, 'simavr.py')] } }, simavr: { frequency: 16000000 } },
	targets: { uno: avr(), debugged: avr({ gdb: true }), unknown: avr({ machine: 'atmega9999' }), odd: avr({ frequency: 'fast' }) },
	fileRoots: [DRIVERS],
});

test('the boards were built', () => assert.ok(existsSync(FIRMWARE), 'libsimavr-dev was not there when the tests were built'));

/** @param {string} id @param {object} [spec] */
async function start(id, spec = {}) {
	return (await shared.client.put(`/instances/${id}`, { json: { target: 'uno', file: FIRMWARE, ...spec }, expect: 201 })).json;
}

test('an AVR board says hello and echoes', async () => {
	const instance = await start('echo');
	assert.deepEqual([instance.state, instance.emulator, Object.keys(instance.processes).sort()], ['running', 'simavr', ['simavr', 'simavr-driver']]);
	await shared.client.waitForOutput('echo', 'Hello AVR\r\n', 'uart0');
	await shared.client.post('/instances/echo/channels/uart0/input', { body: 'twenty bytes of text' });
	await shared.client.waitForOutput('echo', 'twenty bytes of text', 'uart0');
	const { text } = await shared.client.get('/instances/echo/channels/uart0/output');
	assert.equal(text, 'Hello AVR\r\ntwenty bytes of text');
	const { json } = await shared.client.get('/targets/uno');
	assert.deepEqual([json.machine, json.available, json.channels], ['atmega328p', true, { uart0: { kind: 'console', type: 'tcp' } }]);
});

test('it stands still, goes on, is reset and stopped', async () => {
	const instance = await start('acts', { paused: true });
	assert.equal(instance.state, 'paused');
	assert.equal((await shared.client.get('/instances/acts/property?path=/cpu&name=cycle')).json.value, 0);
	await shared.client.post('/instances/acts/resume');
	await shared.client.waitForOutput('acts', 'Hello AVR\r\n', 'uart0');
	await shared.client.post('/instances/acts/reset');
	await shared.client.waitForOutput('acts', 'Hello AVR\r\nHello AVR\r\n', 'uart0');
	const { json } = await shared.client.post('/instances/acts/stop');
	assert.deepEqual([json.state, json.exit.reason], ['exited', 'stopped']);
	assert.deepEqual(new StateDir(instance).remains(), []);
	await untilShimGone(instance);
});

test('its registers are properties', async () => {
	await start('registers', { paused: true });
	const { json } = await shared.client.get('/instances/registers/properties?path=/cpu');
	assert.deepEqual(json.properties.slice(0, 3), [{ name: 'pc', type: 'uint32' }, { name: 'cycle', type: 'uint64' }, { name: 'r0', type: 'uint8' }]);
	await shared.client.put('/instances/registers/property?path=/cpu&name=r17', { json: { value: 42 } });
	assert.equal((await shared.client.get('/instances/registers/property?path=/cpu&name=r17')).json.value, 42);
	await shared.client.refused(422, 'invalid_value', 'PUT', '/instances/registers/property?path=/cpu&name=r17', { json: { value: 256 } });
	await shared.client.refused(404, 'property_not_found', 'GET', '/instances/registers/property?path=/cpu&name=r32');
	await shared.client.refused(404, 'property_not_found', 'GET', '/instances/registers/properties?path=/ram');
});

test('gdb reads and sets its registers', async () => {
	await start('debugged', { target: 'debugged' });
	await shared.client.waitForOutput('debugged', 'Hello AVR\r\n', 'uart0');
	const { json } = await shared.client.post('/instances/debugged/gdb', { json: { commands: ['set $r20 = 33', 'info registers r20'] } });
	assert.match(json.stdout, /r20\s+0x21\s+33/);
});

test('a firmware that ends its emulator has ended', async () => {
	await start('quits');
	await shared.client.post('/instances/quits/channels/uart0/input', { body: 'Q' });
	const { state, exit } = await shared.client.waitFor('quits', 'ended');
	assert.deepEqual([state, exit.reason, exit.code], ['exited', 'guest_exit', 0]);
});

test('what cannot be started says why, in the words of driver or emulator', async () => {
	const refused = async (/** @type {object} */ spec) => (await shared.client.refused(502, 'start_failed', 'PUT', '/instances/refused', { json: spec })).detail;
	assert.equal(await refused({ target: 'uno' }), 'the driver of simavr: an AVR board needs a firmware: give a file');
	await shared.client.delete('/instances/refused');
	assert.match(await refused({ target: 'odd', file: FIRMWARE }), /may have a frequency in Hz/);
	await shared.client.delete('/instances/refused');
	assert.match(await refused({ target: 'unknown', file: FIRMWARE }), /simavr knows no such MCU/);
});

test('kill -9 of a board and of its driver', async () => {
	const instance = await start('killed');
	process.kill(instance.processes['simavr-driver'].pid, 'SIGKILL');
	await untilGone(instance.processes['simavr-driver'].pid, 'the driver');
	await shared.client.post('/instances/killed/channels/uart0/input', { body: 'on' });
	await shared.client.waitForOutput('killed', 'on', 'uart0');
	process.kill(instance.processes.simavr.pid, 'SIGKILL');
	assert.equal((await shared.client.waitFor('killed', 'ended')).exit.reason, 'crashed');
	assert.deepEqual(new StateDir(instance).remains(), []);
});
