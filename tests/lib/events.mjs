// A listener of GET /events, and what it has heard.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';

import { within } from './deadline.mjs';
import { findFaults } from './specification.mjs';
import { ByteStream, parseEvents } from './streams.mjs';

/**
 * @typedef {{id: number, time: string, type: string, actor: string | null, instance?: string, run?: string, data: any}} Event
 * @typedef {{id: string, event: string, data: any}} Frame
 */

/**
 * Every frame of the stream so far: each event is held against the specification.
 * @param {{bytes: Buffer}} stream
 * @returns {Frame[]}
 */
export function framesOf(stream) {
	const frames = /** @type {Frame[]} */ (parseEvents(stream.bytes.toString()));
	for (const { id, event, data } of frames) {
		const schema = { 'events.dropped': 'DroppedEvents', 'instance.sample': 'Sample' }[event] ?? 'Event';
		assert.deepEqual(findFaults(['components', 'schemas', schema], data), [], JSON.stringify(data));
		if (schema === 'Sample') assert.equal(id, undefined);
		if (schema === 'Event') assert.deepEqual([String(data.id), data.type], [id, event]);
	}
	return frames;
}

/**
 * @param {import('./client.mjs').Client} client
 * @param {string} [query]
 * @param {Record<string, string>} [headers]
 */
export async function listen(client, query = '', headers = {}) {
	const stream = await client.follow(`/events${query}`, { headers: { accept: 'text/event-stream', ...headers } });
	// It listens from when its head is there.
	await stream.until('retry: ');
	/** @param {(frame: Frame) => boolean} fits @param {string} what @returns {Promise<Frame>} */
	const untilFrame = (fits, what) => stream.wait(() => /** @type {Frame} */ (framesOf(stream).find(fits)), what);
	return Object.assign(stream, {
		frames: () => framesOf(stream),
		/** @returns {Event[]} */
		events: () => framesOf(stream).filter(({ id, event }) => id && event !== 'events.dropped').map(({ data }) => data),
		untilFrame,
		/** @param {string} type @param {(event: Event) => boolean} [fits] @returns {Promise<Event>} */
		async untilEvent(type, fits = () => true) {
			return (await untilFrame(({ event, data }) => event === type && fits(data), `an event ${type}`)).data;
		},
		/** @param {number} count */
		untilCount: (count) => stream.wait(() => framesOf(stream).length >= count, `${count} events`),
	});
}

/**
 * Every page of the list, joined.
 * @param {import('./client.mjs').Client} client
 * @param {string} [query] begins with "&"
 * @returns {Promise<Event[]>}
 */
export async function listAll(client, query = '', limit = 1000) {
	const all = [];
	for (let cursor = null; ; ) {
		const { json } = await client.get(`/events?limit=${limit}${query}${cursor === null ? '' : `&cursor=${cursor}`}`);
		all.push(...json.events);
		cursor = json.next_cursor;
		if (cursor === null) return all;
	}
}

/**
 * Asks for the stream by hand; nothing is read until the socket is resumed.
 * @param {import('./emud.mjs').Emud} emud
 * @param {string} query
 */
export async function listenWithoutReading(emud, query) {
	const socket = net.connect({ port: emud.port, host: '127.0.0.1' });
	const stream = new ByteStream();
	await within(once(socket, 'connect'), 'a connection');
	socket.pause();
	socket.on('data', (bytes) => stream.push(bytes));
	socket.on('close', () => stream.finish('close'));
	socket.on('error', () => stream.finish('error'));
	socket.write(`GET /v1/events${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`);
	return Object.assign(stream, { socket });
}

/** What the chunks of a chunked body hold, as far as they are whole. @param {Buffer} bytes */
export function unchunk(bytes) {
	const parts = [];
	for (let at = bytes.indexOf('\r\n\r\n') + 4; ; ) {
		const line = bytes.indexOf('\r\n', at);
		if (line < 0) break;
		const length = parseInt(bytes.toString('latin1', at, line), 16);
		if (!length || bytes.length < line + 2 + length) break;
		parts.push(bytes.subarray(line + 2, line + 2 + length));
		at = line + 2 + length + 2;
	}
	return Buffer.concat(parts);
}
