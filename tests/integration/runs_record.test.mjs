// What is kept of a run, told of it as it happens, and there after emud has been killed.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeBoard } from '../lib/boards.mjs';
import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { listAll, listen } from '../lib/events.mjs';
import { expectNothingLeft, keptFolders, listRuns } from '../lib/run_remains.mjs';
import { beginRun, boardOf, runFirmware, untilEnded, untilPrinted } from '../lib/runs.mjs';
import { print, read, repeat, script } from '../lib/script.mjs';

const LOCAL = '127.0.0.1';
const AT_ONCE = script([print('PASSED\r\n')]);
const WAITING = script([print('ready\r\n'), read(1), print('PASSED\r\n')]);
const PASS = { pass: 'PASSED' };

/** @param {any} t @param {import('../lib/emud.mjs').EmudOptions} [options] */
async function start(t, options) {
	const emud = await startEmud(t, options);
	const client = emud.client({ token: options?.tokens?.split(/\s/)[1] });
	t.after(() => client.close());
	return { emud, client };
}

/** @param {Buffer} bytes */
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('the record of a run says what made it, and is the same after emud was killed', async (t) => {
	const targets = { passing: makeBoard() };
	const { emud, client } = await start(t, { targets });
	const run = await runFirmware(client, AT_ONCE, { ...PASS, target: 'passing', args: ['-icount', 'shift=4'], label: 'branch:main' });
	assert.deepEqual([run.verdict, run.file.sha256, run.actor, run.labels], ['passed', digest(AT_ONCE), LOCAL, { branch: 'main' }]);
	assert.equal(path.basename(run.command[0]), 'qemu-system-arm');
	assert.equal(run.command.join(' ').includes('-icount shift=4'), true);
	assert.equal(run.configuration.settings.machine, 'lm3s6965evb');
	const { json: version } = await client.get('/version');
	assert.equal(run.versions.emud, version.version);
	const report = await client.get(`/runs/${run.id}/junit`);
	await expectNothingLeft(emud, client);
	await emud.end('SIGKILL');
	emud.options.targets = {};
	emud.writeConfig(emud.options);
	await emud.start();
	const { json } = await client.get(`/runs/${run.id}`);
	assert.deepEqual(json, { ...run, instance: null });
	assert.equal((await client.get(`/runs/${run.id}/junit`)).text, report.text);
	assert.equal((await client.get(`/runs/${run.id}/output`)).text, 'PASSED\r\n');
	// The target is gone, its record is not.
	await client.refused(422, 'unknown_target', 'POST', '/runs', { json: { target: 'passing' } });
	const { json: again } = await client.post(`/runs/${run.id}/rerun`);
	assert.deepEqual([again.verdict, again.rerun_of, again.target, again.file.sha256], ['passed', run.id, 'passing', run.file.sha256]);
	assert.deepEqual(again.configuration, run.configuration);
	assert.ok(again.command.includes('lm3s6965evb'));
	await expectNothingLeft(emud, client);
});

test('what was printed to excess goes, the oldest first, and an event tells why', async (t) => {
	const limits = { kept_runs_bytes: 200_000 };
	const { emud, client } = await start(t, { server: { limits } });
	const events = await listen(client, '?type=run.deleted');
	const elfs = [1, 2, 3].map((number) => script([print(`${number}`), repeat('x', 90_000), print('PASSED\r\n')]));
	const runs = [];
	for (const elf of elfs) {
		runs.push(await runFirmware(client, elf, PASS));
		await expectNothingLeft(emud, client);
	}
	const { run, actor, data } = await events.untilEvent('run.deleted');
	assert.deepEqual([run, actor, data], [runs[0].id, null, { why: 'bytes', verdict: 'passed' }]);
	assert.deepEqual(keptFolders(emud), [runs[1].id, runs[2].id]);
	await client.refused(404, 'not_found', 'GET', `/runs/${runs[0].id}`);
	await client.refused(404, 'not_found', 'GET', `/runs/${runs[0].id}/output`);
	await client.refused(404, 'not_found', 'GET', `/files/${digest(elfs[0])}`);
	assert.equal(existsSync(path.join(emud.stateDir, 'files', digest(elfs[0]))), false);
	await client.get(`/files/${digest(elfs[1])}`);
	events.close();
});

