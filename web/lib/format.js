// Values as people read them. No DOM.

/** @param {number | null | undefined} bytes */
export function formatBytes(bytes) {
	if (bytes === null || bytes === undefined) return '';
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let value = bytes;
	let unit = 0;
	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit++;
	}
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** @param {number | null | undefined} seconds */
export function formatDuration(seconds) {
	if (seconds === null || seconds === undefined) return '';
	if (seconds > 0 && seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
	if (seconds < 9.95 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
	const whole = Math.round(seconds);
	if (whole < 60) return `${whole} s`;
	const minutes = Math.floor(whole / 60);
	if (minutes < 60) return `${minutes} min ${whole % 60} s`;
	const hours = Math.floor(minutes / 60);
	return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Of one core. @param {number | null | undefined} share */
export const formatCpu = (share) => (share === null || share === undefined ? '' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`);

/** Local time; the exact one is for the title. @param {string | null} time RFC 3339 */
export function formatTime(time) {
	if (!time) return '';
	const date = new Date(time);
	const isToday = date.toDateString() === new Date().toDateString();
	return isToday ? date.toLocaleTimeString() : date.toLocaleString();
}

/** @param {{reason: string, code: number | null, signal: string | null, detail?: string | null} | null} exit */
export function formatExit(exit) {
	if (!exit) return '';
	const how = exit.signal ?? (exit.code === null ? null : exit.code === 0 ? null : `code ${exit.code}`);
	return exit.reason.replaceAll('_', ' ') + (how ? `, ${how}` : '');
}

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
