// Time that passes when a test says so.

/** @param {number} ms */
function abortAfter(ms) {
	const controller = new AbortController();
	setTimeout(() => controller.abort(), ms);
	return controller.signal;
}

/**
 * Stands in for setTimeout, AbortSignal.timeout and Date.now until the test ends. Node's own (mock.timers) has no clock in Debian's version 18.
 * @param {import('node:test').TestContext} t
 */
export function holdTime(t) {
	const { setTimeout, clearTimeout } = globalThis;
	const { now } = Date;
	const { timeout } = AbortSignal;
	/** @type {Map<number, {at: number, run: () => void}>} */
	const waiting = new Map();
	let time = 0;
	let made = 0;
	const fake = {
		setTimeout(/** @type {(...args: unknown[]) => void} */ callback, ms = 0, /** @type {unknown[]} */ ...args) {
			waiting.set(++made, { at: time + ms, run: () => callback(...args) });
			return made;
		},
		clearTimeout: (/** @type {number} */ timer) => void waiting.delete(timer),
	};
	Object.assign(globalThis, fake);
	Date.now = () => time;
	AbortSignal.timeout = abortAfter;
	t.after(() => {
		Object.assign(globalThis, { setTimeout, clearTimeout });
		Date.now = now;
		AbortSignal.timeout = timeout;
	});

	/** Lets everything go on that needs no time. */
	async function settle() {
		for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
	}

	/** @param {number} ms */
	async function pass(ms) {
		await settle();
		const end = time + ms;
		for (;;) {
			const [next] = [...waiting].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
			if (!next) break;
			const [timer, { at, run }] = next;
			waiting.delete(timer);
			time = at;
			run();
		}
		time = end;
		await settle();
	}

	/** As through a computer's sleep: the clock goes on, timers do not. @param {number} ms since 1970 */
	const sleepUntil = (ms) => void (time = ms);

	return { settle, pass, sleepUntil };
}