test('a firmware that two runs share goes with the last of them', async (t) => {
	const { emud, client } = await start(t, { server: { limits: { kept_runs: 2 } } });
	const next = async (/** @type {Buffer} */ elf) => {
		await runFirmware(client, elf, PASS);
		await expectNothingLeft(emud, client);
	};
	const other = script([print('PASSED, too\r\n')]);
	for (const elf of [AT_ONCE, AT_ONCE, other]) await next(elf);
	await until(async () => (await listRuns(client)).length === 2, 'the first run to go');
	await client.get(`/files/${digest(AT_ONCE)}`);
	await next(other);
	await until(async () => (await client.request('GET', `/files/${digest(AT_ONCE)}`)).status === 404, 'the firmware to go');
	assert.deepEqual((await listRuns(client)).map(({ file }) => file.sha256), [digest(other), digest(other)]);
});

test('a file that a run has cannot be deleted, whether the run waits, goes on or has ended', async (t) => {
	const { emud, client } = await start(t, { server: { limits: { running_instances: 1, kept_runs: 1 } } });
	const { id } = await beginRun(client, WAITING, PASS);
	const waiting = await beginRun(client, AT_ONCE, PASS);
	await untilPrinted(client, id, 'ready\r\n');
	for (const elf of [WAITING, AT_ONCE]) await client.refused(409, 'file_in_use', 'DELETE', `/files/${digest(elf)}`);
	await client.delete(`/runs/${waiting.id}`, { expect: 200 });
	await client.refused(409, 'file_in_use', 'DELETE', `/files/${digest(AT_ONCE)}`);
	await client.post('/files', { body: AT_ONCE, expect: 200 });
	await client.delete(`/runs/${id}`, { expect: 200 });
	await until(async () => (await listRuns(client)).length === 1, 'one run to be kept');
	await expectNothingLeft(emud, client);
	const [kept] = await listRuns(client);
	assert.equal(kept.id, id, 'the one that ended first is the oldest');
	await client.get(`/files/${digest(AT_ONCE)}`);
});

test('a run is told of with who asked for it, nobody where a pattern decides, and who canceled it', async (t) => {
	const { emud, client: ana } = await start(t, { tokens: 'ana token-of-ana-0001\nben token-of-ben-0002\n' });
	const ben = emud.client({ token: 'token-of-ben-0002' });
	t.after(() => ben.close());
	const passing = await runFirmware(ana, AT_ONCE, PASS);
	const canceled = await beginRun(ana, WAITING, PASS);
	const { id: instance } = await boardOf(ana, canceled.id);
	await untilPrinted(ana, canceled.id, 'ready\r\n');
	const { json } = await ben.delete(`/runs/${canceled.id}`, { expect: 200 });
	assert.match(json.detail, /ben/);
	await until(async () => (await ana.get('/instances')).json.instances.length === 0, 'the boards to go');
	const brief = (/** @type {import('../lib/events.mjs').Event[]} */ events) => events.map(({ type, actor, data }) => [type, data.state ?? null, data.verdict ?? null, actor]);
	assert.deepEqual(brief(await listAll(ana, `&run=${passing.id}`)), [
		['run.state', 'queued', null, 'ana'], ['run.state', 'running', null, null], ['run.state', 'ended', 'passed', null],
	]);
	const events = await listAll(ana, `&run=${canceled.id}`);
	assert.deepEqual(brief(events), [
		['run.state', 'queued', null, 'ana'], ['run.state', 'running', null, null], ['run.state', 'ended', 'canceled', 'ben'],
	]);
	assert.deepEqual([events[1].data.instance, events[2].data.reason], [instance, 'canceled']);
	assert.deepEqual(brief(await listAll(ana, `&instance=${instance}`)), [
		['instance.created', 'created', null, 'ana'], ['instance.state', 'starting', null, 'ana'], ['instance.state', 'running', null, 'ana'],
		['instance.state', 'stopping', null, 'ben'], ['instance.state', 'exited', null, 'ben'], ['instance.deleted', null, null, 'ben'],
	]);
});

test('a client that goes away is told of as nobody, and a listener hears every turn of a run', async (t) => {
	const { emud, client } = await start(t);
	const events = await listen(client, '?type=run.state&run=1');
	const request = client.send('POST', '/runs?target=board&pass=PASSED', { body: WAITING });
	request.on('error', () => {});
	await events.untilEvent('run.state', ({ data }) => data.state === 'running');
	await untilPrinted(client, '1', 'ready\r\n');
	request.destroy();
	const { data } = await events.untilEvent('run.state', ({ data: { state } }) => state === 'ended');
	assert.deepEqual([data.verdict, data.reason], ['canceled', 'client_gone']);
	assert.deepEqual(events.events().map(({ data: { state }, actor }) => [state, actor]), [['queued', LOCAL], ['running', null], ['ended', null]]);
	events.close();
	await untilEnded(client, '1');
	await expectNothingLeft(emud, client);
});
