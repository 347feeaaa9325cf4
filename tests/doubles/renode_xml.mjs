// XML-RPC as the recorded robot port speaks it: each element on a line of its own, carriage returns raw.

const escape = (/** @type {unknown} */ text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const unescape = (/** @type {string} */ text) =>
	text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#13;', '\r').replaceAll('&amp;', '&');

/** @param {unknown} value @returns {string} */
function encodeValue(value) {
	if (typeof value === 'number') return `<value>\n<int>${value}</int>\n</value>`;
	if (Array.isArray(value)) return `<value>\n<array>\n<data>\n${value.map(encodeValue).join('\n')}\n</data>\n</array>\n</value>`;
	if (typeof value === 'object' && value) {
		const members = Object.entries(value).filter(([, member]) => member !== undefined)
			.map(([name, member]) => `<member>\n<name>${name}</name>\n${encodeValue(member)}\n</member>`);
		return `<value>\n<struct>\n${members.join('\n')}\n</struct>\n</value>`;
	}
	return value === '' ? '<value>\n<string />\n</value>' : `<value>\n<string>${escape(value)}</string>\n</value>`;
}

/** @param {unknown} value */
export const encodeResult = (value) =>
	`<?xml version="1.0"?>\n<methodResponse>\n<params>\n<param>\n${encodeValue(value)}\n</param>\n</params>\n</methodResponse>\n`;

/** @param {number} code @param {string} text */
export const encodeFault = (code, text) =>
	`<?xml version="1.0"?>\n<methodResponse>\n<fault>\n${encodeValue({ faultCode: code, faultString: text })}\n</fault>\n</methodResponse>\n`;

/** The call's method, and its parameters: strings, and arrays of them. @param {string} body */
export function decodeCall(body) {
	const method = unescape(/<methodName>([^<]*)<\/methodName>/.exec(body)?.[1] ?? '');
	const params = [...body.matchAll(/<param>(.*?)<\/param>/gs)].map(([, param]) => {
		const strings = [...param.matchAll(/<string>([^<]*)<\/string>/g)].map(([, text]) => unescape(text));
		return param.includes('<array>') ? strings : strings[0];
	});
	return { method, params };
}
