// A listener of GET /events, and what it has heard.

import assert from 'node:assert/strict';

import { findFaults } from './specification.mjs';
import { parseEvents } from './streams.mjs';

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
		const schema = event === 'events.dropped' ? 'DroppedEvents' : 'Event';
		assert.deepEqual(findFaults(['components', 'schemas', schema], data), [], JSON.stringify(data));
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
		events: () => framesOf(stream).filter(({ event }) => event !== 'events.dropped').map(({ data }) => data),
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
