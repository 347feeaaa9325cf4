// The HTTP API: requests, problems, and the session that a 401 asks for. No DOM.

/**
 * @typedef {{id: string, target: string, state: string, start_number: number,
 *   channels: Record<string, {kind: string, type: string}>,
 *   exit: null | {reason: string, code: number | null, signal: string | null}}} Instance
 */

/** An answer that is an RFC 9457 problem, or one that cannot be read. */
export class Problem extends Error {
	/**
	 * @param {number} status
	 * @param {string} code
	 * @param {string} detail
	 */
	constructor(status, code, detail) {
		super(detail);
		this.status = status;
		this.code = code;
	}
}

/** @param {Response} response */
async function readProblem(response) {
	const body = await response.json().catch(() => ({}));
	return new Problem(response.status, body.code ?? 'unknown', body.detail ?? `${response.status} ${response.statusText}`);
}

/** @param {...string} segments */
export const apiPath = (...segments) => '/v1/' + segments.map(encodeURIComponent).join('/');

export class Api {
	/**
	 * @param {(refused: boolean) => Promise<string>} askToken resolves to a token; refused tells that the one before was wrong
	 */
	constructor(askToken) {
		this.askToken = askToken;
		/** @type {Promise<void> | null} */
		this.signingIn = null;
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @returns {Promise<any>} the answer's JSON, or null where it has none
	 */
	async request(method, path) {
		for (;;) {
			const response = await fetch(path, { method, cache: 'no-cache', headers: { accept: 'application/json' } });
			if (response.ok) return response.status === 204 ? null : response.json();
			if (response.status !== 401) throw await readProblem(response);
			// Several requests may fail at once: one question serves them all.
			this.signingIn ??= this.signIn().finally(() => (this.signingIn = null));
			await this.signingIn;
		}
	}

	async signIn() {
		for (let refused = false; ; refused = true) {
			const token = await this.askToken(refused);
			const response = await fetch('/v1/session', {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ token }),
			});
			if (response.ok) return;
			if (response.status !== 401) throw await readProblem(response);
		}
	}

	/** @returns {Promise<Instance[]>} */
	async listInstances() {
		/** @type {Instance[]} */
		const instances = [];
		let query = '';
		for (;;) {
			const page = await this.request('GET', `/v1/instances?limit=1000${query}`);
			instances.push(...page.instances);
			if (page.next_cursor === null) return instances;
			query = `&cursor=${encodeURIComponent(page.next_cursor)}`;
		}
	}

	/**
	 * @param {string} id
	 * @returns {Promise<Instance>}
	 */
	getInstance(id) {
		return this.request('GET', apiPath('instances', id));
	}

	/**
	 * @param {string} id
	 * @param {string} action
	 */
	act(id, action) {
		return this.request('POST', apiPath('instances', id, action));
	}

	/** @param {string} id */
	deleteInstance(id) {
		return this.request('DELETE', apiPath('instances', id));
	}
}
