// What a terminal shows of the keys that are typed where the board shows nothing. No DOM.

/** As a tty does it: lines end, the last character goes, other control characters by name. @param {string} keys */
export function localEcho(keys) {
	// eslint-disable-next-line no-control-regex
	return keys.replaceAll(/\r\n|[\x00-\x1f\x7f]/g, (key) => {
		if (key === '\r' || key === '\n' || key === '\r\n') return '\r\n';
		if (key === '\t') return key;
		return key === '\x7f' || key === '\b' ? '\b \b' : `^${String.fromCharCode(key.charCodeAt(0) + 0x40)}`;
	});
}
