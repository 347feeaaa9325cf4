// What the tabs of an instance make of what they are told: modules without a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';

const { BoundedText } = await import('../../web/lib/bounded_text.js');
const { channelAddress, connectCommand, forwardCommand, shellCommand } = await import('../../web/lib/connect_words.js');
const { tellActor, tellEvent, tellRunEvent } = await import('../../web/lib/event_words.js');
const { History, readCommands } = await import('../../web/lib/gdb_session.js');
const { fileReference, makeImageRequest } = await import('../../web/lib/image_request.js');
const { LogStream } = await import('../../web/lib/log_stream.js');
const { Pins, childPath, formatValue, isObject, propertyUrl, readValue, sortProperties } = await import('../../web/lib/properties.js');
const { Problem } = await import('../../web/lib/api.js');
const { Store } = await import('../../web/lib/store.js');
const { joinSamples, tellSeries, tellTotals, usageSeries } = await import('../../web/lib/usage_series.js');

const event = (/** @type {number} */ id, type = 'instance.state', /** @type {object} */ data = {}) =>
	({ id, time: '2026-01-01T00:00:00.000Z', type, actor: null, instance: 'demo', data });

test('text that grows without end keeps its newest, and counts what went', () => {
	const text = new BoundedText(10, 4);
	assert.deepEqual(text.push('12345'), { texts: ['1234', '5'], drop: 0 });
	assert.deepEqual(text.push('67890'), { texts: ['6789', '0'], drop: 0 });
	assert.deepEqual(text.push('a'), { texts: ['a'], drop: 1 });
	assert.deepEqual([text.length, text.dropped], [7, 4]);
	assert.deepEqual(text.push('a piece that is too long'), { texts: ['s to', 'o lo', 'ng'], drop: 4 });
	assert.deepEqual([text.length, text.dropped], [10, 4 + 7 + 14]);
	assert.deepEqual(text.push('!'), { texts: ['!'], drop: 1 }, 'what came at once does not go at once');
	assert.deepEqual(text.push(''), { texts: [], drop: 0 });
	text.clear();
	assert.deepEqual([text.length, text.dropped], [0, 0]);
});

test('pieces of text end where lines do, and never within a character', () => {
	const text = new BoundedText(100, 8);
	assert.deepEqual(text.push('one\ntwo\nthree\nfour').texts, ['one\ntwo\n', 'three\n', 'four']);
	assert.deepEqual(text.push('1234567😀89').texts, ['1234567😀', '89']);
});

test('a channel tells how it is reached from a terminal', () => {
	const url = 'http://lab/v1/instances/demo/channels/serial0/output';
	assert.equal(connectCommand({ kind: 'console', type: 'tcp', host: '127.0.0.1', port: 4000 }, url), 'nc 127.0.0.1 4000');
	assert.equal(connectCommand({ kind: 'console', type: 'pty', path: '/dev/pts/4' }, url), 'screen /dev/pts/4');
	assert.equal(connectCommand({ kind: 'console', type: 'tcp' }, url), `curl --no-buffer '${url}?follow=true'`);
	assert.equal(connectCommand({ kind: 'control', type: 'tcp' }, url), '');
	assert.equal(channelAddress({ kind: 'console', type: 'tcp', host: '::1', port: 4000 }), '[::1]:4000');
	assert.equal(shellCommand(['gdb', '-ex', 'target remote localhost:1', 'it\'s']), `gdb -ex 'target remote localhost:1' 'it'\\''s'`);
});

test('who is on another machine is told how to get at raw channels', () => {
	const raw = [{ kind: 'gdb', type: 'tcp', host: '127.0.0.1', port: 4001 }, { kind: 'console', type: 'tcp', host: '::1', port: 4002 }, { kind: 'monitor', type: 'tcp' }];
	assert.equal(forwardCommand(raw, 'lab-7'), 'ssh -N -L 4001:127.0.0.1:4001 -L 4002:[::1]:4002 lab-7');
	for (const here of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]']) assert.equal(forwardCommand(raw, here), '');
	assert.equal(forwardCommand([{ kind: 'gdb', type: 'tcp', host: '10.0.0.7', port: 1 }], 'lab-7'), '', 'what listens to all needs no help');
	assert.equal(forwardCommand([raw[2]], 'lab-7'), '');
});

