// GET /events: what is told, to whom, and how a listener goes on.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';
import { listAll, listen } from '../lib/events.mjs';
import { SEMIHOSTING, firmware } from '../lib/firmware.mjs';

const LOCAL = '127.0.0.1';

/** @param {import('../lib/events.mjs').Event[]} events */
const brief = (events) => events.map(({ type, actor, data }) => [type, data.state ?? null, actor]);

test('the life of an instance is told as it happens, with who asked for it', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const stream = await listen(client, '?instance=one');
	await client.startBoard('one', 'echo', { labels: { shelf: '3' } });
	await client.post('/instances/one/pause');
	await client.post('/instances/one/pause');
	await client.post('/instances/one/resume');
	await client.post('/instances/one/reset');
	await client.post('/instances/one/restart');
	const { json: instance } = await client.post('/instances/one/stop');
	await client.delete('/instances/one');
	await stream.untilEvent('instance.deleted');
	assert.deepEqual(brief(stream.events()), [
		['instance.created', 'created', LOCAL],
		['instance.state', 'starting', LOCAL],
		['instance.state', 'running', LOCAL],
		['instance.state', 'paused', LOCAL],
		['instance.state', 'running', LOCAL],
		['instance.reset', null, LOCAL],
		['instance.state', 'stopping', LOCAL],
		['instance.state', 'exited', LOCAL],
		['instance.state', 'starting', LOCAL],
		['instance.state', 'running', LOCAL],
		['instance.state', 'stopping', LOCAL],
		['instance.state', 'exited', LOCAL],
		['instance.deleted', null, LOCAL],
	]);
	const [created, , , paused, , , , exited, again] = stream.events();
	assert.deepEqual(created.data, { target: 'board', emulator: 'qemu', labels: { shelf: '3' }, state: 'created' });
	assert.deepEqual(paused.data, { state: 'paused', previous: 'running', start_number: 1, paused_by: 'user' });
	assert.equal(exited.data.exit.reason, 'stopped');
	assert.equal(again.data.start_number, 2);
	assert.deepEqual([created.time, again.time, stream.events().at(-2)?.time], [instance.created_at, instance.started_at, instance.ended_at]);
	assert.deepEqual(await listAll(client, '&instance=one'), stream.events());
	stream.close();
});

test('what happens by itself has no actor', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const stream = await listen(client, '?type=instance.state');
	await client.put('/instances/ends', { json: { target: 'board', file: firmware('exit0'), args: SEMIHOSTING, paused: true }, expect: 201 });
	await client.post('/instances/ends/resume');
	const { actor, data } = await stream.untilEvent('instance.state', ({ data: { state } }) => state === 'exited');
	assert.equal(actor, null);
	assert.equal(data.exit.reason, 'guest_exit');
	await client.startBoard('killed', 'echo');
	const { json } = await client.get('/instances/killed');
	process.kill(json.processes.qemu.pid, 'SIGKILL');
	const failed = await stream.untilEvent('instance.state', ({ data: { state } }) => state === 'failed');
	assert.deepEqual([failed.actor, failed.data.exit.signal], [null, 'SIGKILL']);
	stream.close();
});

test('a start that is refused is the doing of who asked for it', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.refused(502, 'start_failed', 'PUT', '/instances/bad', { json: { target: 'no-machine' } });
	const events = await listAll(client, '&instance=bad');
	assert.deepEqual(brief(events).at(-1), ['instance.state', 'failed', LOCAL]);
	assert.equal(events.at(-1)?.data.exit.reason, 'start_failed');
});

test('with tokens the actor is whose token it is', async (t) => {
	const emud = await startEmud(t, { tokens: 'bob bobs-secret\nann anns-secret\n' });
	const ann = emud.client({ token: 'anns-secret' });
	const bob = emud.client({ token: 'bobs-secret' });
	await emud.client().refused(401, 'unauthorized', 'GET', '/events');
	const stream = await listen(bob);
	await ann.startBoard('hers', 'echo');
	await bob.post('/instances/hers/gdb', { json: { commands: ['info registers pc'] } });
	await ann.post('/instances/hers/load', { json: { file: firmware('hello') } });
	await bob.post('/instances/hers/stop');
	await bob.post('/config/reload');
	await stream.untilEvent('config.reloaded');
	assert.deepEqual(brief(stream.events()), [
		['instance.created', 'created', 'ann'],
		['instance.state', 'starting', 'ann'],
		['instance.state', 'running', 'ann'],
		['instance.state', 'paused', 'bob'],
		['instance.state', 'running', 'bob'],
		['instance.state', 'paused', 'ann'],
		['instance.state', 'running', 'ann'],
		['instance.state', 'stopping', 'bob'],
		['instance.state', 'exited', 'bob'],
		['config.reloaded', null, 'bob'],
	]);
	stream.close();
});

