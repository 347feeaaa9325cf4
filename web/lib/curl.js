// The curl command that does what a form does. No DOM.

/** What a terminal would act on when it is pasted, or that would show the rest as what it is not. */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** @param {string} text its bytes, as $'...' takes them */
const escapeBytes = (text) => Array.from(new TextEncoder().encode(text), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** For a POSIX shell; with control characters for one that knows $'...', as bash and zsh do. @param {string} text */
export function quote(text) {
	if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text)) return text;
	if (text.search(CONTROLS) < 0) return `'${text.replaceAll("'", `'\\''`)}'`;
	return `$'${text.replaceAll(/[\\']/g, '\\$&').replaceAll(CONTROLS, escapeBytes)}'`;
}

/**
 * @typedef {{method?: string, url: string, json?: object, file?: string, form?: {spec?: unknown, file: string},
 *   stored?: {url: string, file: string}, headers?: Record<string, string>, needsToken?: boolean}} CurlRequest
 * file: the body's file; form: a multipart one; stored: a file that is sent to that URL first, and then named in json by what it holds;
 * needsToken: of the shell's EMUD_TOKEN
 */

/** curl reads "-" as its input. @param {string} name */
const fileName = (name) => (name === '-' ? './-' : name);

/** As -F reads it: what it would take for an end or an option stands in quotes. @param {string} name */
const formFile = (name) => (/[;,"\\]|^\s|\s$/.test(name) ? `"${name.replaceAll(/["\\]/g, '\\$&')}"` : fileName(name));

/** JSON that names the file whose content the shell sums up: it may have been built anew meanwhile. @param {object} json @param {string} file */
function quoteStored(json, file) {
	const [before, ...after] = JSON.stringify({ file: 'sha256:…', ...json }).split('…');
	return `${quote(before)}"$(sha256sum < ${quote(fileName(file))} | cut -c1-64)"${quote(after.join('…'))}`;
}

/** @param {CurlRequest} request @returns {string} one line a word that is long */
export function curlCommand({ method, url, json, file, form, stored, headers = {}, needsToken = false }) {
	const words = ['curl', '--fail-with-body'];
	const implied = file !== undefined ? 'PUT' : json !== undefined || form !== undefined ? 'POST' : 'GET';
	if (method && method !== implied) words.push('-X', method);
	if (needsToken) words.push('-H', '"Authorization: Bearer $EMUD_TOKEN"');
	for (const [name, value] of Object.entries(headers)) words.push('-H', quote(`${name}: ${value}`));
	// -T takes [1-3] and {a,b} in a name for several files.
	if (file !== undefined && /[[\]{}]/.test(file)) words.push('-g');
	if (file !== undefined) words.push('-T', quote(fileName(file)));
	if (json !== undefined) words.push('-H', quote('Content-Type: application/json'), '-d', stored ? quoteStored(json, stored.file) : quote(JSON.stringify(json)));
	// Not -F, which would end at a ";" in it.
	if (form && form.spec !== undefined) words.push('--form-string', quote(`spec=${JSON.stringify(form.spec)}`));
	if (form) words.push('-F', quote(`file=@${formFile(form.file)}`));
	words.push(quote(url));
	return [...(stored ? [curlCommand({ url: stored.url, form: { file: stored.file }, needsToken })] : []), words.join(' ')].join(' && ');
}
