// Hooks of a test run in the order of their making. What uses an emud must leave before it ends, though it came later.

/** @type {WeakMap<object, (() => Promise<void>)[]>} */
const guests = new WeakMap();

/**
 * @param {object} test
 * @param {() => Promise<void>} leave may be called although it has left
 */
export function leaveBeforeEmud(test, leave) {
	guests.set(test, [...(guests.get(test) ?? []), leave]);
}

/** @param {object} test */
export async function seeGuestsOff(test) {
	for (const leave of guests.get(test) ?? []) await leave();
}
