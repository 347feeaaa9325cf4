// The page's console stream against a scripted server: every byte once and in order, whatever breaks.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { holdTime } from '../lib/clock.mjs';
import { until } from '../lib/deadline.mjs';

/** @type {FakeSocket[]} */
let sockets = [];

class FakeSocket {
	static OPEN = 1;

	/** @param {URL} url */
	constructor(url) {
		this.url = url;
		this.readyState = 0;
		/** @type {string[]} */
		this.sent = [];
		this.onopen = () => {};
		/** @type {(message: {data: unknown}) => void} */
		this.onmessage = () => {};
		/** @type {(event: {code: number}) => void} */
		this.onclose = () => {};
		sockets.push(this);
	}

	/** @param {object} position @param {string} bytes */
	serve(position, bytes) {
		this.readyState = FakeSocket.OPEN;
		this.onopen();
		this.onmessage({ data: JSON.stringify(position) });
		this.onmessage({ data: new TextEncoder().encode(bytes).buffer });
	}

	/** @param {Uint8Array} bytes */
	send(bytes) {
		this.sent.push(new TextDecoder().decode(bytes));
	}

	close() {}
}

Object.assign(globalThis, { WebSocket: FakeSocket, location: { href: 'https://lab.example/' } });
const { ConsoleStream } = await import('../../web/lib/stream.js');
const { Problem } = await import('../../web/lib/api.js');

/** What there is of it, by the API's answer to a question for the last byte. @param {() => {start_number: number, first?: number, end?: number}} getOutput */
function openStream(getOutput) {
	/** @type {string[]} */
	const events = [];
	const api = /** @type {any} */ ({
		async fetch() {
			const { start_number: startNumber, first = 0, end = 10 } = getOutput();
			const headers = { 'emud-start-number': `${startNumber}`, 'emud-first-offset': `${first}`, 'emud-offset': `${Math.max(first, end - 1)}` };
			return new Response(end > first ? 'x' : '', { headers });
		},
	});
	const stream = new ConsoleStream(api, 'demo', 'serial0', {
		onBytes: (bytes, isNew) => events.push(`${isNew ? 'new ' : ''}${new TextDecoder().decode(bytes)}`),
		onGap: (lost) => events.push(`gap ${lost}`),
		onBegin: (number, offset) => events.push(`start ${number}${offset ? ` from ${offset}` : ''}`),
		onStatus: (status, unheard) => events.push(status === 'silent' ? `silent, ${unheard} unheard` : status),
		onUnsent: (text) => events.push(`unsent ${text}`),
	});
	return { stream, events };
}

const socketNumber = (/** @type {number} */ count) => until(() => sockets[count - 1], `WebSocket ${count}`);

beforeEach(() => {
	sockets = [];
});

test('the stream is a secure WebSocket on a secure page and begins at the beginning', async () => {
	const { stream, events } = openStream(() => ({ start_number: 3 }));
	const socket = await socketNumber(1);
	assert.equal(String(socket.url), 'wss://lab.example/v1/instances/demo/channels/serial0/stream?offset=0&start_number=3');
	socket.serve({ start_number: 3, offset: 0 }, 'Hello');
	assert.deepEqual(events, ['connecting', 'start 3', 'connected', 'Hello']);
	stream.send('ü');
	assert.deepEqual(socket.sent, ['ü']);
	stream.close();
});

test('a lost stream goes on at its offset', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1 }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, '12345');
	sockets[0].onclose({ code: 1006 });
	const second = await socketNumber(2);
	assert.equal(second.url.searchParams.get('offset'), '5');
	second.serve({ start_number: 1, offset: 5 }, '678');
	assert.deepEqual(events.slice(-5), ['connected', '12345', 'lost', 'connected', '678']);
	assert.equal(stream.offset, 8);
	stream.close();
});

test('bytes that are no longer kept are told', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1, end: 1001 }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 1000 }, 'x');
	assert.deepEqual(events.slice(-2), ['gap 1000', 'x']);
	assert.equal(stream.offset, 1001);
	stream.close();
});

