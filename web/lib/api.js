// The HTTP API: requests, problems, and the session that a 401 asks for. No DOM.

import { capital } from './format.js';

/**
 * @typedef {{code: number | null, signal: string | null, reason: string, detail: string | null}} Exit
 * @typedef {{kind: string, type: string, host?: string, port?: number, path?: string}} Channel
 * @typedef {{path?: string, sha256?: string}} FileName
 * @typedef {{id: string, path: string, adopted?: boolean, target: string, emulator: string, state: string, paused_by: string | null,
 *   start_number: number, file: FileName | null, args: string[], labels: Record<string, string>, created_at: string,
 *   started_at: string | null, ended_at: string | null, exit: Exit | null, channels: Record<string, Channel>,
 *   processes: Record<string, {pid: number}>, gdb: {remote: string | null, command: string[]} | null, command: string[] | null}} Instance
 * @typedef {{suite: string, name: string, result: 'passed' | 'failed' | 'skipped' | 'error', duration?: number, message?: string}} TestCase
 * @typedef {{kind: 'pass' | 'fail', pattern: string, text: string, start: number, end: number}} Matched
 * @typedef {{id: string, state: 'queued' | 'running' | 'ended', queue_position: number | null, verdict: string | null,
 *   reason: string | null, detail: string | null, duration: number | null, target: string, emulator: string,
 *   file: FileName | null, args: string[], channel: string | null, pass: string[], fail: string[], timeout: number,
 *   idle_timeout: number | null, queue_timeout: number, input?: {expect?: string, send?: string, send_base64?: string}[], detach: boolean, labels: Record<string, string>, actor: string | null, rerun_of: string | null,
 *   instance: string | null, created_at: string, started_at: string | null, ended_at: string | null, exit: Exit | null,
 *   matched: Matched | null, output_bytes: number, first_offset: number, command: string[] | null,
 *   tests?: TestCase[], test_counts?: Record<string, number>, versions: {emud: string, emulator: string | null},
 *   configuration?: any}} Run
 * @typedef {{name: string, emulator: string, emulators: string[], machine: string | null, executable: string | null,
 *   available: boolean, unavailable_reason: string | null, firmware_machine?: string | null,
 *   channels: Record<string, {kind: string, type: string, tied_to: string | null}> | null, gdb: string[], source: string}} Target
 * @typedef {{sha256: string, size: number, name: string, kind: string, machine: string | null, entry: string | null,
 *   created_at: string}} StoredFile
 */

/** What the page only asks, emud answers at once, and within that what it is to do, where no other time is asked for. No answer by then is as good as none. */
export const ANSWER_MS = 30_000;

/** Clocks of computers that tell the same time differ by less. */
const CLOCK_MS = 2000;

/** Actions whose outcome is a state, which events tell: nobody waits for the answer. The others only their answer tells. */
const TOLD_BY_STATE = ['start', 'stop', 'restart', 'delete'];

/** An answer that is an RFC 9457 problem, or one that cannot be read. */
export class Problem extends Error {
	/**
	 * @param {number} status
	 * @param {string} code
	 * @param {string} detail
	 * @param {{pointer: string, detail: string}[]} [errors] which fields are at fault
	 */
	constructor(status, code, detail, errors = []) {
		super(detail);
		this.status = status;
		this.code = code;
		this.errors = errors;
		/** @type {string | null} what is there nevertheless: the instance that failed to start */
		this.location = null;
		/** @type {Record<string, any>} what else is told of it, as the answer has it */
		this.members = {};
	}
}

/**
 * @param {number} status
 * @param {any} body as far as it is there
 * @param {string | null} [location] the header
 */
export function problemFrom(status, body, location = null) {
	const problem = new Problem(status, body?.code ?? 'unknown', body?.detail ?? `emud answered ${status}`, body?.errors ?? []);
	problem.location = location;
	problem.members = body ?? {};
	return problem;
}

/** @returns {never} */
function failUnreachable() {
	throw new Problem(0, 'unreachable', 'emud does not answer: it may be down, or the network.');
}

/** @param {unknown} error */
export const isUnanswered = (error) => error instanceof Problem && error.status === 0;

