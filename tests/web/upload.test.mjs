// Uploads, ELF headers, curl lines and what forms make: the modules without DOM.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Api, Problem } from '../../web/lib/api.js';
import { actOnAll } from '../../web/lib/bulk_action.js';
import { curlCommand, quote } from '../../web/lib/curl.js';
import { fitsMachine, readElfHeader } from '../../web/lib/elf.js';
import { checkLabels, makeSpec, readArgs, readPrefill } from '../../web/lib/instance_spec.js';
import { createRefresh, followList } from '../../web/lib/live_list.js';
import { Store } from '../../web/lib/store.js';
import { readStart, upload } from '../../web/lib/upload.js';
import { holdTime } from '../lib/clock.mjs';
import { firmware } from '../lib/firmware.mjs';

/** @param {Buffer} bytes */
const toArrayBuffer = (bytes) => /** @type {ArrayBuffer} */ (bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** @param {{is64?: boolean, isBig?: boolean, machine: number, entry: bigint}} header */
function makeHeader({ is64 = false, isBig = false, machine, entry }) {
	const view = new DataView(new ArrayBuffer(64));
	view.setUint32(0, 0x7f454c46);
	view.setUint8(4, is64 ? 2 : 1);
	view.setUint8(5, isBig ? 2 : 1);
	view.setUint8(6, 1);
	view.setUint16(18, machine, !isBig);
	if (is64) view.setBigUint64(24, entry, !isBig);
	else view.setUint32(24, Number(entry), !isBig);
	return view.buffer;
}

test('an ELF header is read in both sizes and byte orders', () => {
	assert.deepEqual(readElfHeader(makeHeader({ machine: 40, entry: 0xe9n })), { kind: 'elf32', machine: 'ARM', entry: 0xe9n });
	assert.deepEqual(readElfHeader(makeHeader({ is64: true, machine: 243, entry: 0xffff_ffff_8000_0000n })),
		{ kind: 'elf64', machine: 'RISC-V', entry: 0xffff_ffff_8000_0000n });
	assert.deepEqual(readElfHeader(makeHeader({ isBig: true, machine: 8, entry: 0x8000_0000n })), { kind: 'elf32', machine: 'MIPS', entry: 0x8000_0000n });
	assert.equal(readElfHeader(makeHeader({ machine: 9999, entry: 0n }))?.machine, 'machine 9999');
});

test('a firmware\'s header is read, what is none is not, and what is not whole or not readable is damaged', () => {
	const bytes = readFileSync(firmware('hello'));
	assert.equal(readElfHeader(toArrayBuffer(bytes.subarray(0, 64)))?.machine, 'ARM');
	assert.equal(readElfHeader(toArrayBuffer(readFileSync(firmware('hello', 'riscv32-virt')).subarray(0, 64)))?.machine, 'RISC-V');
	const damaged = { kind: 'damaged', machine: null, entry: null };
	assert.equal(readElfHeader(toArrayBuffer(bytes.subarray(0, 52)))?.machine, 'ARM');
	for (const length of [4, 5, 13, 31, 51]) assert.deepEqual(readElfHeader(toArrayBuffer(bytes.subarray(0, length))), damaged, `${length} bytes`);
	assert.deepEqual(readElfHeader(makeHeader({ is64: true, machine: 62, entry: 0n }).slice(0, 63)), damaged);
	for (const place of [4, 5, 6]) {
		const odd = makeHeader({ machine: 40, entry: 0n });
		new DataView(odd).setUint8(place, 9);
		assert.deepEqual(readElfHeader(odd), damaged, `byte ${place}`);
	}
	assert.equal(readElfHeader(toArrayBuffer(bytes.subarray(0, 3))), null);
	assert.equal(readElfHeader(new ArrayBuffer(64)), null);
	assert.equal(readElfHeader(new ArrayBuffer(0)), null);
});

test('a firmware fits where its machine is one of those taken, or something is not known', () => {
	assert.equal(fitsMachine('AArch64,ARM', 'ARM'), true);
	assert.equal(fitsMachine('ARM', 'RISC-V'), false);
	assert.equal(fitsMachine('x86,x86-64', 'x86-64'), true);
	for (const [taken, machine] of [[null, 'ARM'], [undefined, 'ARM'], ['ARM', null]]) assert.equal(fitsMachine(taken, machine), true);
});

/** What a shell makes of a command line. @param {string} command */
const wordsOf = (command) =>
	execFileSync('sh', ['-c', command.replace(/^curl /, 'printf "%s\\0" ')], { env: { EMUD_TOKEN: 'of-the-shell' } }).toString().split('\0').slice(0, -1);

test('a shell gives curl exactly what was meant', () => {
	const nasty = 'it\'s "a"; $HOME `id` \\n @x\n<b>é';
	assert.equal(quote('plain-1.2/x'), 'plain-1.2/x');
	assert.deepEqual(wordsOf(curlCommand({ url: 'http://[::1]:1/v1/instances', json: { a: nasty } })),
		['--fail-with-body', '-H', 'Content-Type: application/json', '-d', JSON.stringify({ a: nasty }), 'http://[::1]:1/v1/instances']);
	assert.deepEqual(wordsOf(curlCommand({ url: 'u', needsToken: true, headers: { accept: nasty.replace('\n', '') } })).slice(1, 5),
		['-H', 'Authorization: Bearer of-the-shell', '-H', `accept: ${nasty.replace('\n', '')}`]);
});

test('what a terminal would act on, or that shows the rest as what it is not, is not in a command as it is', () => {
	for (const text of ['x\x1b[201~\ntouch /tmp/x\n', 'it\'s\ta "\\x41" \\\r', '\x7fa', '\u009b201~é', 'a\u202eb\u2028', '\x01']) {
		const quoted = quote(text);
		assert.doesNotMatch(quoted, /[\p{Cc}\u202e\u2028]/u);
		assert.equal(execFileSync('bash', ['-c', `printf %s ${quoted}`]).toString(), text);
	}
	assert.equal(quote('a\x1b[201~\n\'b\\'), `$'a\\x1b[201~\\x0a\\'b\\\\'`);
	assert.equal(quote('é b'), `'é b'`);
});

test('files are named as curl reads them', () => {
	const formWords = (/** @type {string} */ file) => wordsOf(curlCommand({ url: 'u', form: { spec: { args: ['a;b'] }, file } })).slice(1, -1);
	assert.deepEqual(formWords('blinky.elf'), ['--form-string', 'spec={"args":["a;b"]}', '-F', 'file=@blinky.elf']);
	assert.deepEqual(formWords('a;"b",\\.elf').at(-1), 'file=@"a;\\"b\\",\\\\.elf"');
	assert.deepEqual(formWords('-').at(-1), 'file=@./-');
	assert.deepEqual(wordsOf(curlCommand({ url: 'u', file: 'a[1].elf' })).slice(1), ['-g', '-T', 'a[1].elf', 'u']);
	assert.deepEqual(wordsOf(curlCommand({ url: 'u', file: '-', method: 'POST' })).slice(1), ['-X', 'POST', '-T', './-', 'u']);
	assert.deepEqual(wordsOf(curlCommand({ url: 'u', form: { file: 'x' } })).slice(1), ['-F', 'file=@x', 'u']);
	assert.deepEqual(wordsOf(curlCommand({ url: 'u', method: 'DELETE' })).slice(1), ['-X', 'DELETE', 'u']);
});

test('a spec says only what differs from the defaults', () => {
	const form = { target: 'board', emulator: '', id: '', args: '', paused: false, debug: false, start: true, labels: [], file: null, path: '' };
	assert.deepEqual(makeSpec(form), { target: 'board' });
	assert.deepEqual(makeSpec({ ...form, target: '', path: '/run/pw' }), { path: '/run/pw' });
	assert.deepEqual(makeSpec({
		...form, emulator: 'renode', id: 'x', args: ' -a\n\n-b ', paused: true, debug: true, start: false, file: 'sha256:1',
		labels: [{ key: 'a', value: '' }, { key: '', value: '' }],
	}), { target: 'board', emulator: 'renode', id: 'x', file: 'sha256:1', args: [' -a', '-b '], paused: true, debug: true, labels: { a: '' }, start: false });
	assert.deepEqual(readArgs('\n-a\n \n-b').lines, [2, 4]);
	assert.deepEqual(checkLabels([{ key: 'a', value: '1' }, { key: 'b', value: '' }, { key: 'a', value: '2' }]), [{ pointer: '/labels/a', detail: 'is there twice' }]);
});

test('an address fills a form', () => {
	assert.deepEqual(readPrefill(new URLSearchParams('target=t&file=sha256:1&arg=-a&arg=b c&label=k=v=w&paused=true&start=false&id=i&path=/p')), {
		target: 't', emulator: '', id: 'i', args: '-a\nb c', paused: true, debug: false, start: false, labels: [{ key: 'k', value: 'v=w' }], file: 'sha256:1', path: '/p',
	});
	assert.deepEqual(readPrefill(new URLSearchParams()).file, null);
});

/**
 * Stands in for the browser's XMLHttpRequest, one answer a request: a status with JSON, or how it fails.
 * @param {import('node:test').TestContext} t
 * @param {({status: number, json?: any, location?: string} | 'error' | 'nothing')[]} answers
 */
function answerWith(t, answers) {
	/** @type {any[]} */
	const requests = [];
	class Request {
		upload = /** @type {any} */ ({});
		open(/** @type {string[]} */ ...line) {
			Object.assign(this, { line, headers: {} });
			requests.push(this);
		}

		setRequestHeader(/** @type {string} */ name, /** @type {string} */ value) {
			/** @type {any} */ (this).headers[name] = value;
		}

		send(/** @type {any} */ body) {
			const self = /** @type {any} */ (this);
			self.body = body;
			const answer = answers.shift();
			queueMicrotask(() => {
				self.upload.onprogress?.({ loaded: 1, total: 2 });
				if (answer === 'nothing') return;
				if (answer === 'error') self.onerror();
				else Object.assign(self, { status: answer?.status, responseText: JSON.stringify(answer?.json) ?? '', getResponseHeader: () => answer?.location ?? null }).onload();
				self.onloadend();
			});
		}

		abort() {
			/** @type {any} */ (this).onabort();
		}
	}
	/** @type {any} */ (globalThis).XMLHttpRequest = Request;
	t.after(() => delete /** @type {any} */ (globalThis).XMLHttpRequest);
	return requests;
}

const BODY = /** @type {any} */ ('bytes');
const makeApi = (/** @type {object} */ parts) => /** @type {any} */ ({ begun: new AbortController(), ...parts });
const noApi = makeApi({});

test('what looks like a file and cannot be read is told as such', async () => {
	assert.equal(Buffer.from(await readStart(new File(['whole'], 'x'), 2)).toString(), 'wh');
	const folder = /** @type {any} */ ({ name: 'src', slice: () => ({ arrayBuffer: () => Promise.reject(new Error('NotFoundError')) }) });
	await assert.rejects(readStart(folder, 1), { message: 'src cannot be read: it may be a folder, or gone.' });
});

test('an upload tells its progress and its answer', async (t) => {
	const requests = answerWith(t, [{ status: 201, json: { id: 'x' } }]);
	/** @type {any[]} */
	const seen = [];
	const { status, json } = await upload(noApi, '/v1/x', BODY, { method: 'PUT', headers: { 'x-y': 'z' }, onProgress: (progress) => seen.push(progress) });
	assert.deepEqual([status, json, seen], [201, { id: 'x' }, [{ loaded: 1, total: 2 }]]);
	assert.deepEqual([requests[0].line, requests[0].headers, requests[0].body], [['PUT', '/v1/x'], { accept: 'application/json', 'x-y': 'z' }, 'bytes']);
});

test('an upload that is not allowed asks for the token once and begins again', async (t) => {
	const requests = answerWith(t, [{ status: 401 }, { status: 200, json: {} }]);
	let asked = 0;
	await upload(makeApi({ askToSignIn: async () => void asked++ }), '/v1/x', BODY);
	assert.deepEqual([asked, requests.length], [1, 2]);
});

test('a refused upload is a problem, with what is there nevertheless', async (t) => {
	answerWith(t, [{ status: 502, json: { code: 'start_failed', detail: 'no' }, location: '/v1/instances/x' }, { status: 500 }, 'error']);
	await assert.rejects(upload(noApi, '/v1/x', BODY), { status: 502, code: 'start_failed', message: 'no', location: '/v1/instances/x' });
	await assert.rejects(upload(noApi, '/v1/x', BODY), { status: 500, code: 'unknown', message: 'emud answered 500' });
	await assert.rejects(upload(noApi, '/v1/x', BODY), { status: 0, code: 'unreachable' });
});

test('an upload is cancelled, amid it or before', async (t) => {
	const requests = answerWith(t, ['nothing']);
	const cancelling = new AbortController();
	await assert.rejects(upload(noApi, '/v1/x', BODY, { signal: cancelling.signal, onProgress: () => cancelling.abort() }), { name: 'AbortError' });
	await assert.rejects(upload(noApi, '/v1/x', BODY, { signal: cancelling.signal }), { name: 'AbortError' });
	assert.equal(requests.length, 1);
});

test('of the uploads that were begun before the connection was lost, those end that have not moved since it is back', async (t) => {
	const clock = holdTime(t);
	const requests = answerWith(t, ['nothing', 'nothing']);
	const api = new Api(async () => null);
	/** @type {string[]} */
	const ended = [];
	for (const name of ['stuck', 'well']) void upload(api, `/v1/${name}`, BODY).catch((error) => ended.push(`${name}: ${error.status} ${error.message}`));
	await clock.pass(60_000);
	api.noteReturn();
	await clock.pass(20_000);
	requests[1].upload.onprogress({ loaded: 2, total: 2 });
	await clock.pass(20_000);
	assert.deepEqual(ended, ['stuck: 0 The upload had no answer: whether it was done shows when emud is back.']);
	// It is watched on.
	api.noteReturn();
	await clock.pass(40_000);
	assert.deepEqual(ended.map((words) => words.split(':')[0]), ['stuck', 'well']);
});

test('a question that had no answer is asked again after a while, one that was refused is not', async (t) => {
	const store = new Store(noApi);
	store.setConnection('connected');
	const clock = holdTime(t);
	const answers = [new Problem(0, 'unreachable', 'none'), new Problem(0, 'unreachable', 'none'), new Problem(404, 'not_found', 'gone'), 'there'];
	/** @type {unknown[]} */
	const told = [];
	const question = createRefresh(store, async () => {
		const answer = answers.shift();
		if (answer instanceof Problem) throw answer;
		return answer;
	}, { onLoad: (answer) => told.push(answer), onFault: (error) => told.push(/** @type {Problem} */ (error).status) });
	question.refresh();
	await clock.settle();
	assert.deepEqual(told, [0]);
	// What is asked while nobody is there has no answer either: who notices that the connection is back asks.
	store.setConnection('lost');
	await clock.pass(60_000);
	assert.deepEqual(told, [0]);
	store.setConnection('connected');
	question.refresh();
	await clock.pass(60_000);
	assert.deepEqual(told, [0, 0, 404]);
	question.refresh();
	await clock.settle();
	assert.deepEqual(told, [0, 0, 404, 'there']);
	question.stop();
});

test('an action on many that had no answer is told as such, with whose it was', async () => {
	const store = new Store(noApi);
	const api = /** @type {any} */ ({
		/** @param {string} id */
		async ask(id) {
			if (id.startsWith('b')) throw new Problem(0, 'unreachable', 'emud does not answer');
			if (id === 'c') throw new Problem(409, 'conflict', 'it has ended');
		},
	});
	const tell = async (/** @type {string[]} */ ids) => (await actOnAll({ api, store }, 'stop', ids, () => {})).map((fault) => (fault instanceof Problem ? fault.message : fault));
	assert.deepEqual(await tell(['a', 'c', 'b']), ['Stop of b had no answer: whether it was done shows when emud is back.', 'c: it has ended']);
	// All of them are told by one notice.
	assert.deepEqual(await tell(['a', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7']), ['Stop of b1, b2, b3, b4, b5 and 2 more had no answer: whether it was done shows when emud is back.']);
});

test('a list is loaded again for its events and a connection that is back, one question at a time', async () => {
	const store = new Store(noApi);
	/** @type {((list: number) => void)[]} */
	const asked = [];
	/** @type {number[]} */
	const shown = [];
	const turn = () => new Promise((resolve) => setImmediate(resolve));
	const stop = followList(store, 'files', () => new Promise((resolve) => asked.push(resolve)), { onLoad: (list) => shown.push(list), onFault: (error) => assert.fail(String(error)) });
	store.touch('files');
	await turn();
	assert.equal(asked.length, 1);
	asked[0](1);
	await turn();
	assert.equal(asked.length, 2);
	asked[1](2);
	await turn();
	assert.deepEqual(shown, [2]);
	store.setConnection('lost');
	await turn();
	store.setConnection('connected');
	await turn();
	assert.equal(asked.length, 3);
	stop();
	asked[2](3);
	store.touch('files');
	await turn();
	assert.deepEqual([asked.length, shown], [3, [2]]);
});
