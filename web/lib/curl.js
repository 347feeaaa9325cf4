// The curl command that does what a form does. No DOM.

/** For a POSIX shell. @param {string} text */
export const quote = (text) => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/**
 * @typedef {{method?: string, url: string, json?: unknown, file?: string, form?: {spec: unknown, file: string}, headers?: Record<string, string>}} CurlRequest
 * file: the body's file; form: a multipart one
 */

/** @param {CurlRequest} request @returns {string} one line a word that is long */
export function curlCommand({ method, url, json, file, form, headers = {} }) {
	const words = ['curl', '--fail-with-body'];
	const implied = file !== undefined ? 'PUT' : json !== undefined || form !== undefined ? 'POST' : 'GET';
	if (method && method !== implied) words.push('-X', method);
	for (const [name, value] of Object.entries(headers)) words.push('-H', quote(`${name}: ${value}`));
	if (file !== undefined) words.push('-T', quote(file));
	if (json !== undefined) words.push('-H', quote('Content-Type: application/json'), '-d', quote(JSON.stringify(json)));
	if (form) words.push('-F', quote(`spec=${JSON.stringify(form.spec)};type=application/json`), '-F', quote(`file=@${form.file}`));
	words.push(quote(url));
	return words.join(' ');
}