/** What a user asked for is told when emud is back, too: in words that say what it was. @param {string} what */
export const unanswered = (what) => new Problem(0, 'unreachable', `${what} had no answer: whether it was done shows when emud is back.`);

/** @param {string} action @param {string} whose */
export const unansweredAction = (action, whose) => unanswered(`${capital(action)} of ${whose}`);

/** A part of some output. @param {unknown} error @returns {never} */
export function failPart(error) {
	throw isUnanswered(error) ? new Problem(0, 'unreachable', 'That part of the output did not come: emud did not answer.') : error;
}

/** The bytes of such a part. @param {Response} response */
export const readBytes = async (response) => new Uint8Array(await response.arrayBuffer().catch(failUnreachable).catch(failPart));

/** @param {Response} response */
const readProblem = async (response) =>
	problemFrom(response.status, await response.json().catch(() => ({})), response.headers.get('location'));

/** @param {...string} segments */
export const apiPath = (...segments) => '/v1/' + segments.map(encodeURIComponent).join('/');

export class Api {
	/**
	 * @param {(refused: boolean, signal: AbortSignal) => Promise<string | null>} askToken resolves to a token; refused tells that the one
	 *   before was wrong; null when the signal says that none is needed any more
	 */
	constructor(askToken) {
		this.askToken = askToken;
		/** @type {Promise<void> | null} */
		this.signingIn = null;
		/** Of the question that is asked: aborted when there is a session. */
		this.answered = new AbortController();
		/** As far as is known: learnGuard() tells when it is. */
		this.isGuarded = false;
		/** @type {Promise<unknown> | null} */
		this.guard = null;
		/** By how many ms emud's clock is ahead of this one's, where that matters. */
		this.ahead = 0;
		/** Of what was begun since the connection stood last, and has no deadline: aborted when it will have no answer any more. */
		this.begun = new AbortController();
	}

	/** A lost connection is back. What was begun before may hang for good, or be well where only the events were cut off: it has the time of one that is begun now. */
	noteReturn() {
		const { begun } = this;
		this.begun = new AbortController();
		setTimeout(() => begun.abort(), ANSWER_MS);
	}

	/** By emud's clock, which all its times are of: ms since 1970. */
	now() {
		return Date.now() + this.ahead;
	}

