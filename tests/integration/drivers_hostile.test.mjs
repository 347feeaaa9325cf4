// Drivers that hang, lie, flood and die: each harms its own instance alone, and the error names it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { MOCK_DRIVER, mockTarget } from '../lib/mock.mjs';
import { untilShimGone } from '../lib/shims.mjs';
import { StateDir } from '../lib/state_dir.mjs';

/** Longer than any error may take; the machine is shared. */
const SOON_MS = 1500;

const plan = (/** @type {object} */ answer) => ({ plan: { return: answer } });
const channel = (/** @type {string} */ name, /** @type {unknown} */ value) => plan({ command: ['true'], channels: { [name]: value } });

/** How the driver misbehaves, and the words in which it is told. @type {Record<string, [object, RegExp]>} */
const FAILING = {
	'hello-dies': [{ hello: 'die' }, /^the driver of mock has ended \(exit code 3\): mock-driver: told to die$/],
	'hello-is-killed': [{ hello: 'kill' }, /^the driver of mock has ended \(SIGKILL\)$/],
	'hello-of-another-protocol': [{ hello: { return: { protocol: 2, capabilities: [] } } }, /^the driver of mock speaks no protocol that this emud speaks/],
	'hello-without-capabilities': [{ hello: { return: { protocol: 1 } } }, /^the driver of mock told no list of its "capabilities"/],
	'hello-holds-without-resume': [{ capabilities: ['holds'] }, /^the driver of mock has the capability "holds" without "resume"/],
	'hello-closes': [{ hello: 'close' }, /^the driver of mock has closed its output/],
	'plan-dies': [{ plan: 'die' }, /^the driver of mock has ended \(exit code 3\): mock-driver: told to die$/],
	'plan-refuses': [{ plan: 'refuse' }, /^the driver of mock: the mock was told to refuse$/],
	'plan-floods': [{ plan: 'flood' }, /^the driver of mock said more than 1000 lines in a second that nobody asked for$/],
	'plan-is-long': [{ plan: 'long' }, /^the driver of mock said a line of more than 1048576 bytes$/],
	'plan-is-no-json': [{ plan: { say: 'Segmentation fault' } }, /^the driver of mock said a line that is not JSON: /],
	'plan-is-no-message': [{ plan: { say: '[1]' } }, /^the driver of mock said something that is no JSON object/],
	'plan-has-no-id': [{ plan: { say: '{"return":{}}' } }, /^the driver of mock gave a reply without the id of its request/],
	'plan-has-neither': [{ plan: { say: '{"id":$ID}' } }, /^the driver of mock said something that is neither an event nor a reply/],
	'plan-has-a-foreign-id': [{ plan: { say: '{"id":77,"return":{}}' } }, /^the driver of mock answered the request 77, which was never made/],
	'plan-has-an-empty-error': [{ plan: { say: '{"id":$ID,"error":{}}' } }, /^the driver of mock gave an error without a message/],
	'plan-is-a-string': [{ plan: { return: 'yes' } }, /^the driver of mock planned no "command" that is a list of strings/],
	'command-is-text': [plan({ command: 'true' }), /^the driver of mock planned no "command" that is a list of strings/],
	'command-is-empty': [plan({ command: [] }), /^the driver of mock planned no "command"/],
	'command-is-not-there': [plan({ command: ['/nowhere/emulator'] }), /cannot execute "\/nowhere\/emulator"/],
	'environment-is-ours': [plan({ command: ['true'], environment: { EMUD_COOKIE: 'x' } }), /environment variable "EMUD_COOKIE", which is not a name and a string, or emud's own/],
	'channel-climbs': [channel('../../escape', { via: 'files' }), /offers a channel whose name "\.\.\/\.\.\/escape" begins with a dot/],
	'channel-is-ours': [channel('handles.json', { via: 'files' }), /offers a channel whose name "handles\.json" ends like a file that emud keeps/],
	'channel-by-nothing': [channel('uart', {}), /offers the channel "uart", whose "via" is none of/],
	'channel-of-no-kind': [channel('uart', { via: 'files', kind: 'radio' }), /offers the channel "uart", whose "kind" is none of/],
	'gdb-via-files': [channel('uart', { via: 'files', kind: 'gdb' }), /offers the channel "uart", which is no console, so its "via" must be "unix" or "tcp"/],
	'socket-elsewhere': [channel('uart', { via: 'unix', socket: '/run/docker.sock' }), /whose "socket" is not the name of a file NAME\.sock in the state directory/],
	'socket-is-ours': [channel('uart', { via: 'unix', socket: 'control.sock' }), /whose "socket" is not the name of a file/],
	'port-of-none': [channel('uart', { via: 'tcp', port: 0 }), /whose "port" is not a number from 1 to 65535/],
	'pty-elsewhere': [channel('uart', { via: 'pty', path: '/dev/tty' }), /whose "path" is not that of a pty/],
	'two-on-stdio': [plan({ command: ['true'], channels: { a: { via: 'stdio' }, b: { via: 'stdio' } } }), /offers 2 channels via "stdio"/],
	'started-dies': [{ started: 'die' }, /^the driver of mock has ended \(exit code 3\): mock-driver: told to die$/],
	'started-refuses': [{ started: 'refuse' }, /^the driver of mock: the mock was told to refuse$/],
	'started-tells-no-socket': [{ ...channel('uart', { via: 'unix' }), started: { return: null }, plan: { return: { command: ['sleep', '600'], channels: { uart: { via: 'unix' } } } } }, /offers the channel "uart", but has not told its "socket"/],
	'started-lies': [{ plan: { return: { command: ['sleep', '600'], channels: { uart: { via: 'unix', socket: 'none.sock' } } } }, started: { return: null } }, /^the console "uart": .*none\.sock/],
	'resume-dies': [{ resume: 'die' }, /^the driver of mock has ended \(exit code 3\)/],
};

const HANGING = ['hello', 'plan', 'started', 'resume'];

const name = (/** @type {string} */ id) => `e-${id}`;
const section = (/** @type {string} */ id, /** @type {object} */ more = {}) => ({ [name(id)]: { channels: {}, ...more } });

/** @type {Record<string, [object, object]>} */
const ALL = {
	...Object.fromEntries(Object.entries(FAILING).map(([id, [at]]) => [id, [at, {}]])),
	...Object.fromEntries(HANGING.map((command) => [`${command}-hangs`, [{ [command]: 'hang' }, {}]])),
};
const emulators = Object.fromEntries(Object.entries(ALL).map(([id, [at]]) => [name(id), { driver: [MOCK_DRIVER, JSON.stringify(at)] }]));
const targets = Object.fromEntries(Object.keys(ALL).map((id) => [id, section(id)]));

/** What goes wrong once the board runs. @type {Record<string, object>} */
const RUNNING = {
	'reset-hangs': { reset: 'hang' }, 'reset-dies': { reset: 'die' }, 'reset-lies': { reset: { say: 'not json' } }, 'reset-floods': { reset: 'flood' },
	'reset-is-long': { reset: 'long' }, 'reset-twice': { reset: 'twice' }, 'reset-closes': { reset: 'close' },
	'lists-a-map': { 'property-list': { return: {} } }, 'lists-unnamed': { 'property-list': { return: [{ type: 'int' }] } },
	'tells-null': { 'property-get': { return: null } }, 'says-paused': { 'property-get': { event: { event: 'paused' } } },
	'cannot': { capabilities: [] }, babbles: { plan: 'babble', reset: 'babble' },
};
for (const [id, at] of Object.entries(RUNNING)) {
	emulators[name(id)] = { driver: [MOCK_DRIVER, JSON.stringify(at)] };
	targets[id] = section(id, { channels: { uart: { via: 'stdio' } } });
}

const shared = shareEmud({
	pwEmu: { emulators: { ...emulators, mock: { driver: [MOCK_DRIVER] } } },
	targets: { ...targets, mock: mockTarget() },
	server: { limits: { start_timeout: 2, stop_timeout: 2 } },
});

/** @param {RegExp} words @param {string} id */
const worded = (words, id) => new RegExp(words.source.replace('the driver of mock', `the driver of ${name(id)}`).replace('^', '^(?:.*: )?'));

/** @param {string} id */
async function checkNothingLeft(id) {
	const { json } = await shared.client.get(`/instances/${id}`);
	assert.deepEqual([json.state, json.exit.reason, json.processes], ['failed', 'start_failed', {}]);
	await untilShimGone(json);
	assert.deepEqual(new StateDir(json).remains().filter((file) => file !== 'mock.sock'), []);
	return json;
}

for (const [id, [, words]] of Object.entries(FAILING))
	test(`a start whose driver errs so (${id}) fails at once and says why`, async () => {
		const began = performance.now();
		const { detail } = await shared.client.refused(502, 'start_failed', 'PUT', `/instances/${id}`, { json: { target: id } });
		const took = performance.now() - began;
		assert.match(detail, worded(words, id));
		if (!id.endsWith('closes')) assert.ok(took < SOON_MS, `it took ${took} ms`);
		await checkNothingLeft(id);
	});

for (const command of HANGING)
	test(`a driver that never answers ${command} ends its start in time`, async () => {
		const id = `${command}-hangs`;
		const { detail } = await shared.client.refused(502, 'start_failed', 'PUT', `/instances/${id}`, { json: { target: id } });
		assert.equal(detail, `the emulator did not start within 2000 ms: the driver of ${name(id)} has not answered "${command}"`);
		await checkNothingLeft(id);
	});

test('a start that hangs can be stopped, and removed', async () => {
	for (const command of HANGING) {
		const { json } = await shared.client.put(`/instances/held?wait=false`, { json: { target: `${command}-hangs` }, expect: 202 });
		assert.equal(json.state, 'starting');
		const began = performance.now();
		const stopped = await shared.client.post('/instances/held/stop');
		assert.deepEqual([stopped.json.exit.reason, stopped.json.processes], ['stopped', {}]);
		assert.ok(performance.now() - began < SOON_MS);
		await shared.client.delete('/instances/held');
	}
});

/** @param {string} id */
async function running(id) {
	const { json } = await shared.client.put(`/instances/${id}`, { json: { target: id }, expect: 201 });
	assert.equal(json.state, 'running');
	return json;
}

/** The board itself has come to no harm. @param {string} id */
async function checkLives(id) {
	await shared.client.post(`/instances/${id}/channels/uart/input`, { body: 'alive' });
	await shared.client.waitForOutput(id, 'alive', 'uart');
	await shared.client.delete(`/instances/${id}`);
}

test('a call that is never answered ends with its timeout', async () => {
	await running('reset-hangs');
	const { detail } = await shared.client.refused(504, 'emulator_timeout', 'POST', '/instances/reset-hangs/reset?timeout=0.3');
	assert.equal(detail, 'the driver of e-reset-hangs did not answer "reset" within 0.3 s');
	assert.equal((await shared.client.post('/instances/reset-hangs/pause')).json.state, 'paused');
	await shared.client.post('/instances/reset-hangs/resume');
	await checkLives('reset-hangs');
});

for (const [id, words] of /** @type {[string, RegExp][]} */ ([
	['reset-dies', /has ended \(exit code 3\): mock-driver: told to die$/], ['reset-lies', /said a line that is not JSON/],
	['reset-floods', /said more than 1000 lines in a second that nobody asked for/], ['reset-is-long', /said a line of more than 1048576 bytes/],
	['reset-closes', /has closed its output/],
]))
	test(`while the board runs (${id}), the call says why it failed, and so do those that follow`, async () => {
		await running(id);
		for (const action of ['reset', 'reset', 'pause']) {
			const { detail } = await shared.client.refused(502, 'emulator_error', 'POST', `/instances/${id}/${action}`);
			assert.match(detail, new RegExp(`^the driver of ${name(id)} ${words.source}`));
		}
		await checkLives(id);
	});

test('a second answer to one request is not that to another', async () => {
	await running('reset-twice');
	await shared.client.post('/instances/reset-twice/reset');
	assert.equal((await shared.client.post('/instances/reset-twice/pause')).json.state, 'paused');
	await shared.client.post('/instances/reset-twice/resume');
	await checkLives('reset-twice');
});

test('properties of the wrong form are refused', async () => {
	for (const [id, words] of [['lists-a-map', 'answered "property-list" with something that is no list'], ['lists-unnamed', 'listed a property that has not both a "name" and a "type"']]) {
		await running(id);
		const { detail } = await shared.client.refused(502, 'emulator_error', 'GET', `/instances/${id}/properties?path=/board`);
		assert.equal(detail, `the driver of ${name(id)} ${words}`);
		await checkLives(id);
	}
	await running('tells-null');
	assert.equal((await shared.client.get('/instances/tells-null/property?path=/board&name=speed')).json.value, null);
	await checkLives('tells-null');
});

test('a guest that its driver says has paused is paused', async () => {
	await running('says-paused');
	await shared.client.get('/instances/says-paused/property?path=/board&name=speed');
	assert.equal((await shared.client.waitFor('says-paused', 'paused')).state, 'paused');
	await shared.client.post('/instances/says-paused/resume');
	await shared.client.delete('/instances/says-paused');
});

test('a driver that babbles into its log does not fill the disk', async () => {
	const instance = await running('babbles');
	for (let round = 0; round < 2; round++) {
		const { disk_bytes: bytes } = await until(async () => {
			const { json } = await shared.client.get('/instances/babbles/usage');
			return json.disk_bytes < 5 * 1024 * 1024 && json;
		}, 'the log to be cut to its window');
		assert.ok(bytes > 1024 * 1024);
		const { text } = await shared.client.get('/instances/babbles/logs/mock-driver'.replace('mock', name('babbles')));
		assert.ok(!text.includes('\0') && text.endsWith('...\n'));
		await shared.client.post('/instances/babbles/reset');
	}
	assert.ok(new StateDir(instance).has('handles.json'));
	await checkLives('babbles');
});

test('what a driver cannot do is not implemented', async () => {
	// Without "holds" the mock's board stands still for good: it is told to run by nobody.
	const { json } = await shared.client.put('/instances/cannot', { json: { target: 'cannot' }, expect: 201 });
	assert.equal(json.state, 'running');
	for (const [method, path, body] of /** @type {[string, string, object | undefined][]} */ ([
		['POST', 'reset', undefined], ['POST', 'pause', undefined], ['GET', 'properties?path=/board', undefined],
		['GET', 'property?path=/board&name=speed', undefined], ['PUT', 'property?path=/board&name=speed', { value: 1 }],
	])) {
		const { detail } = await shared.client.refused(501, 'not_implemented', method, `/instances/cannot/${path}`, body && { json: body });
		assert.match(detail, /^the driver of e-cannot has no "[a-z-]+" among its capabilities$/);
	}
	const { detail } = await shared.client.refused(502, 'start_failed', 'PUT', '/instances/cannot-pause', { json: { target: 'cannot', paused: true } });
	assert.equal(detail, 'the driver of e-cannot cannot resume, so nothing can be started paused');
	await shared.client.delete('/instances/cannot');
});

test('through all of it another instance has come to no harm', async () => {
	await running('mock');
	await shared.client.post('/instances/mock/reset');
	await checkLives('mock');
});