test('events are told in words, unknown ones as they are', () => {
	assert.equal(tellEvent(event(1, 'instance.created', { target: 'board', emulator: 'sim' })), 'created: board in sim');
	assert.equal(tellEvent(event(1, 'instance.state', { state: 'starting', start_number: 2 })), 'starting, for the 2nd time');
	assert.equal(tellEvent(event(1, 'instance.state', { state: 'starting', start_number: 11 })), 'starting, for the 11th time');
	assert.equal(tellEvent(event(1, 'instance.state', { state: 'paused', previous: 'running', paused_by: 'disk_full' })), 'paused: the disk is full');
	const exit = { code: 3, signal: null, reason: 'guest_exit', detail: null };
	assert.equal(tellEvent(event(1, 'instance.state', { state: 'exited', previous: 'running', exit })), 'exited: guest exit, code 3');
	assert.equal(tellEvent(event(1, 'instance.moved', { to: 'mars' })), 'instance.moved {"to":"mars"}');
	assert.equal(tellRunEvent(event(1, 'run.state', { state: 'ended', verdict: 'failed', reason: 'guest_exit', detail: 'code 1' })), 'failed: guest exit: code 1');
	assert.equal(tellRunEvent(event(1, 'run.state', { state: 'ended', verdict: 'canceled', reason: 'canceled' })), 'canceled');
	assert.equal(tellRunEvent({ ...event(1, 'instance.deleted'), instance: 'run-5' }), 'board run-5: deleted');
	assert.equal(tellRunEvent({ ...event(1, 'run.deleted', { verdict: 'passed' }), instance: undefined, run: '5' }), 'deleted, with its output');
	assert.deepEqual([tellActor(event(1)), tellActor({ ...event(1), actor: 'ann' })], ['by itself', 'ann']);
});

test('gdb commands stand one a line', () => {
	assert.deepEqual(readCommands('  info registers \n\nx/4x $sp\n'), { commands: ['info registers', 'x/4x $sp'], lines: [1, 3] });
	assert.deepEqual(readCommands(' \n').commands, []);
});

test('commands of before come back, and what was being typed after them', () => {
	const history = new History();
	assert.equal(history.move(-1, 'draft'), null);
	history.add('one');
	history.add('two');
	history.add('two');
	assert.equal(history.move(-1, 'draft'), 'two');
	assert.equal(history.move(-1, 'two'), 'one');
	assert.equal(history.move(-1, 'one'), null);
	assert.equal(history.move(1, 'one'), 'two');
	assert.equal(history.move(1, 'two'), 'draft');
	assert.equal(history.move(1, 'draft'), null);
});

test('a start asks only for what shall be other than it was', () => {
	const before = { file: '/srv/a.elf', args: ['-d', 'unimp'] };
	assert.deepEqual(makeImageRequest({ file: '/srv/a.elf', args: ['-d', 'unimp'], paused: '' }, before), {});
	assert.deepEqual(makeImageRequest({ file: null, args: [], paused: 'false' }, before), { args: [], paused: false });
	assert.deepEqual(makeImageRequest({ file: 'sha256:ab', paused: 'true' }, before), { file: 'sha256:ab', paused: true });
	assert.deepEqual([fileReference({ path: '/a' }), fileReference({ sha256: 'ab' }), fileReference(null)], ['/a', 'sha256:ab', null]);
});

test('objects come before properties, and numbers count as numbers', () => {
	const names = ['device[10]', 'zeta', 'device[2]', 'alpha'].map((name) => ({ name, type: name.startsWith('device') ? 'child<pl011>' : 'link<bus>' }));
	assert.deepEqual(sortProperties(names).map(({ name }) => name), ['device[2]', 'device[10]', 'alpha', 'zeta']);
	assert.deepEqual(names.map(isObject), [true, false, true, false]);
	assert.deepEqual([childPath('/', 'machine'), childPath('/machine', 'unattached')], ['/machine', '/machine/unattached']);
	assert.equal(propertyUrl('demo', { path: '/a[0]', name: 'b&c' }), '/v1/instances/demo/property?path=%2Fa%5B0%5D&name=b%26c');
});