	/** @param {Response} response @param {number} askedAt */
	noteTime(response, askedAt) {
		const date = Date.parse(response.headers.get('date') ?? '');
		// It was answered in that second, between the question and now.
		const [least, most] = [date - Date.now(), date + 1000 - askedAt];
		if (this.ahead < least - CLOCK_MS) this.ahead = least;
		else if (this.ahead > most + CLOCK_MS) this.ahead = most;
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @param {unknown} [json] the body
	 * @param {number} [deadlineMs]
	 * @param {(response: Response) => Promise<any>} [read] the answer's JSON
	 * @returns {Promise<any>} the answer's JSON, or null where it has none
	 */
	async request(method, path, json, deadlineMs = method === 'GET' ? ANSWER_MS : undefined, read = (response) => response.json()) {
		try {
			const response = await this.fetch(path, {
				method,
				headers: { accept: 'application/json', ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
				body: json === undefined ? undefined : JSON.stringify(json),
			}, deadlineMs);
			return response.status === 204 ? null : await read(response).catch(failUnreachable);
		} catch (error) {
			throw method !== 'GET' && isUnanswered(error) ? unanswered('What was asked for') : error;
		}
	}

	/**
	 * @param {string} path
	 * @param {RequestInit} [init] with a signal where it may go on for ever
	 * @param {number} [deadlineMs] until the whole answer is there; none: as long as the connection holds
	 * @returns {Promise<Response>} one that is well; others are thrown as a Problem
	 */
	async fetch(path, init = {}, deadlineMs = undefined) {
		for (;;) {
			const signal = init.signal ?? (deadlineMs === undefined ? this.begun.signal : AbortSignal.timeout(deadlineMs));
			const askedAt = Date.now();
			const response = await fetch(path, { cache: 'no-cache', ...init, signal }).catch(failUnreachable);
			this.noteTime(response, askedAt);
			if (response.ok) return response;
			if (response.status !== 401) throw await readProblem(response);
			await this.askToSignIn();
		}
	}

	/** Several requests may fail at once: one question serves them all. */
	askToSignIn() {
		this.signingIn ??= this.signIn().finally(() => (this.signingIn = null));
		return this.signingIn;
	}

	/** Where a token is still asked for, that is done with. */
	noteSession() {
		this.answered.abort();
	}

	/** Each tab asks; what is answered in one holds for all of them. */
	async signIn() {
		this.answered = new AbortController();
		const { signal } = this.answered;
		const tabs = new BroadcastChannel('emud session');
		tabs.onmessage = () => this.noteSession();
		try {
			for (let refused = false; ; refused = true) {
				const token = await this.askToken(refused, signal);
				if (token === null) return;
				const response = await fetch('/v1/session', {
					method: 'POST',
					headers: { 'content-type': 'application/json' },
					body: JSON.stringify({ token }),
					signal: AbortSignal.timeout(ANSWER_MS),
				}).catch(failUnreachable);
				this.isGuarded ||= response.ok;
				if (response.ok) return tabs.postMessage('signed in');
				if (response.status !== 401) throw await readProblem(response);
			}
		} finally {
			tabs.close();
		}
	}

	/**
	 * Every page of a list.
	 * @param {string} path with its filters
	 * @param {string} key the list's name in the answer
	 * @param {number} [most] no more than that
	 * @returns {Promise<any[]>}
	 */
	async list(path, key, most = Infinity) {
		/** @type {any[]} */
		const items = [];
		const separator = path.includes('?') ? '&' : '?';
		let cursor = '';
		for (;;) {
			const page = await this.request('GET', `${path}${separator}limit=${Math.min(1000, most - items.length)}${cursor}`);
			items.push(...page[key]);
			if (page.next_cursor === null || items.length >= most) return items;
			cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
		}
	}

	/** @returns {Promise<Instance[]>} */
	listInstances() {
		return this.list('/v1/instances', 'instances');
	}

	/** The newest. @returns {Promise<Run[]>} */
	listRuns(query = '') {
		return this.list(`/v1/runs${query}`, 'runs', 200);
	}

	/** @returns {Promise<Target[]>} */
	listTargets() {
		return this.list('/v1/targets', 'targets');
	}

	/** @returns {Promise<StoredFile[]>} */
	listFiles() {
		return this.list('/v1/files', 'files');
	}

	/** Whether a command line needs a token here, which this page may have as its session. Asked once, and again where it could not be told. */
	learnGuard() {
		this.guard ??= this.request('GET', '/v1/version').then(({ features }) => (this.isGuarded = features.includes('tokens')), () => (this.guard = null));
		return this.guard;
	}

	/** @param {string} sha256 */
	deleteFile(sha256) {
		return this.request('DELETE', apiPath('files', sha256));
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
	 * @returns {Promise<Run>}
	 */
	getRun(id) {
		return this.request('GET', apiPath('runs', id));
	}

	/**
	 * Answers as soon as it is under way, where events tell what comes of it.
	 * @param {string} id
	 * @param {string} action
	 * @returns {Promise<Instance | null>} as it is then; null: it is gone
	 */
	async ask(id, action) {
		const isDelete = action === 'delete';
		const path = apiPath('instances', id, ...(isDelete ? [] : [action]));
		const line = TOLD_BY_STATE.includes(action) ? { path: `${path}?wait=false`, deadlineMs: ANSWER_MS } : { path };
		try {
			const instance = await this.request(isDelete ? 'DELETE' : 'POST', line.path, undefined, line.deadlineMs);
			// One that has ended and is still there could not be removed: why, no event tells.
			return isDelete && instance && instance.state !== 'stopping' ? await this.deleteInstance(id) : instance;
		} catch (error) {
			throw isUnanswered(error) ? unansweredAction(action, id) : error;
		}
	}

	/**
	 * Answers when it is done.
	 * @param {string} id
	 * @param {string} action
	 * @param {unknown} [json]
	 * @returns {Promise<Instance>}
	 */
	act(id, action, json) {
		return this.request('POST', apiPath('instances', id, action), json);
	}

	/** Answers when it is gone. @param {string} id */
	deleteInstance(id) {
		return this.request('DELETE', apiPath('instances', id));
	}
}