test('a start that came while the stream was lost is read from its beginning', async () => {
	let startNumber = 1;
	const { stream, events } = openStream(() => ({ start_number: startNumber }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, 'old');
	startNumber = 2;
	sockets[0].onclose({ code: 1006 });
	const second = await socketNumber(2);
	assert.equal(second.url.searchParams.get('offset'), '0');
	assert.deepEqual(events.slice(-2), ['lost', 'start 2']);
	stream.close();
});

test('a stream that ended waits for the next start', async () => {
	let startNumber = 1;
	const { stream, events } = openStream(() => ({ start_number: startNumber }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, 'all');
	sockets[0].onclose({ code: 1000 });
	assert.equal(events.at(-1), 'ended');
	stream.noteStart(1);
	assert.equal(sockets.length, 1);
	startNumber = 2;
	stream.noteStart(2);
	await socketNumber(2);
	stream.close();
});

test('a stream of an instance that is gone asks no more', async () => {
	const { events } = openStream(() => {
		throw new Problem(404, 'not_found', 'gone');
	});
	await until(() => events.includes('gone'), 'the stream to give up');
	assert.equal(sockets.length, 0);
});

test('paused and resumed, it goes on at the same byte: what was under way comes again, none twice', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1 }));
	const first = await socketNumber(1);
	first.serve({ start_number: 1, offset: 0 }, '123');
	stream.pause();
	first.onmessage({ data: new TextEncoder().encode('45').buffer });
	stream.resume();
	// The old one is still closing.
	first.onmessage({ data: new TextEncoder().encode('67').buffer });
	const second = await socketNumber(2);
	first.onclose({ code: 1005 });
	assert.equal(second.url.searchParams.get('offset'), '3');
	second.serve({ start_number: 1, offset: 3 }, '4567');
	assert.deepEqual(events.filter((event) => /^\d/.test(event)), ['123', '4567']);
	assert.ok(!events.includes('lost'), 'a pause is no loss');
	assert.equal(sockets.length, 2);
	stream.close();
});

test('paused again before it has resumed, it stays so', async () => {
	const { stream } = openStream(() => ({ start_number: 1 }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, '123');
	stream.pause();
	stream.resume();
	stream.pause();
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(sockets.length, 1);
	stream.resume();
	assert.equal((await socketNumber(2)).url.searchParams.get('offset'), '3');
	stream.close();
});

test('what is typed while it is paused is sent when it goes on', async () => {
	const { stream } = openStream(() => ({ start_number: 1 }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, '123');
	stream.pause();
	stream.send('a');
	stream.resume();
	stream.send('b');
	const second = await socketNumber(2);
	second.serve({ start_number: 1, offset: 3 }, '');
	assert.deepEqual(second.sent, ['a', 'b']);
	stream.close();
});

test('word of the next start that is faster than the end of this one is not lost', async () => {
	let startNumber = 1;
	const { stream } = openStream(() => ({ start_number: startNumber }));
	const first = await socketNumber(1);
	first.serve({ start_number: 1, offset: 0 }, 'all');
	startNumber = 2;
	stream.noteStart(2);
	first.onclose({ code: 1000 });
	await socketNumber(2);
	stream.close();
});

test('an instance that has failed is not asked for its end again and again', async () => {
	let startNumber = 1;
	const { stream, events } = openStream(() => ({ start_number: startNumber }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, 'oops');
	sockets[0].onclose({ code: 1011 });
	assert.equal(events.at(-1), 'failed');
	startNumber = 2;
	stream.noteStart(2);
	await socketNumber(2);
	stream.close();
});

const MIB = 1024 * 1024;

test('of a long history the newest comes first, from a whole line on', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1, end: 64 * MIB }));
	const socket = await socketNumber(1);
	assert.equal(socket.url.searchParams.get('offset'), String(62 * MIB));
	socket.serve({ start_number: 1, offset: 62 * MIB }, '31mred\x1b[0m\nwhole');
	socket.onmessage({ data: new TextEncoder().encode('next\nline').buffer });
	assert.deepEqual(events.slice(-4), [`start 1 from ${62 * MIB}`, 'connected', '\x1b[0m\nwhole', 'next\nline']);
	assert.equal(stream.offset, 62 * MIB + 25);
	stream.close();
});

