import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { until } from '../lib/deadline.mjs';
import { shareEmud } from '../lib/emud.mjs';
import { firmware } from '../lib/firmware.mjs';
import { openStream } from '../lib/streams.mjs';

const shared = shareEmud();

const property = (/** @type {string} */ id, /** @type {string} */ path, /** @type {string} */ name) =>
	`/instances/${id}/property?path=${encodeURIComponent(path)}&name=${encodeURIComponent(name)}`;

const stateOf = async (/** @type {string} */ id) => (await shared.client.get(`/instances/${id}`)).json.state;

const PROGRAM_HEADER_SIZE = 32;
const SECTION_HEADER_SIZE = 40;

/**
 * hello, whose code is to lie where the board has no memory.
 * @param {string} name
 * @param {{size: number, offset: number}} [code] as much of it, from there in the file
 */
function misplacedFirmware(name, code) {
	const bytes = readFileSync(firmware('hello'));
	const segment = bytes.readUInt32LE(28) + PROGRAM_HEADER_SIZE, section = bytes.readUInt32LE(32) + 2 * SECTION_HEADER_SIZE;
	const put = (/** @type {number} */ value, /** @type {number[]} */ ...places) => places.forEach((place) => bytes.writeUInt32LE(value, place));
	put(0x70000000, segment + 8, segment + 12, section + 12);
	if (code) {
		put(code.offset, segment + 4, section + 16);
		put(code.size, segment + 16, segment + 20, section + 20);
	}
	const file = path.join(shared.emud.directory, name);
	writeFileSync(file, bytes);
	if (code) truncateSync(file, code.offset + code.size);
	return file;
}

test('an object\'s properties are listed with their types', async () => {
	await shared.client.startBoard('listed', 'hello');
	const { json } = await shared.client.get('/instances/listed/properties?path=/machine');
	assert.equal(json.path, '/machine');
	assert.deepEqual(json.properties.find(({ name }) => name === 'type')?.type, 'string');
});

test('a property is read, set, and read again', async () => {
	await shared.client.startBoard('set', 'hello');
	const url = property('set', '/machine', 'dump-guest-core');
	const before = (await shared.client.get(url)).json;
	assert.deepEqual(before, { path: '/machine', name: 'dump-guest-core', value: true });
	assert.deepEqual((await shared.client.put(url, { json: { value: false } })).json, { ...before, value: false });
	assert.equal((await shared.client.get(url)).json.value, false);
});

test('an integer beyond 64-bit signed is a decimal string', async () => {
	await shared.client.startBoard('big', 'hello');
	const { json } = await shared.client.get(property('big', '/machine/unattached/system[0]', 'size'));
	assert.equal(json.value, '18446744073709551615');
});

test('objects and properties that do not exist are not found', async () => {
	await shared.client.startBoard('missing', 'hello');
	await shared.client.refused(404, 'property_not_found', 'GET', '/instances/missing/properties?path=/no/such/object');
	await shared.client.refused(404, 'property_not_found', 'GET', property('missing', '/machine', 'no-such-property'));
	await shared.client.refused(404, 'property_not_found', 'PUT', property('missing', '/machine', 'no-such-property'), { json: { value: 1 } });
});

test('a value that does not fit is refused in the emulator\'s words', async () => {
	await shared.client.startBoard('misfit', 'hello');
	const reply = await shared.client.request('PUT', property('misfit', '/machine', 'dump-guest-core'), { json: { value: 'soon' } });
	assert.ok(['invalid_value', 'emulator_error'].includes(reply.json.code), reply.text);
	assert.match(reply.json.detail, /boolean/);
});

test('a property call without its parameters names each', async () => {
	await shared.client.startBoard('nameless', 'hello');
	const problem = await shared.client.refused(400, 'invalid_parameter', 'GET', '/instances/nameless/property');
	assert.match(JSON.stringify(problem), /path/);
	assert.match(JSON.stringify(problem), /name/);
});