test('values are shown as JSON, numbers with their hexadecimal twin, and read as JSON', () => {
	assert.deepEqual([true, 'text', 9, 4096, '18446744073709551615', 1.5, null].map(formatValue),
		['true', '"text"', '9', '4096 (0x1000)', '"18446744073709551615" (0xffffffffffffffff)', '1.5', 'null']);
	assert.deepEqual(readValue('{"a":1}'), { value: { a: 1 } });
	assert.match(/** @type {{fault: string}} */ (readValue('0x10')).fault, /no JSON/);
});

test('a number is sent as it is typed, or not at all', () => {
	const sent = (/** @type {string} */ text) => {
		const read = readValue(text);
		return 'fault' in read ? read.fault : JSON.stringify(read.value);
	};
	const plain = ['42', '-7', '0.5', '9007199254740991', '"18446744073709551615 \\" 1e400"', '{"1e400":[1,{"a":null}]}'];
	assert.deepEqual(plain.map(sent), plain);
	for (const number of ['9007199254740993', '9007199254740992', '-9007199254740993', '18446744073709551615', '1.5e30', '1e400', '1.0', '1.8446744073709551615e19']) {
		for (const text of [number, `{"a":["-1",${number}]}`]) {
			assert.equal(sent(text), 'rawJSON' in JSON ? text : `This browser is too old to send ${number} as it is: curl can.`);
		}
	}
});

test('pins are kept by target, and whatever else stands there is none', () => {
	/** @type {Map<string, string>} */
	const kept = new Map([['emud.pins.broken', '[{"path":3},{"path":"/a","name":"b"},null]'], ['emud.pins.bad', '{']]);
	const storage = { getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ text) => void kept.set(key, text) };
	const pins = new Pins(storage, 'board');
	pins.toggle({ path: '/machine', name: 'usb' });
	assert.deepEqual(new Pins(storage, 'board').all, [{ path: '/machine', name: 'usb' }]);
	assert.deepEqual(new Pins(storage, 'other').all, []);
	pins.toggle({ path: '/machine', name: 'usb' });
	assert.deepEqual(new Pins(storage, 'board').all, []);
	assert.deepEqual(new Pins(storage, 'broken').all, [{ path: '/a', name: 'b' }]);
	assert.deepEqual(new Pins(storage, 'bad').all, []);
});

test('pins of several tabs come together; where nothing can be kept they hold as long as the page', () => {
	/** @type {Map<string, string>} */
	const kept = new Map();
	const storage = { getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ text) => void kept.set(key, text) };
	const [usb, append, kernel] = ['usb', 'append', 'kernel'].map((name) => ({ path: '/machine', name }));
	const [one, other] = [new Pins(storage, 'board'), new Pins(storage, 'board')];
	one.toggle(usb);
	other.toggle(append);
	assert.deepEqual(new Pins(storage, 'board').all, [usb, append]);
	one.read();
	other.toggle(usb);
	one.toggle(usb);
	assert.deepEqual(new Pins(storage, 'board').all, [append], 'what both unpin is unpinned');
	const blocked = new Pins({ getItem: () => null, setItem() {} }, 'board');
	for (const pin of [usb, append, kernel, append]) blocked.toggle(pin);
	assert.deepEqual(blocked.all, [usb, kernel]);
});

test('usage goes on as it was told last until now, and is told in words', () => {
	const samples = [{ time: 1000, cpu: 0.5, rss_bytes: 10 }, { time: 3000, cpu: 0.25, rss_bytes: 20 }];
	assert.deepEqual(usageSeries(samples, 'cpu', 9000), [[1, 3, 9], [0.5, 0.25, 0.25]]);
	assert.deepEqual(usageSeries(samples, 'rss_bytes', 0), [[1, 3, 3], [10, 20, 20]]);
	assert.deepEqual(usageSeries([], 'cpu', 9000), [[], []]);
	assert.match(tellSeries('CPU', usageSeries(samples, 'cpu', 9000), (value) => `${value * 100} %`), /^CPU over 8(\.0)? s: 25 % now, between 25 % and 50 %\.$/);
	assert.equal(tellSeries('CPU', [[], []], String), 'CPU: nothing is measured yet.');
});

