// Semihosting that nobody asked for: a run has it where its board does, and its guest's file calls reach the run's own
// directory, by a mount namespace or, without, by Landlock.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { SEMIHOSTING, firmware } from '../lib/firmware.mjs';
import { DENIED, makeCommandRunner, makeFileReader } from '../lib/semihosting_firmware.mjs';

const outside = mkdtempSync(path.join(os.tmpdir(), 'emud-outside-'));
const secret = path.join(outside, 'secret');
writeFileSync(secret, 'a secret of nobody\'s concern\n'.repeat(100));
after(() => rmSync(outside, { recursive: true }));

const targets = {
	riscv: makeBoard({ executable: 'qemu-system-riscv32', machine: 'virt', args: ['-bios', 'none'] }),
	avr: makeBoard({ executable: 'qemu-system-avr', machine: 'uno' }),
	silent: makeBoard({ channels: {} }),
	taken: makeBoard({ channels: { chardevs: { semihosting: { id: 'serial0' } } } }),
	unguarded: makeBoard({ args: ['-sandbox', 'off'] }),
	'with-file': makeBoard({ args: ['-drive', `if=none,format=raw,readonly=on,file=${secret}`] }),
};

/** The ways to keep a guest's files apart. */
const ways = {
	'by a namespace': shareEmud({ targets, fileRoots: [outside] }),
	'by Landlock': shareEmud({ targets, fileRoots: [outside], env: { EMUD_NO_NAMESPACES: '1' } }),
};
const apart = ways['by a namespace'];
const together = ways['by Landlock'];

/** @typedef {typeof apart} Shared */

/** Skips where the kernel has not what it takes. @param {any} t @param {Shared} shared */
async function isConfined(t, shared) {
	const { confinement } = (await shared.client.get('/version')).json;
	const holds = shared === apart ? confinement.namespaces : confinement.landlock_abi > 0;
	if (!holds) t.skip(`not here: ${JSON.stringify(confinement)}`);
	return holds;
}

/**
 * The firmware's run, ended, and what its console said.
 * @param {Shared} shared @param {string | Buffer} image a path, or the bytes
 * @param {Record<string, string>} [query] @param {string[]} [args]
 */
async function run({ client }, image, query = {}, args = []) {
	const parameters = new URLSearchParams([['target', 'board'], ['timeout', '20'], ...args.map((arg) => ['args', arg])]);
	for (const [name, value] of Object.entries(query)) parameters.set(name, value);
	const body = typeof image === 'string' ? readFileSync(image) : image;
	const { json } = await client.put(`/runs?${parameters}`, { body, headers: { accept: 'application/json' } });
	return { ...json, output: (await client.get(`/runs/${json.id}/output`)).text };
}

/**
 * A run that goes on, and the instance it is on.
 * @param {Shared} shared @param {string} name @param {Record<string, unknown>} [spec]
 */
async function runDetached({ client, emud }, name, spec = {}) {
	const json = { target: 'board', file: firmware(name), timeout: 60, detach: true, ...spec };
	const { id } = (await client.post('/runs', { json, expect: 202 })).json;
	const instance = `run-${id}`;
	await until(async () => (await client.get(`/runs/${id}`)).json.state === 'running', 'the run to begin');
	await client.waitFor(instance, 'running');
	return { id, instance, directory: path.join(emud.stateDir, 'instances', instance) };
}

/** @param {string} output @param {string[]} lines */
function assertSaid(output, lines) {
	const said = output.split('\n');
	for (const line of lines) assert.ok(said.includes(line), `${line} is missing in ${output}`);
}

const everywhere = [
	'read /etc/passwd: refused', 'read ../../../../../../../../../../etc/passwd: refused', 'read /proc/self/environ: refused',
	'read /proc/self/cwd/../spec.json: refused', 'read spec.json: refused', 'read ../spec.json: refused',
	'read /proc/self/root/etc/passwd: refused', 'read /dev/zero: refused', 'write kept.txt: written',
	'write /tmp/emud-semihosting.txt: refused', 'write /var/tmp/emud-semihosting.txt: refused', 'back kept.txt: by the guest', 'By :tt',
];
const enclosed = [
	'read /usr/lib/os-release: refused', 'write /rooted.txt: written', 'write ../above.txt: written',
];
const byLandlock = ['read /usr/lib/os-release: opened', 'write /rooted.txt: refused', 'write ../above.txt: refused'];