test('gdb commands run on the board, which then runs on', async () => {
	await shared.client.startBoard('gdb', 'counter');
	const { json } = await shared.client.post('/instances/gdb/gdb', { json: { commands: ['info registers pc', 'print 6 * 7'], executable: firmware('counter') } });
	assert.equal(json.exit_code, 0, JSON.stringify(json));
	assert.match(json.stdout, /^pc +0x/m);
	assert.match(json.stdout, /= 42/);
	await shared.client.waitForOffset('gdb', (await shared.client.nextOffset('gdb')) + 10);
	assert.equal((await shared.client.get('/instances/gdb')).json.state, 'running');
});

test('gdb leaves the board paused when asked to', async () => {
	await shared.client.startBoard('gdb-paused', 'counter');
	await shared.client.post('/instances/gdb-paused/gdb', { json: { commands: ['info registers pc'], paused: true } });
	await shared.client.waitFor('gdb-paused', 'paused');
});

test('an error in gdb is told by its exit code and words', async () => {
	await shared.client.startBoard('gdb-error', 'hello');
	const { json } = await shared.client.post('/instances/gdb-error/gdb', { json: { commands: ['no-such-command'] } });
	assert.notEqual(json.exit_code, 0);
	assert.match(json.stderr, /[Uu]ndefined command/);
});

test('commands that leave gdb are refused, however written', async () => {
	await shared.client.startBoard('gdb-leave', 'hello');
	for (const command of ['shell id', '!id', ' ! id', 'she id', 'pipe info registers | id', '| info registers | id', 'python print(1)', 'py print(1)',
		'source /etc/passwd', 'python-interactive', 'guile 1', 'make', 'info registers\nshell id', 'define x'])
		await shared.client.refused(422, 'command_refused', 'POST', '/instances/gdb-leave/gdb', { json: { commands: [command] } });
});

test('gdb that takes too long is ended, and what it has printed is told', async () => {
	await shared.client.startBoard('gdb-slow', 'hello');
	// A loaded machine may not have come to print anything.
	await until(async () => {
		const commands = ['print 6 * 7', 'continue'];
		const problem = await shared.client.refused(504, 'timeout', 'POST', '/instances/gdb-slow/gdb', { json: { commands, timeout: 1 } });
		assert.match(problem.detail, /^gdb did not end in time; it said: /);
		return problem.stdout.includes('$1 = 42\n');
	}, 'a gdb that prints within a second');
	await shared.client.post('/instances/gdb-slow/gdb', { json: { commands: ['print 1'] } });
});

test('gdb that takes too long leaves the board running, or paused when asked to', async () => {
	await shared.client.startBoard('gdb-steps', 'counter');
	const end = (/** @type {object} */ body) => shared.client.refused(504, 'timeout', 'POST', '/instances/gdb-steps/gdb', { json: { timeout: 1, ...body } });
	await end({ commands: ['stepi 100000000'] });
	assert.equal(await stateOf('gdb-steps'), 'running');
	await shared.client.waitForOffset('gdb-steps', (await shared.client.nextOffset('gdb-steps')) + 10);
	await end({ commands: ['continue'], paused: true });
	assert.equal(await stateOf('gdb-steps'), 'paused');
});

/** A loaded machine may not have come to set the breakpoint.
 * @param {string} id @param {string} image @param {object} body */
const endAtBreakpoint = (id, image, body) => until(async () => {
	const problem = await shared.client.refused(504, 'timeout', 'POST', `/instances/${id}/gdb`, { json: { timeout: 1, executable: firmware(image), ...body } });
	assert.match(problem.detail, /^gdb did not end in time; it said: /);
	return problem.stdout.includes('Breakpoint 1 at ');
}, 'a gdb that sets its breakpoint within a second');