test('configuration, files and the service itself are told', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const stream = await listen(client, '?since=0');
	const { json: file } = await client.post('/files?name=a.bin', { body: 'a', expect: 201 });
	await client.post('/files?name=a.bin', { body: 'a', expect: 200 });
	await client.delete(`/files/${file.sha256}`);
	await client.post('/config/reload');
	emud.process?.kill('SIGHUP');
	await stream.untilEvent('config.reloaded', ({ actor }) => actor === 'SIGHUP');
	writeFileSync(emud.configFile, '{"server": {"listen": 5, "hosts": "x"}}');
	await client.refused(422, 'invalid_configuration', 'POST', '/config/reload');
	const refused = await stream.untilEvent('config.refused');
	assert.deepEqual(brief(stream.events()), [
		['service.started', null, null],
		['file.created', null, LOCAL],
		['file.deleted', null, LOCAL],
		['config.reloaded', null, LOCAL],
		['config.reloaded', null, 'SIGHUP'],
		['config.refused', null, LOCAL],
	]);
	const [started, created] = stream.events();
	assert.match(started.data.version, /^\d+\.\d+/);
	assert.deepEqual(created.data, { sha256: file.sha256, name: 'a.bin', size: 1, kind: 'raw' });
	assert.equal(refused.data.errors.length, 2);
	assert.match(refused.data.errors[0], /config\.json:1: server\./);
	await emud.end();
	assert.equal(await stream.untilEnd(), 'broken');
	emud.writeConfig(emud.options);
	await emud.start();
	const { json } = await emud.client().get('/events?type=service.*&since=1');
	assert.deepEqual(brief(json.events), [['service.stopping', null, 'SIGTERM'], ['service.started', null, null]]);
});

test('filters must all fit, and a group of types is one of them', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	for (const id of ['a', 'b']) await client.put(`/instances/${id}`, { json: { target: 'board', start: false }, expect: 201 });
	await client.delete('/instances/a');
	const types = async (/** @type {string} */ query) => (await client.get(`/events?${query}`)).json.events.map(({ type }) => type);
	assert.deepEqual(await types('instance=a'), ['instance.created', 'instance.deleted']);
	assert.deepEqual(await types('instance=a&type=instance.deleted'), ['instance.deleted']);
	assert.deepEqual(await types('instance=b&type=instance.deleted'), []);
	assert.deepEqual(await types('type=instance.*'), ['instance.created', 'instance.created', 'instance.deleted']);
	assert.deepEqual(await types('type=service.*'), ['service.started']);
	assert.deepEqual(await types('run=42'), []);
});

test('a run is told from its making to its verdict, and so is its board', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const stream = await listen(client);
	const { json: run } = await client.post('/runs', { json: { target: 'board', file: firmware('passed'), pass: ['PASSED'] } });
	assert.equal(run.verdict, 'passed');
	await stream.untilEvent('instance.deleted');
	const of_run = stream.events().filter((event) => event.run === run.id);
	assert.deepEqual(of_run.map(({ type, data }) => [type, data.state, data.verdict]).at(-1), ['run.state', 'ended', 'passed']);
	assert.equal(of_run[0].actor, LOCAL);
	assert.deepEqual(of_run.slice(0, 2).map(({ time }) => time), [run.created_at, run.started_at]);
	assert.deepEqual(await listAll(client, `&run=${run.id}`), of_run);
	const of_board = stream.events().filter(({ instance }) => instance);
	assert.deepEqual([of_board[0].type, of_board.at(-1)?.type], ['instance.created', 'instance.deleted']);
	assert.equal(of_board[0].actor, LOCAL);
	stream.close();
});

test('pages lead on to each other, and the last one to the stream', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	for (let i = 0; i < 7; i++) await client.post('/config/reload');
	const first = (await client.get('/events?limit=3')).json;
	assert.deepEqual(first.events.map(({ id }) => id), [1, 2, 3]);
	assert.deepEqual([first.next_cursor, first.first_id, first.last_id, first.dropped], ['3', 1, 8, null]);
	assert.deepEqual((await listAll(client, '', 3)).map(({ id }) => id), [1, 2, 3, 4, 5, 6, 7, 8]);
	assert.equal((await client.get('/events?limit=8')).json.next_cursor, null);
	assert.deepEqual((await client.get('/events?since=8')).json.events, []);
	assert.deepEqual((await client.get('/events?since=6')).json.events.map(({ id }) => id), [7, 8]);
	const head = await client.request('HEAD', '/events', { expect: 200 });
	assert.equal(head.headers.etag, (await client.get('/events')).headers.etag);
	const stream = await listen(client, `?since=${first.last_id}`);
	await client.post('/config/reload');
	await stream.untilCount(1);
	assert.deepEqual(stream.events().map(({ id }) => id), [9]);
	stream.close();
	await client.request('HEAD', '/events', { headers: { accept: 'text/event-stream' }, expect: 200 });
});

