// The body of an answer, as a test goes on to send it.

export function createBody() {
	/** @type {ReadableStreamDefaultController<Uint8Array>} */
	let controller;
	const stream = new ReadableStream({ start: (given) => void (controller = given) });
	return {
		stream,
		/** @param {string | Uint8Array} data */
		write: (data) => controller.enqueue(typeof data === 'string' ? new TextEncoder().encode(data) : data),
		end: () => controller.close(),
		breakOff: () => controller.error(new TypeError('network error')),
		/** What a request that is given up does to what it reads. @param {AbortSignal} signal */
		endWith: (signal) => signal.addEventListener('abort', () => controller.error(signal.reason)),
	};
}
