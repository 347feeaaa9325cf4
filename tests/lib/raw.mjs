// HTTP by hand, for what no proper client sends.

import net from 'node:net';

import { checkAnswer } from './contract.mjs';
import { within } from './deadline.mjs';

/**
 * Sends bytes and gives the first answer, and whether the connection was closed after it.
 * @param {{port: number}} emud
 * @param {string | Buffer} bytes
 * @param {{method?: string, target?: string, byLibrary?: boolean}} [sent] what the answer is checked as; byLibrary:
 * libmicrohttpd gives up on the request before emud sees it, and answers by itself
 */
export async function exchangeRaw(emud, bytes, { method = 'GET', target = '/v1/version', byLibrary = false } = {}) {
	const socket = net.connect(emud.port, '127.0.0.1');
	let received = '';
	let closed = false;
	const answered = new Promise((resolve, reject) => {
		socket.setEncoding('latin1');
		socket.on('data', (text) => {
			received += text;
			const answer = parseAnswer(received);
			if (answer) resolve(answer);
		});
		socket.on('close', () => {
			closed = true;
			const answer = parseAnswer(received);
			if (answer) resolve(answer);
			else reject(new Error(`closed without an answer: ${JSON.stringify(received)}`));
		});
		socket.on('error', (error) => received || reject(error));
		socket.write(bytes);
	});
	try {
		const answer = await within(answered, 'an answer');
		if (!byLibrary) checkAnswer(method, target, answer);
		return { ...answer, closed };
	} finally {
		socket.destroy();
	}
}

/**
 * @param {string} text
 * @returns {import('./contract.mjs').Answer | null} null: not whole yet
 */
function parseAnswer(text) {
	const end = text.indexOf('\r\n\r\n');
	if (end < 0) return null;
	const [statusLine, ...lines] = text.slice(0, end).split('\r\n');
	/** @type {Record<string, string>} */
	const headers = {};
	for (const line of lines) {
		const colon = line.indexOf(':');
		headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
	}
	const body = headers['transfer-encoding'] === 'chunked' ? joinChunks(text.slice(end + 4)) : text.slice(end + 4);
	if (body === null || body.length < Number(headers['content-length'] ?? 0)) return null;
	const bytes = Buffer.from(body, 'latin1');
	const isJson = headers['content-type']?.includes('json');
	return { status: Number(statusLine.split(' ')[1]), headers, body: bytes, json: isJson ? JSON.parse(bytes.toString()) : undefined };
}

/**
 * @param {string} text
 * @returns {string | null} null: not whole yet
 */
function joinChunks(text) {
	let body = '';
	for (let rest = text; ; ) {
		const [head, digits] = /^([0-9a-fA-F]+)\r\n/.exec(rest) ?? [];
		const length = parseInt(digits ?? '', 16);
		if (head === undefined || rest.length < head.length + length + 2) return null;
		if (length === 0) return body;
		body += rest.slice(head.length, head.length + length);
		rest = rest.slice(head.length + length + 2);
	}
}