test('pages may begin with the newest; what happens meanwhile moves none of them', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	for (let i = 0; i < 7; i++) await client.post('/config/reload');
	const page = async (/** @type {string} */ query) => (await client.get(`/events?order=newest${query}`)).json;
	const ids = async (/** @type {string} */ query) => (await page(query)).events.map(({ id }) => id);
	const first = await page('&limit=3');
	assert.deepEqual(first.events.map(({ id }) => id), [8, 7, 6]);
	assert.deepEqual([first.next_cursor, first.first_id, first.last_id, first.dropped], ['6', 1, 8, null]);
	await client.post('/config/reload');
	const second = await page(`&limit=3&cursor=${first.next_cursor}`);
	assert.deepEqual([second.events.map(({ id }) => id), second.last_id], [[5, 4, 3], 9]);
	assert.deepEqual(await ids(`&limit=3&cursor=${second.next_cursor}`), [2, 1]);
	assert.deepEqual((await listAll(client, '&order=newest', 2)).map(({ id }) => id), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
	assert.deepEqual((await client.get('/events?order=oldest')).json, (await client.get('/events')).json);
	assert.deepEqual(await ids('&since=7'), [9, 8]);
	assert.equal((await page('&since=7&limit=2')).next_cursor, null);
	assert.deepEqual(await ids('&since=5&cursor=8&limit=9'), [7, 6]);
	assert.deepEqual(await ids('&since=9'), []);
	assert.deepEqual([await ids('&cursor=1'), await ids('&cursor=0'), await ids('&cursor=4711&limit=1')], [[], [], [9]]);
	assert.deepEqual(await ids('&type=service.*'), [1]);
	assert.deepEqual(await ids('&type=config.*&limit=2'), [9, 8]);
});

test('a page of the newest ends where the kept ones do', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_events: 5 } } });
	const client = emud.client();
	for (let i = 0; i < 20; i++) await client.post('/config/reload');
	const page = async (/** @type {string} */ query) => (await client.get(`/events?order=newest${query}`)).json;
	assert.deepEqual((await listAll(client, '&order=newest', 2)).map(({ id }) => id), [21, 20, 19, 18, 17]);
	assert.deepEqual([(await page('')).dropped, (await page('&since=16')).dropped], [null, null]);
	const { dropped, events } = await page('&since=3');
	assert.deepEqual([dropped, events.length], [{ since: 3, first_id: 17 }, 5]);
	assert.deepEqual((await page('&cursor=9')).events, []);
	assert.deepEqual((await page('&since=4711')).dropped, { since: 4711, first_id: 17 });
});

test('more than is looked at in one turn is found from both ends', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	await client.put('/instances/first', { json: { target: 'board', start: false }, expect: 201 });
	for (let i = 0; i < 550; i += 50) await Promise.all(Array.from({ length: 50 }, () => client.post('/config/reload')));
	await client.put('/instances/last', { json: { target: 'board', start: false }, expect: 201 });
	for (const order of ['oldest', 'newest']) {
		const ids = async (/** @type {string} */ query) => (await listAll(client, `&order=${order}&${query}`)).map(({ instance }) => instance);
		assert.deepEqual(await ids('instance=first'), ['first']);
		assert.deepEqual(await ids('instance=last'), ['last']);
		assert.deepEqual(await ids('type=instance.*'), order === 'oldest' ? ['first', 'last'] : ['last', 'first']);
		assert.deepEqual(await ids('type=run.*'), []);
		assert.equal((await listAll(client, `&order=${order}`, 400)).length, 553);
	}
});