test('a breakpoint of a gdb that took too long stops nothing afterwards', async () => {
	await shared.client.startBoard('gdb-breaks', 'echo');
	await endAtBreakpoint('gdb-breaks', 'echo', { commands: ['break uart_put', 'continue'] });
	assert.equal(await stateOf('gdb-breaks'), 'running');
	await shared.client.post('/instances/gdb-breaks/channels/serial0/input', { body: 'echoed' });
	await shared.client.waitForOutput('gdb-breaks', 'echoed');
	assert.equal(await stateOf('gdb-breaks'), 'running');
});

test('a board that gdb stopped at every turn until its time was over runs, and runs on once resumed', async () => {
	await shared.client.startBoard('gdb-turns', 'counter');
	const runsOn = async () => {
		await shared.client.waitForOffset('gdb-turns', (await shared.client.nextOffset('gdb-turns')) + 50);
		assert.equal(await stateOf('gdb-turns'), 'running');
	};
	const commands = ['break cpu_sleep_ms if 0', 'continue'];
	await endAtBreakpoint('gdb-turns', 'counter', { commands });
	await runsOn();
	await shared.client.post('/instances/gdb-turns/pause');
	await shared.client.post('/instances/gdb-turns/resume');
	await runsOn();
	await endAtBreakpoint('gdb-turns', 'counter', { commands, paused: true });
	assert.equal(await stateOf('gdb-turns'), 'paused');
	await shared.client.post('/instances/gdb-turns/resume');
	await runsOn();
});

test('gdb leaves a paused board as it was unless told to set it running', async () => {
	await shared.client.startBoard('gdb-stood', 'counter');
	await shared.client.post('/instances/gdb-stood/pause');
	await shared.client.post('/instances/gdb-stood/gdb', { json: { commands: ['print 1'] } });
	assert.equal(await stateOf('gdb-stood'), 'paused');
	await shared.client.post('/instances/gdb-stood/gdb', { json: { commands: ['print 1'], paused: false } });
	await shared.client.waitFor('gdb-stood', 'running');
});

test('what is wrong with a gdb call or a load is told with the member that caused it', async () => {
	await shared.client.startBoard('pointed', 'hello');
	const print = { commands: ['print 1'] };
	for (const [call, body, code, pointer] of /** @type {[string, object, string, string][]} */ ([
		['gdb', { commands: ['print 1', 'print 2', 'shell id'] }, 'command_refused', '/commands/2'],
		['gdb', { commands: ['python print(1)'] }, 'command_refused', '/commands/0'],
		['gdb', { commands: [] }, 'invalid_value', '/commands'],
		['gdb', { commands: [1] }, 'invalid_request', '/commands'],
		['gdb', { ...print, timeout: 0 }, 'invalid_value', '/timeout'],
		['gdb', { ...print, timeout: 'soon' }, 'invalid_request', '/timeout'],
		['gdb', { ...print, executable: `${shared.emud.directory}/nothing.elf` }, 'file_not_found', '/executable'],
		['gdb', { ...print, executable: '/etc/passwd' }, 'path_not_allowed', '/executable'],
		['gdb', { ...print, executable: 'sha256:abc' }, 'invalid_value', '/executable'],
		['gdb', { ...print, executable: `sha256:${'0'.repeat(64)}` }, 'file_not_found', '/executable'],
		['gdb', { ...print, executable: shared.emud.directory }, 'invalid_file', '/executable'],
		['load', { file: '/etc/passwd' }, 'path_not_allowed', '/file'],
		['load', { file: firmware('hello', 'riscv32-virt') }, 'invalid_file', '/file'],
	])) {
		const { json } = await shared.client.request('POST', `/instances/pointed/${call}`, { json: body });
		const what = `${call} ${JSON.stringify(body)}`;
		assert.deepEqual([json.code, json.errors?.map((/** @type {{pointer: string}} */ fault) => fault.pointer)], [code, [pointer]], what);
		assert.ok(json.errors[0].detail, what);
	}
});

test('gdb is refused while another client holds its channel', async () => {
	await shared.client.startBoard('gdb-busy', 'hello');
	const gdb = await openStream(shared.client, '/instances/gdb-busy/channels/gdb/stream');
	await shared.client.refused(409, 'channel_busy', 'POST', '/instances/gdb-busy/gdb', { json: { commands: ['print 1'] } });
	await gdb.close();
});

