// Which view an address names: #/instances/demo/consoles -> the view, its parameters, its query. No DOM.

/**
 * @param {string} hash
 * @param {string[]} patterns "/instances/:id/:tab"; the first that fits; a segment ending with "?" may be missing
 * @returns {{pattern: string, parameters: Record<string, string>, query: URLSearchParams} | null}
 */
export function matchRoute(hash, patterns) {
	const [path, search = ''] = hash.replace(/^#/, '').split('?');
	const segments = path.split('/').filter(Boolean);
	for (const pattern of patterns) {
		const parameters = matchSegments(segments, pattern.split('/').filter(Boolean));
		if (parameters) return { pattern, parameters, query: new URLSearchParams(search) };
	}
	return null;
}

/**
 * @param {string[]} segments
 * @param {string[]} wanted
 */
function matchSegments(segments, wanted) {
	/** @type {Record<string, string>} */
	const parameters = {};
	if (segments.length > wanted.length) return null;
	for (const [index, name] of wanted.entries()) {
		const segment = segments[index];
		if (segment === undefined && name.endsWith('?')) continue;
		if (segment === undefined) return null;
		if (name.startsWith(':')) parameters[name.replace(/^:|\?$/g, '')] = decode(segment);
		else if (name !== segment) return null;
	}
	return parameters;
}

/** @param {string} segment */
function decode(segment) {
	try {
		return decodeURIComponent(segment);
	} catch {
		return segment;
	}
}

/** @param {...string} segments */
export const route = (...segments) => '#/' + segments.map(encodeURIComponent).join('/');
