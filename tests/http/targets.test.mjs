import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';

const shared = shareEmud();

test('targets are listed by name', async () => {
	const { json } = await shared.client.get('/targets');
	const names = json.targets.map(({ name }) => name);
	assert.deepEqual(names, [...names].sort());
	assert.ok(names.includes('board'));
	assert.equal(json.next_cursor, null);
});

test('pages of targets make up the whole list', async () => {
	const whole = (await shared.client.get('/targets')).json.targets;
	const paged = [];
	let query = '';
	do {
		const { json } = await shared.client.get(`/targets?limit=2${query}`);
		assert.ok(json.targets.length <= 2);
		paged.push(...json.targets);
		query = json.next_cursor === null ? '' : `&cursor=${encodeURIComponent(json.next_cursor)}`;
	} while (query);
	assert.deepEqual(paged, whole);
});

test('a target tells its board and channels', async () => {
	const { json } = await shared.client.get('/targets/board');
	assert.equal(json.emulator, 'qemu');
	assert.deepEqual(json.emulators, ['qemu']);
	assert.equal(json.machine, 'lm3s6965evb');
	assert.equal(json.executable, 'qemu-system-arm');
	assert.equal(json.available, true);
	assert.equal(json.unavailable_reason, null);
	assert.deepEqual(json.gdb, ['gdb-multiarch']);
	assert.equal(json.source, shared.emud.configFile);
	assert.equal(json.channels.serial0.kind, 'console');
	assert.equal(json.channels.serial0.type, 'tcp');
	assert.equal(json.channels.gdb.kind, 'gdb');
});

test('a target whose emulator is not installed says so', async () => {
	const { json } = await shared.client.get('/targets/not-installed');
	assert.equal(json.available, false);
	assert.match(json.unavailable_reason, /qemu-system-nowhere/);
});

test('a target tells which firmware it takes, by the names that files have', async () => {
	const { json } = await shared.client.get('/targets/board');
	const { json: file } = await shared.client.post('/files', { body: readFileSync(firmware('echo')), expect: 201 });
	assert.equal(json.firmware_machine, 'ARM');
	assert.equal(file.machine, json.firmware_machine);
	assert.equal((await shared.client.get('/targets/not-installed')).json.firmware_machine, null);
});

test('an unknown target is not found', async () => {
	await shared.client.refused(404, 'not_found', 'GET', '/targets/no-such-target');
});