test('what is asked wrongly is refused', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const accept = 'text/event-stream';
	for (const query of ['type=instance.stat', 'type=*', 'type=', 'type=.*', 'instance=a/b', 'instance=', 'run=x', 'run=0', 'since=-1', 'since=x', 'since=',
		'since=99999999999999999999', 'limit=0', 'limit=1001', 'cursor=x', 'cursor=-1', 'order=', 'order=old', 'order=newest&order=oldest', 'order=newest&cursor=x',
		'type=instance.state&type=run.state'])
		await client.refused(400, 'invalid_parameter', 'GET', `/events?${query}`);
	for (const query of ['limit=5', 'cursor=5', 'order=newest', 'since=x', 'type=x'])
		await client.refused(400, 'invalid_parameter', 'GET', `/events?${query}`, { headers: { accept } });
	for (const id of ['x', '-1', '1:5'])
		await client.refused(400, 'invalid_parameter', 'GET', '/events', { headers: { accept, 'last-event-id': id } });
	await client.refused(400, 'unknown_parameter', 'GET', '/events?id=4');
	await client.refused(405, 'method_not_allowed', 'POST', '/events');
});

test('a listener goes on with Last-Event-ID across a kill of emud: nothing is lost, nothing comes twice', async (t) => {
	const emud = await startEmud(t);
	let client = emud.client();
	await client.startBoard('lives', 'echo');
	/** @type {import('../lib/events.mjs').Event[]} */
	const heard = [];
	for (let round = 0; round < 3; round++) {
		const stream = await listen(client, '?since=0', { 'last-event-id': String(heard.at(-1)?.id ?? 0) });
		const last = (await client.post('/instances/lives/pause')).json && (await client.get('/events?limit=1')).json.last_id;
		await stream.untilFrame(({ id }) => Number(id) >= last, `event ${last}`);
		// Those of this are still under way when it is killed.
		const under_way = client.post('/instances/lives/resume').catch(() => null);
		await emud.end('SIGKILL');
		await under_way;
		await stream.untilEnd();
		heard.push(...stream.events());
		await emud.start();
		client = emud.client();
	}
	const stream = await listen(client, '?since=0', { 'last-event-id': String(heard.at(-1)?.id) });
	await client.delete('/instances/lives');
	await stream.untilEvent('instance.deleted');
	heard.push(...stream.events());
	stream.close();
	assert.deepEqual(heard.map(({ id }) => id), heard.map((_, index) => index + 1));
	assert.deepEqual(await listAll(client), heard);
	assert.equal(heard.filter(({ type }) => type === 'service.started').length, 4);
});

test('what is not kept any more is told, never skipped in silence', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_events: 5 } } });
	const client = emud.client();
	const live = await listen(client);
	for (let i = 0; i < 20; i++) await client.post('/config/reload');
	await live.untilCount(20);
	const page = (await client.get('/events')).json;
	assert.deepEqual([page.first_id, page.last_id, page.dropped], [17, 21, null]);
	assert.deepEqual(page.events.map(({ id }) => id), [17, 18, 19, 20, 21]);
	assert.deepEqual((await client.get('/events?since=3')).json.dropped, { since: 3, first_id: 17 });
	assert.equal((await client.get('/events?since=16')).json.dropped, null);
	assert.deepEqual((await client.get('/events?since=16')).json.events, page.events);
	for (const since of [0, 3, 4711]) {
		const stream = await listen(client, `?since=${since}`);
		await stream.untilCount(6);
		const [dropped, ...rest] = stream.frames();
		assert.deepEqual(dropped, { event: 'events.dropped', id: '16', data: { since, first_id: 17 } });
		assert.deepEqual(rest.map(({ data }) => data), page.events);
		stream.close();
	}
	const whole = await listen(client, '?since=0', { 'last-event-id': '16' });
	await whole.untilCount(5);
	assert.deepEqual(whole.events(), page.events);
	whole.close();
	live.close();
});

test('old events go by themselves, and their ids do not come again', async (t) => {
	const emud = await startEmud(t, { server: { limits: { kept_events_age: 1 } } });
	const client = emud.client();
	await client.post('/config/reload');
	const { last_id: last } = (await client.get('/events')).json;
	assert.equal(last, 2);
	const page = await until(async () => {
		const { json } = await client.get('/events');
		return json.events.length === 0 && json;
	}, 'the last event to go');
	assert.deepEqual([page.first_id, page.last_id], [last + 1, last]);
	await client.post('/config/reload');
	assert.equal((await client.get('/events')).json.last_id, last + 1);
});

test('a hundred listeners all hear the same', async (t) => {
	const emud = await startEmud(t);
	const client = emud.client();
	const listeners = await Promise.all(Array.from({ length: 100 }, (_, i) => listen(client, i % 2 ? '' : '?since=0')));
	for (let i = 0; i < 20; i++) await client.post('/config/reload');
	const all = await listAll(client);
	for (const [i, stream] of listeners.entries()) {
		await stream.untilCount(i % 2 ? 20 : 21);
		assert.deepEqual(stream.events(), i % 2 ? all.slice(1) : all);
		stream.close();
	}
});
