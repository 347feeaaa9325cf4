// What the form of a run says: as the API's spec, as a curl line, and back from a record.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { curlCommand } from '../../web/lib/curl.js';
import { checkArgs, readArgs, tellArgs } from '../../web/lib/instance_spec.js';
import { checkSteps, describeRun, escapeText, findFault, formOf, makeRunSpec, readRunPrefill, unescapeText } from '../../web/lib/run_form.js';

const bytesOf = (/** @type {string} */ text) => [...unescapeText(text)];
const prefill = (/** @type {string} */ query) => readRunPrefill(new URLSearchParams(query));

test('an empty form says its target alone', () => {
	assert.deepEqual(makeRunSpec(prefill('target=board')), { target: 'board' });
});

test('a full form says everything, as the API takes it', () => {
	const form = prefill('target=board&emulator=other&channel=serial1&file=/srv/a.elf&pass=PASSED&pass=a%20b&fail=FAILED&timeout=60&idle_timeout=1.5&queue_timeout=0&arg=-v&label=team=boot=x');
	form.input = [{ expect: '> $', send: 'run\\n' }, { expect: '', send: '' }, { expect: '', send: '\\xff\\x00' }];
	assert.deepEqual(makeRunSpec(form), {
		target: 'board', emulator: 'other', file: '/srv/a.elf', channel: 'serial1', args: ['-v'], pass: ['PASSED', 'a b'], fail: ['FAILED'],
		timeout: 60, idle_timeout: 1.5, queue_timeout: 0, input: [{ expect: '> $', send: 'run\n' }, { send_base64: '/wA=' }], labels: { team: 'boot=x' },
	});
});

test('what is no number is sent as it was typed, for emud to refuse', () => {
	assert.equal(makeRunSpec({ ...prefill('target=b'), timeout: 'soon' }).timeout, 'soon');
});

test('escapes stand for bytes, and back', () => {
	assert.deepEqual(bytesOf('a\\n\\r\\t\\e\\0\\\\\\x41ü'), [97, 10, 13, 9, 27, 0, 92, 65, 0xc3, 0xbc]);
	for (const text of ['plain', 'a\nb\r\n', 'back\\slash', '\x00\x07\x1b[0m', 'ü \u{1f600}', '']) assert.deepEqual(bytesOf(escapeText(text)), [...new TextEncoder().encode(text)]);
	assert.throws(() => unescapeText('a\\q'), /\\q stands for nothing/);
	assert.throws(() => unescapeText('end\\'), /stands for nothing/);
	assert.throws(() => unescapeText('\\x4'), /\\x stands for nothing/);
});

test('what JSON cannot bear is sent as bytes', () => {
	const input = [{ expect: '', send: 'a\\0' }, { expect: '', send: 'a' }];
	assert.deepEqual(makeRunSpec({ ...readRunPrefill(new URLSearchParams()), input }).input, [{ send_base64: 'YQA=' }, { send: 'a' }]);
});

test('a wrong escape is told where it is', () => {
	assert.deepEqual(checkSteps([{ expect: '', send: '' }, { expect: '', send: 'ok' }, { expect: 'x', send: '\\q' }]).map(({ pointer }) => pointer), ['/input/1/send']);
});

test('a firmware that is sent goes with a query where that can say it, else as a form', () => {
	const url = 'http://lab:3683/v1/runs';
	const spec = makeRunSpec(prefill('target=board&pass=a%26b%20%2Bc&fail=F&timeout=60&label=commit=4f'));
	const line = curlCommand(describeRun(url, { ...spec, strict: true }, 'fw.elf'));
	assert.equal(line, `curl --fail-with-body -T fw.elf 'http://lab:3683/v1/runs?target=board&pass=a%26b%20%2Bc&fail=F&timeout=60&strict=true&label=commit:4f'`);
	assert.deepEqual(describeRun(url, spec, null), { url, json: spec });
	const withInput = { ...spec, input: [{ send: 'x' }] };
	assert.deepEqual(describeRun(url, withInput, 'fw.elf'), { url, form: { spec: withInput, file: 'fw.elf' } });
	assert.ok(describeRun(url, { ...spec, labels: { 'a:b': 'c' } }, 'fw.elf').form);
	assert.ok(describeRun(url, { ...spec, pass: ['x'.repeat(3000)] }, 'fw.elf').form);
});

