// Waiting for what must come, with a deadline and a message that says what did not.

/** Sanitizers and two cores shared with other tests: generous, since only a failure ever waits this long. */
export const DEADLINE_MS = 40_000;

/**
 * The promise's value, or an error that names what was waited for.
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what
 * @param {number} [deadlineMs]
 * @returns {Promise<T>}
 */
export async function within(promise, what, deadlineMs = DEADLINE_MS) {
	let timer;
	const expired = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms for ${what}`)), deadlineMs);
	});
	try {
		return await Promise.race([promise, expired]);
	} finally {
		clearTimeout(timer);
	}
}

/**
 * Asks again until there is an answer: for what tells nobody when it happens, such as the end of a process
 * that is not our child.
 * @template T
 * @param {() => T | false | Promise<T | false>} probe falsy: not yet
 * @param {string} what
 */
export async function until(probe, what, deadlineMs = DEADLINE_MS) {
	const end = Date.now() + deadlineMs;
	for (;;) {
		const found = await probe();
		if (found) return found;
		if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}
