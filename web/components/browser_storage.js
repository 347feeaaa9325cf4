// What this browser keeps for the page: nothing where site data is blocked, or where there is no room.

/** @type {Pick<Storage, 'getItem' | 'setItem'>} */
export const browserStorage = {
	getItem(key) {
		try {
			return localStorage.getItem(key);
		} catch {
			return null;
		}
	},
	setItem(key, value) {
		try {
			localStorage.setItem(key, value);
		} catch {
			// It holds as long as this page does.
		}
	},
};