test('what has been used in all is told, and on average since the start', () => {
	const usage = { cpu_seconds: 3, rss_bytes: 1024, disk_bytes: 2048 };
	const start = '2026-01-01T00:00:00.000Z';
	assert.deepEqual(tellTotals(usage, start, Date.parse(start) + 60_000), ['CPU time of this start: 3 s, 5.0 % on average', 'Memory: 1.0 KiB', 'Disk: 2.0 KiB']);
	for (const started of [start, null]) assert.equal(tellTotals(usage, started, Date.parse(start) - 5000)[0], 'CPU time of this start: 3 s');
});

test('what is remembered of usage comes before what has been told, and not twice', () => {
	const [one, two, three] = [1, 2, 3].map((time) => ({ time, cpu: time / 10, rss_bytes: time }));
	assert.deepEqual(joinSamples([one, two], [two, three]), [one, two, three]);
	assert.deepEqual(joinSamples([one, two], []), [one, two]);
	assert.deepEqual(joinSamples([], [three]), [three]);
});

test('a sample that tells one thing leaves the other as it was', () => {
	const store = new Store(/** @type {any} */ ({}));
	const sample = (/** @type {object} */ data) =>
		store.apply(/** @type {any} */ ({ type: 'instance.sample', instance: 'demo', time: '2026-01-01T00:00:00.000Z', data }));
	sample({ cpu: 0.5, rss_bytes: 10 });
	sample({ rss_bytes: 20 });
	sample({ line: 'ready' });
	const time = Date.parse('2026-01-01T00:00:00.000Z');
	assert.deepEqual(store.samples.get('demo'), [{ time, cpu: 0.5, rss_bytes: 10 }, { time, cpu: 0.5, rss_bytes: 20 }]);
	assert.equal(store.lines.get('demo'), 'ready');
	for (let count = 0; count < 1000; count++) sample({ cpu: count });
	assert.equal(store.samples.get('demo')?.length, 300);
});

/** @param {(() => Promise<Response>)[]} answers one a request */
function openLog(answers) {
	/** @type {string[]} */
	const told = [];
	const api = /** @type {any} */ ({ fetch: () => (answers.shift() ?? (() => Promise.reject(new Problem(404, 'not_found', 'gone'))))() });
	const stream = new LogStream(api, 'demo', 'sim', {
		onBegin: () => told.push('begin'), onText: (text) => told.push(text), onStatus: (status) => told.push(status),
	});
	stream.setSeen(true);
	return { stream, told };
}

test('a log is read to its end', async () => {
	const { told } = openLog([async () => new Response('one\ntwo\n')]);
	await until(() => told.includes('ended'), 'the log to end');
	assert.deepEqual(told, ['connecting', 'begin', 'live', 'one\ntwo\n', 'ended']);
});

test('a log that is lost is begun anew, and one that is gone is asked for no more', async () => {
	const broken = () => new ReadableStream({ pull: (controller) => controller.error(new Error('lost')) });
	const { told } = openLog([async () => new Response(broken()), async () => {
		throw new Problem(0, 'unreachable', 'down');
	}]);
	await until(() => told.includes('gone'), 'the log to be given up');
	assert.deepEqual(told, ['connecting', 'begin', 'live', 'lost', 'connecting', 'lost', 'connecting', 'gone']);
});

test('a log that is closed says nothing more', async () => {
	/** @type {(response: Response) => void} */
	let answer = () => {};
	const { stream, told } = openLog([() => new Promise((resolve) => (answer = resolve))]);
	await until(() => told.length > 0, 'the log to be asked for');
	stream.close();
	answer(new Response('late'));
	await new Promise((resolve) => setImmediate(resolve));
	assert.deepEqual(told.filter((word) => ['late', 'ended', 'lost'].includes(word)), []);
});
