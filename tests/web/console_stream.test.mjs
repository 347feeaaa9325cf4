// The page's console stream against a scripted server: every byte once and in order, whatever breaks.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

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

/** @param {() => object} getInstance */
function openStream(getInstance) {
	/** @type {string[]} */
	const events = [];
	const api = /** @type {any} */ ({ getInstance: async () => getInstance() });
	const stream = new ConsoleStream(api, 'demo', 'serial0', {
		onBytes: (bytes) => events.push(new TextDecoder().decode(bytes)),
		onGap: (lost) => events.push(`gap ${lost}`),
		onStart: (number) => events.push(`start ${number}`),
		onStatus: (status) => events.push(status),
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
	assert.equal(String(socket.url), 'wss://lab.example/v1/instances/demo/channels/serial0/stream?offset=0');
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
	assert.deepEqual(events.slice(-5), ['12345', 'lost', 'connecting', 'connected', '678']);
	assert.equal(stream.offset, 8);
	stream.close();
});

test('bytes that are no longer kept are told', async () => {
	const { stream, events } = openStream(() => ({ start_number: 1 }));
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
	assert.deepEqual(events.slice(-3), ['lost', 'connecting', 'start 2']);
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