test('a record makes the form that would have made it', () => {
	const record = /** @type {any} */ ({
		target: 'board', emulator: 'first', channel: 'serial0', file: { path: '/srv/a.elf', sha256: 'ab' }, pass: ['P', 'Q\\d'], fail: [], args: ['-v'],
		timeout: 60, idle_timeout: null, queue_timeout: 3600, labels: { team: 'boot' }, input: [{ expect: '>', send: 'a\n' }, { send_base64: '/wA=' }],
	});
	const form = formOf(record);
	assert.deepEqual(form.input, [{ expect: '>', send: 'a\\n' }, { expect: '', send: '\\xff\\x00' }]);
	assert.deepEqual(makeRunSpec(form), {
		target: 'board', emulator: 'first', file: '/srv/a.elf', channel: 'serial0', args: ['-v'], pass: ['P', 'Q\\d'], timeout: 60, queue_timeout: 3600,
		labels: { team: 'boot' }, input: record.input,
	});
	assert.equal(formOf({ ...record, file: { sha256: 'ab' } }).file, 'sha256:ab');
	assert.equal(formOf({ ...record, file: null }).file, null);
});

test('what no line can hold stands as JSON, and comes back as it was', () => {
	const plain = ['-a', ' b ', '"c"', '\\n'];
	assert.equal(tellArgs(plain), '-a\n b \n"c"\n\\n', 'what fits stands as it is');
	for (const list of [plain, [], [''], [' '], ['-append', 'first\n second', '-name', ''], ['a\rb', 'c\r\n'], ['""', '', '"', '"a\nb"', '\\n']])
		assert.deepEqual(readArgs(tellArgs(list), list).args, list, JSON.stringify(list));
	for (const line of tellArgs(['a\rb', 'c\r\nd', '']).split('\n')) assert.match(line, /^"[^\r\n]*"$/);
});

test('a list that has lines as JSON is edited, and quotes that are none are told', () => {
	const before = ['-append', 'first\n second', ''];
	assert.deepEqual(readArgs('-append\n\n"first\\n third"\nit\'s "here"\n""\n', before).args, ['-append', 'first\n third', 'it\'s "here"', '']);
	assert.deepEqual(readArgs('', before).args, []);
	assert.deepEqual(checkArgs('args', '-append\n\n"first', before).map(({ pointer }) => pointer), ['/args/1']);
	assert.deepEqual(readArgs('-append\n\n"first', before).lines, [1, 3]);
	assert.deepEqual(checkArgs('args', tellArgs(before), before), []);
	// Elsewhere a quote is a quote.
	assert.deepEqual([readArgs('"a"\n"b', ['c']).args, checkArgs('args', '"b', ['c'])], [['"a"', '"b'], []]);
});

test('what no line of a form can hold comes back from a record as it was', () => {
	const record = /** @type {any} */ ({
		target: 'board', emulator: 'first', channel: null, file: null, pass: ['Hello\nnever printed', ' '], fail: ['a\r'], args: ['-append', 'first\n second', ''],
		timeout: 2, idle_timeout: null, queue_timeout: 3600, labels: { a: 'b\nc' }, input: [{ expect: 'one\ntwo', send: 'x' }],
	});
	const { pass, fail, args, labels, input } = makeRunSpec(formOf(record));
	assert.deepEqual({ pass, fail, args, labels, input }, { pass: record.pass, fail: record.fail, args: record.args, labels: record.labels, input: record.input });
	const ofAddress = makeRunSpec(prefill('target=board&pass=a%0Ab&pass=&arg=-append&arg='));
	assert.deepEqual(ofAddress, { target: 'board', pass: ['a\nb'], args: ['-append', ''] });
});

test('the place of a fault is found behind empty lines and wide characters', () => {
	const text = 'first\n\nü(b\n';
	assert.equal(findFault(text, { place: '1', detail: 'missing closing parenthesis, at offset 4' }), text.indexOf('(b') + 2);
	assert.equal(findFault(text, { place: '1', detail: 'it is too long' }), null);
	assert.equal(findFault(text, { place: '', detail: 'at offset 1' }), null);
	assert.equal(findFault('first\n"(b\\n"\n', { place: '1', detail: 'at offset 3' }, ['(b\n']), 'first\n'.length, 'in quotes it is its line');
	assert.equal(findFault('first\n(b', { place: '1', detail: 'at offset 1' }, ['(b\n']), 'first\n('.length);
});