test('a loaded image replaces the firmware of the running board', async () => {
	await shared.client.startBoard('loaded', 'hello');
	await shared.client.waitForOutput('loaded', 'Hello\r\n');
	const { json } = await shared.client.post('/instances/loaded/load', { json: { file: firmware('echo') } });
	assert.equal(json.state, 'running');
	await shared.client.post('/instances/loaded/channels/serial0/input', { body: 'echoed' });
	await shared.client.waitForOutput('loaded', 'echoed');
});

test('a loaded image may wait paused', async () => {
	await shared.client.startBoard('loaded-paused', 'echo');
	const { json } = await shared.client.post('/instances/loaded-paused/load', { json: { file: firmware('hello'), paused: true } });
	assert.equal(json.state, 'paused');
	assert.equal(await shared.client.nextOffset('loaded-paused'), 0);
	await shared.client.post('/instances/loaded-paused/resume');
	await shared.client.waitForOutput('loaded-paused', 'Hello\r\n');
});

test('a board that was paused runs once another image is loaded', async () => {
	await shared.client.startBoard('loaded-stood', 'echo');
	await shared.client.post('/instances/loaded-stood/pause');
	const { json } = await shared.client.post('/instances/loaded-stood/load', { json: { file: firmware('hello') } });
	assert.equal(json.state, 'running');
	await shared.client.waitForOutput('loaded-stood', 'Hello\r\n');
});

test('a load that fails leaves the board running or paused as it was', async () => {
	await shared.client.startBoard('unloaded', 'counter');
	const file = path.join(shared.emud.directory, 'raw.bin');
	writeFileSync(file, Buffer.alloc(5000, 1));
	const fail = async () => assert.match((await shared.client.refused(502, 'emulator_error', 'POST', '/instances/unloaded/load', { json: { file } })).detail,
		/^gdb could not load the file: .*not in executable format/);
	await fail();
	assert.equal(await stateOf('unloaded'), 'running');
	await shared.client.waitForOffset('unloaded', (await shared.client.nextOffset('unloaded')) + 10);
	await shared.client.post('/instances/unloaded/pause');
	await fail();
	assert.equal(await stateOf('unloaded'), 'paused');
});

test('an image that does not outlive the reset is told, and the first firmware runs again', async () => {
	await shared.client.startBoard('put-away', 'hello');
	await shared.client.waitForOutput('put-away', 'Hello\r\n');
	const { detail } = await shared.client.refused(502, 'emulator_error', 'POST', '/instances/put-away/load', { json: { file: misplacedFirmware('misplaced.elf') } });
	assert.match(detail, /^the board's reset put its first firmware back/);
	assert.equal(await stateOf('put-away'), 'running');
});

test('a transfer that breaks off leaves the board paused and says so', async () => {
	await shared.client.startBoard('half', 'counter');
	const file = misplacedFirmware('long.elf', { size: 128 << 20, offset: 0x20000 });
	// A loaded machine may not have come to write anything: the board runs then.
	const { detail } = await until(async () => {
		const problem = await shared.client.refused(504, 'timeout', 'POST', '/instances/half/load?timeout=2', { json: { file } });
		return (await stateOf('half')) === 'paused' && problem;
	}, 'a gdb that writes within two seconds');
	assert.match(detail, /^the board is left paused, for its memory was overwritten, perhaps in part, and it was not reset \(restart the instance\): gdb did not end in time/);
});

test('an image for another machine is not loaded', async () => {
	await shared.client.startBoard('not-loaded', 'echo');
	const file = firmware('hello', 'riscv32-virt');
	await shared.client.refused(422, 'invalid_file', 'POST', '/instances/not-loaded/load', { json: { file } });
	await shared.client.post('/instances/not-loaded/channels/serial0/input', { body: 'unharmed' });
	await shared.client.waitForOutput('not-loaded', 'unharmed');
});
