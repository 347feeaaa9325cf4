// A stream that is followed while the page is seen.

/**
 * @param {import('../lib/store.js').Store} store
 * @param {() => import('../lib/follower.js').Follower | null} current
 * @returns {() => void} ends it
 */
export function followWhileSeen(store, current) {
	const look = () => current()?.setSeen(!document.hidden);
	const stop = store.subscribe('returned', () => current()?.renew());
	document.addEventListener('visibilitychange', look);
	return () => {
		stop();
		document.removeEventListener('visibilitychange', look);
	};
}
