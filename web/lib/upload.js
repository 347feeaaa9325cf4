// A request whose body may be long: tells how far it is, can be cancelled. No DOM.

import { ANSWER_MS, Problem, problemFrom, unanswered } from './api.js';

/** @typedef {{loaded: number, total: number}} Progress bytes */

/** How it begins; a folder that was dropped looks like a file until then. @param {File} file @param {number} bytes */
export const readStart = (file, bytes) => file.slice(0, bytes).arrayBuffer().catch(() => {
	throw new Error(`${file.name} cannot be read: it may be a folder, or gone.`);
});

/**
 * @param {import('./api.js').Api} api asked to sign in where that is needed; then it begins again
 * @param {string} path
 * @param {Blob | FormData} body
 * @param {{method?: string, headers?: Record<string, string>, onProgress?: (progress: Progress) => void, signal?: AbortSignal}} [options]
 * @returns {Promise<{status: number, json: any, location: string | null}>} other than a Problem, it throws the signal's reason
 */
export async function upload(api, path, body, options = {}) {
	for (;;) {
		const answer = await send(api, path, body, options);
		if (answer.status >= 200 && answer.status < 300) return answer;
		if (answer.status !== 401) throw problemFrom(answer.status, answer.json, answer.location);
		await api.askToSignIn();
		options.signal?.throwIfAborted();
	}
}

/** @param {string} text */
function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/**
 * @param {import('./api.js').Api} api
 * @param {string} path
 * @param {Blob | FormData} body
 * @param {{method?: string, headers?: Record<string, string>, onProgress?: (progress: Progress) => void, signal?: AbortSignal}} options
 * @returns {Promise<{status: number, json: any, location: string | null}>}
 */
function send(api, path, body, { method = 'POST', headers = {}, onProgress, signal }) {
	return new Promise((resolve, reject) => {
		signal?.throwIfAborted();
		const request = new XMLHttpRequest();
		const over = new AbortController();
		const abort = () => request.abort();
		let movedAt = Date.now();
		// Of those that were begun before the connection was lost, what has moved since is well.
		const endWhenStuck = () => api.begun.signal.addEventListener('abort', () => (Date.now() - movedAt < ANSWER_MS ? endWhenStuck() : abort()), { signal: over.signal });
		request.open(method, path);
		request.setRequestHeader('accept', 'application/json');
		for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
		request.upload.onprogress = ({ loaded, total }) => {
			movedAt = Date.now();
			onProgress?.({ loaded, total });
		};
		request.onload = () => resolve({ status: request.status, json: parse(request.responseText), location: request.getResponseHeader('location') });
		request.onerror = () => reject(new Problem(0, 'unreachable', 'The connection to emud was lost. It may be down, or the file could not be read to its end.'));
		request.onabort = () => reject(signal?.reason ?? unanswered('The upload'));
		request.onloadend = () => over.abort();
		signal?.addEventListener('abort', abort, { signal: over.signal });
		endWhenStuck();
		request.send(body);
	});
}