for (const [way, shared] of Object.entries(ways)) {
	for (const [target, image] of [['board', firmware('files')], ['riscv', firmware('files', 'riscv32-virt')]]) {
		test(`${way}, a guest on ${target} reaches no file of the host`, async (t) => {
			if (!(await isConfined(t, shared))) return;
			const { verdict, exit, output } = await run(shared, image, { target, channel: 'semihosting' });
			assert.deepEqual([verdict, exit.reason, exit.code], ['failed', 'guest_exit', 5]);
			assertSaid(output, [...everywhere, ...(shared === apart ? enclosed : byLandlock)]);
			for (const folder of ['/tmp', '/var/tmp']) assert.ok(!existsSync(path.join(folder, 'emud-semihosting.txt')));
		});
	}

	test(`${way}, what the configuration lets boards read is no guest's, nor are other boards' files`, async (t) => {
		if (!(await isConfined(t, shared))) return;
		const other = await shared.client.startBoard('other', 'hello');
		for (const file of [secret, shared.emud.configFile, path.join(other.path, 'spec.json')]) {
			const { exit } = await run(shared, makeFileReader(file));
			assert.deepEqual([exit.reason, exit.code], ['guest_exit', DENIED], file);
		}
		await shared.client.delete('/instances/other');
	});

	test(`${way}, a guest runs no command`, async (t) => {
		if (!(await isConfined(t, shared))) return;
		const image = makeCommandRunner(`touch ${outside}/by-command; touch by-command`);
		for (const target of ['board', 'unguarded']) {
			const { verdict } = await run(shared, image, { target });
			assert.notEqual(verdict, 'passed', target);
			assert.deepEqual(readdirSync(outside), ['secret'], target);
		}
	});

	test(`${way}, an exit with 0 has passed`, async (t) => {
		if (!(await isConfined(t, shared))) return;
		const { verdict, exit } = await run(shared, firmware('exit0'));
		assert.deepEqual([verdict, exit.reason, exit.code], ['passed', 'guest_exit', 0]);
		const other = await run(shared, firmware('exit', 'riscv32-virt'), { target: 'riscv' });
		assert.deepEqual([other.verdict, other.exit.code], ['failed', 3]);
	});

	test(`${way}, a guest reads what is sent to its console`, async (t) => {
		if (!(await isConfined(t, shared))) return;
		// QEMU 7.2 hands out each byte one call late (common_semi_readc_cb looks before it is in memory): so one q more.
		const input = [{ expect: 'Ready\n', send: 'Hello' }, { expect: 'Hell', send: 'qq' }];
		for (const [target, file] of [['board', firmware('semihosting_echo')], ['riscv', firmware('semihosting_echo', 'riscv32-virt')]]) {
			const { json } = await shared.client.post('/runs', { json: { target, file, channel: 'semihosting', timeout: 20, input }, headers: { accept: 'application/json' } });
			assert.deepEqual([json.verdict, json.exit?.code], ['passed', 0], JSON.stringify(json));
			assert.match((await shared.client.get(`/runs/${json.id}/output`)).text, /^Ready\n.?Hello$/);
		}
	});

	test(`${way}, a run's board is driven as any other, and its files go with it`, async (t) => {
		if (!(await isConfined(t, shared))) return;
		const { client } = shared;
		const { id, instance, directory } = await runDetached(shared, 'fill', { channel: 'semihosting' });
		await client.waitForOutput(instance, 'Filling\n', 'semihosting');
		const { processes } = (await client.get(`/instances/${instance}`)).json;
		if (shared === apart) assert.equal(readlinkSync(`/proc/${processes.qemu.pid}/cwd`), '/');
		await until(() => existsSync(path.join(directory, '.files/flood')), 'the guest\'s file');
		await client.post(`/instances/${instance}/pause`);
		assert.equal((await client.get(`/instances/${instance}/property?path=/machine&name=type`)).json.value, 'lm3s6965evb-machine');
		await client.post(`/instances/${instance}/resume`);
		await client.post(`/instances/${instance}/reset`);
		await client.waitForOutput(instance, 'Filling\nFilling\n', 'semihosting');
		// Whatever a helper left there leads nowhere, and is removed as what it is.
		symlinkSync(outside, path.join(directory, '.files/link'));
		await client.delete(`/runs/${id}`, { expect: 200 });
		await until(() => !existsSync(directory), 'the instance\'s directory to go');
		assert.deepEqual(readdirSync(outside), ['secret']);
	});
}

test('a board that QEMU has no semihosting for runs without', async (t) => {
	if (!(await isConfined(t, apart))) return;
	const { json } = await apart.client.post('/runs', { json: { target: 'avr', timeout: 0.5 }, headers: { accept: 'application/json' } });
	assert.equal(json.verdict, 'timed_out', JSON.stringify(json));
	assert.ok(!json.command.includes('-semihosting-config'));
});

test('a board without consoles has semihosting\'s', async (t) => {
	if (!(await isConfined(t, apart))) return;
	const { verdict, channel } = await run(apart, firmware('files'), { target: 'silent', pass: 'By :tt' });
	assert.deepEqual([verdict, channel], ['passed', 'semihosting']);
});

test('a channel that bears the name already stays what it is', async (t) => {
	if (!(await isConfined(t, apart))) return;
	const { output, exit } = await run(apart, firmware('files'), { target: 'taken', channel: 'semihosting' });
	assert.deepEqual([output, exit.code], ['On the UART\r\n', 5]);
});

test('who knows the option is confined all the same', async (t) => {
	if (!(await isConfined(t, apart))) return;
	const { exit, command } = await run(apart, makeFileReader('/etc/passwd'), {}, SEMIHOSTING);
	assert.deepEqual([exit.reason, exit.code], ['guest_exit', DENIED]);
	assert.equal(command.filter((/** @type {string} */ word) => word.startsWith('-semihosting')).length, 1);
});

test('a board that needs files of the host has them, in a namespace with semihosting, without one instead of it', async (t) => {
	if (!(await isConfined(t, apart))) return;
	const inside = await run(apart, firmware('exit0'), { target: 'with-file' });
	assert.deepEqual([inside.verdict, inside.exit.reason], ['passed', 'guest_exit']);
	const without = await run(together, firmware('hello'), { target: 'with-file', pass: 'Hello' });
	assert.equal(without.verdict, 'passed', JSON.stringify(without));
	assert.ok(!without.command.includes('-semihosting-config'));
});

test('an instance has no semihosting, and cannot ask for it', async () => {
	const json = { target: 'board', file: firmware('exit0'), semihosting: true };
	const { errors } = await apart.client.refused(400, 'invalid_request', 'POST', '/instances', { json });
	assert.deepEqual(errors.map((/** @type {{pointer: string}} */ { pointer }) => pointer), ['/semihosting']);
	await apart.client.refused(400, 'invalid_request', 'POST', '/runs', { json });
	const { channels } = await apart.client.startBoard('plain', 'hello');
	assert.ok(!('semihosting' in channels));
	assert.ok(!existsSync(path.join(apart.emud.stateDir, 'instances/plain/.files')));
});