test('one that is a little behind gets every byte, one that is hopelessly behind the newest', async () => {
	let end = 1;
	const { stream, events } = openStream(() => ({ start_number: 1, end }));
	(await socketNumber(1)).serve({ start_number: 1, offset: 0 }, 'x');
	end = 8 * MIB;
	sockets[0].onclose({ code: 1006 });
	const second = await socketNumber(2);
	assert.equal(second.url.searchParams.get('offset'), '1');
	second.serve({ start_number: 1, offset: 1 }, 'y');
	end = 100 * MIB;
	second.onclose({ code: 1006 });
	assert.equal((await socketNumber(3)).url.searchParams.get('offset'), String(98 * MIB));
	assert.equal(events.at(-1), `start 1 from ${98 * MIB}`);
	stream.close();
});

test('what is printed after the stream was opened is new, what was there is not', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1, end: 3 }));
	const socket = await socketNumber(1);
	socket.serve({ start_number: 1, offset: 0 }, 'old');
	socket.onmessage({ data: new TextEncoder().encode('now').buffer });
	assert.deepEqual(events.slice(-2), ['old', 'new now']);
	stream.close();
});

test('what is typed while the connection is lost is told to be unsent', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1 }));
	const first = await socketNumber(1);
	assert.ok(stream.send('a'), 'what is typed too early waits');
	first.serve({ start_number: 1, offset: 0 }, '');
	assert.deepEqual(first.sent, ['a']);
	stream.pause();
	stream.send('b');
	stream.resume();
	const second = await socketNumber(2);
	second.onclose({ code: 1006 });
	assert.deepEqual(events.slice(-2), ['lost', 'unsent b']);
	assert.equal(stream.send('c'), false);
	assert.equal(events.at(-1), 'unsent c');
	(await socketNumber(3)).serve({ start_number: 1, offset: 0 }, '');
	assert.deepEqual(sockets[2].sent, []);
	stream.close();
});

test('a stream that is silent while emud is not heard elsewhere is opened anew when emud is back, once', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1 }));
	const first = await socketNumber(1);
	first.serve({ start_number: 1, offset: 0 }, '123');
	stream.send('last');
	stream.doubt();
	assert.equal(events.at(-1), 'silent, 4 unheard');
	assert.equal(stream.send('a'), false);
	stream.renew();
	first.onmessage({ data: new TextEncoder().encode('45').buffer });
	const second = await socketNumber(2);
	assert.equal(second.url.searchParams.get('offset'), '3');
	second.serve({ start_number: 1, offset: 3 }, '45');
	stream.renew();
	assert.deepEqual(events.filter((event) => /^\d/.test(event)), ['123', '45']);
	assert.equal(sockets.length, 2);
	stream.close();
});

test('a stream that is heard after all is not opened anew', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1 }));
	const socket = await socketNumber(1);
	socket.serve({ start_number: 1, offset: 0 }, '123');
	stream.doubt();
	socket.onmessage({ data: new TextEncoder().encode('4').buffer });
	assert.deepEqual(events.slice(-2), ['connected', '4']);
	stream.renew();
	assert.ok(stream.send('a'));
	assert.equal(sockets.length, 1);
	stream.close();
});

test('a lost stream does not wait for its turn when emud is known to be back', async (t) => {
	const { pass, settle } = holdTime(t);
	const { stream } = openStream(() => ({ start_number: 1 }));
	await settle();
	sockets[0].serve({ start_number: 1, offset: 0 }, '123');
	sockets[0].onclose({ code: 1006 });
	stream.renew();
	await settle();
	assert.equal(sockets.length, 2, 'it does not wait');
	await pass(60_000);
	assert.equal(sockets.length, 2);
	stream.close();
});
