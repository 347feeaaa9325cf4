// Configurations as projects have them: in JSON or YAML, beside other tools' settings, sound or not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import YAML from 'yaml';

import { Emud, EMUD, startEmud } from '../lib/emud.mjs';
import { BUILD, FIRMWARE_DIR } from '../lib/firmware.mjs';
import { until } from '../lib/deadline.mjs';
import { StateDir } from '../lib/state_dir.mjs';

/** A project's own pigweed.json, with what other tools keep there. */
const PIGWEED_JSON = {
	pw: {
		pw_presubmit: { format: { python_formatter: 'black', black_path: 'pyink' } },
		pw_cli: { plugins: { hello: { module: 'project.hello', function: 'main' } } },
		pw_env_setup: { root_variable: 'PROJECT_ROOT', rosetta: 'allow', gn_args: ['dir_pw_third_party_stm32cube=""'], virtualenv: { gn_root: '.', gn_targets: [':python.install'] } },
		pw_console: { windows: { 'Split 1 stacked': { 'Device Logs': { hidden: false } } }, recent_window_height: 16 },
		pw_emu: {
			gdb: ['gdb-multiarch'],
			target_files: ['pw_emu/boards/cortex_m.json', 'pw_emu/boards/more.json'],
			qemu: { executable: 'qemu-system-arm', channels: { type: 'tcp' } },
			renode: { executable: 'renode', channels: { terminals: { type: 'tcp' } } },
			targets: {
				'qemu-lm3s6965evb': {
					'pre-start-cmds': { logger: ['sh', '-c', 'echo log in $0; exec sleep 600', '$pw_env{EMUD_TEST_LOGS}/$pw_env{EMUD_TEST_NAME}.log'] },
					qemu: { machine: 'lm3s6965evb', channels: { chardevs: { serial0: { id: 'serial0' }, rpc: { id: 'serial1', type: 'pty' } } } },
					renode: { machine: 'platforms/cpus/stellaris.repl', channels: { terminals: { serial0: { 'device-path': 'sysbus.uart0' } } } },
				},
			},
		},
	},
	other_tool: { nested: [1, 2.5, null, true, 'text'] },
};

const CORTEX_M_JSON = { targets: {
	'qemu-lm3s6965evb': { qemu: { machine: 'loses-to-the-main-file', channels: { chardevs: { serial0: { id: 'serial0' } } } } },
	'qemu-netduinoplus2': { qemu: { machine: 'loses-to-the-later-file', channels: { chardevs: { serial0: { id: 'serial0' } } } } },
	'qemu-mps2-an385': { qemu: { machine: 'mps2-an385', channels: { chardevs: { serial0: { id: 'serial0' } } } } },
} };
const MORE_JSON = { targets: { 'qemu-netduinoplus2': { qemu: { machine: 'netduinoplus2', channels: { chardevs: { serial0: { id: 'serial0' } } } } } } };

const ENVIRONMENT = { EMUD_TEST_LOGS: '/var/log', EMUD_TEST_NAME: 'board' };

/**
 * A project's directory with its configuration.
 * @param {string} directory
 * @param {string} name
 * @param {(tree: object) => string} write
 */
function writeProject(directory, name, write) {
	mkdirSync(path.join(directory, 'pw_emu/boards'), { recursive: true });
	writeFileSync(path.join(directory, 'pw_emu/boards/cortex_m.json'), write(CORTEX_M_JSON));
	writeFileSync(path.join(directory, 'pw_emu/boards/more.json'), write(MORE_JSON));
	const file = path.join(directory, name);
	writeFileSync(file, write(PIGWEED_JSON));
	return file;
}

/** @param {any} t @param {string} name @param {(tree: object) => string} write */
async function startOnProject(t, name, write) {
	const emud = new Emud({ args: ['--file-root', FIRMWARE_DIR], env: ENVIRONMENT });
	t.after(() => emud.finish());
	emud.configFile = writeProject(emud.directory, name, write);
	await emud.start();
	return emud;
}

for (const [name, write] of /** @type {[string, (tree: object) => string][]} */ ([
	['pigweed.json', (tree) => JSON.stringify(tree, null, 2)],
	['pigweed.yaml', (tree) => YAML.stringify(tree)],
])) {
	test(`a project's own ${name} works unchanged`, async (t) => {
		const emud = await startOnProject(t, name, write);
		const client = emud.client();
		const { json } = await client.get('/targets');
		const targets = Object.fromEntries(json.targets.map((/** @type {any} */ target) => [target.name, target]));
		assert.deepEqual(Object.keys(targets), ['qemu-lm3s6965evb', 'qemu-mps2-an385', 'qemu-netduinoplus2']);
		assert.deepEqual([targets['qemu-lm3s6965evb'].machine, targets['qemu-netduinoplus2'].machine], ['lm3s6965evb', 'netduinoplus2']);
		assert.equal(targets['qemu-lm3s6965evb'].emulator, 'qemu');
		assert.match(targets['qemu-mps2-an385'].source, /cortex_m\.json/);
		const board = await client.startBoard('board', 'two_serials', { target: 'qemu-lm3s6965evb' });
		assert.deepEqual([board.channels.serial0.type, board.channels.rpc.type], ['tcp', 'pty']);
		await client.waitForOutput('board', 'zero\r\n');
		await client.waitForOutput('board', 'one\r\n', 'rpc');
		await until(() => new StateDir(board).read('logger.log') === 'log in /var/log/board.log\n', 'the helper');
		assert.equal(readlinkSync(`/proc/${board.processes.qemu.pid}/cwd`), emud.directory);
		client.close();
	});
}

test('what pw emu finds as the configuration of an instance is pure JSON', async (t) => {
	const emud = await startOnProject(t, 'pigweed.yaml', (tree) => YAML.stringify(tree));
	const client = emud.client();
	const board = await client.startBoard('board', 'hello', { target: 'qemu-mps2-an385', file: path.join(FIRMWARE_DIR, 'mps2-an385-hello.elf') });
	const directory = new StateDir(board);
	const config = JSON.parse(directory.read(path.basename(directory.json('handles.json').config)));
	assert.deepEqual(Object.keys(config), ['pw']);
	assert.ok(config.pw.pw_emu.targets['qemu-mps2-an385'].qemu, 'the targets of other files are there too');
	client.close();
});

/** @param {any} t @param {Record<string, string>} files @param {string} main @param {Record<string, string>} [env] */
function checkConfig(t, files, main, env = {}) {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'emud-test-'));
	t.after(() => rmSync(directory, { recursive: true }));
	for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
	const run = spawnSync(EMUD, ['--config', path.join(directory, main), '--check-config'],
		{ encoding: 'utf8', timeout: 20000, env: { ...process.env, EMUD_SHARE: path.join(BUILD, 'share/emud'), ...env } });
	return { ...run, lines: run.stderr.replaceAll(`${directory}/`, '').trim().split('\n') };
}

test('--check-config finds a sound configuration sound, and starts nothing', (t) => {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'emud-test-'));
	t.after(() => rmSync(directory, { recursive: true }));
	const file = writeProject(directory, 'pigweed.json', (tree) => JSON.stringify(tree));
	const { status, stdout, stderr } = spawnSync(EMUD, ['--config', file, '--check-config'], { encoding: 'utf8', env: { ...process.env, ...ENVIRONMENT } });
	assert.deepEqual([status, stdout, stderr], [0, `${file} is sound\n`, '']);
});

test('every error of all files is told at once, with file, line and key', (t) => {
	const { status, stdout, lines } = checkConfig(t, { 'main.yaml': `pw:
  pw_emu:
    gdb: not-a-list
    target_files: [more.yaml, absent.yaml]
    qemu: {executable: qemu-system-arm, channels: {type: smoke-signals}}
    targets:
      no-machine: {qemu: {channels: {chardevs: {serial0: {type: tcp}}}}}
      helpers:
        pre-start-cmds:
          unset: [echo, "$pw_env{EMUD_TEST_SURELY_UNSET}"]
          unknown: [echo, "$pw_colour{red}"]
        qemu: {machine: lm3s6965evb, channels: {chardevs: {serial0: {id: serial0}}}}
server:
  limits: {instances: -3, console_bytes: lots}
  listen: nowhere
`, 'more.yaml': `targets:
  other:
    qemu: {machine: [a, list], channels: {chardevs: {serial0: {id: serial0, type: radio}}}}
` }, 'main.yaml');
	assert.equal(status, 1);
	assert.equal(stdout, '');
	for (const expected of [
		/^main\.yaml:3: pw\.pw_emu\.gdb: /, /^main\.yaml:4: pw\.pw_emu\.target_files\S*: .*absent\.yaml/, /^main\.yaml:5: pw\.pw_emu\.qemu\.channels\.type: /,
		/^main\.yaml:7: pw\.pw_emu\.targets\.no-machine\.qemu.*machine/, /^main\.yaml:7: pw\.pw_emu\.targets\.no-machine\.qemu\.channels\.chardevs\.serial0.*id/,
		/^main\.yaml:10: .*pre-start-cmds\.unset\S*: .*EMUD_TEST_SURELY_UNSET/, /^main\.yaml:11: .*pre-start-cmds\.unknown\S*: .*pw_colour/,
		/^main\.yaml:14: server\.limits\.instances: /, /^main\.yaml:14: server\.limits\.console_bytes: /, /^main\.yaml:15: server\.listen: /,
		/^more\.yaml:3: targets\.other\.qemu\.machine: /, /^more\.yaml:3: targets\.other\.qemu\.channels\.chardevs\.serial0\.type: /,
	]) assert.ok(lines.some((line) => expected.test(line)), `${expected} in\n${lines.join('\n')}`);
	assert.equal(lines.at(-1), `emud: main.yaml has ${lines.length - 1} errors`);
});

test('what helpers ask of channels that are not there, or are of the other type, is told beside the rest', (t) => {
	const { status, lines } = checkConfig(t, { 'main.yaml': `pw:
  pw_emu:
    qemu: {executable: qemu-system-arm}
    targets:
      first:
        pre-start-cmds: {asking: [echo, "$pw_emu_channel_path{serial0}", "$pw_emu_channel_port{serial7}"]}
        qemu: {machine: m, channels: {chardevs: {serial0: {id: serial0}}}}
      second:
        post-start-cmds: {asking: [echo, "$pw_emu_channel_port{serial0}"]}
        qemu: {machine: m, channels: {type: pty, chardevs: {serial0: {id: serial0}}}}
      third: {qemu: {}}
server: {limits: {instances: -3}}
` }, 'main.yaml');
	assert.equal(status, 1);
	for (const expected of [
		/^main\.yaml:6: pw\.pw_emu\.targets\.first\.pre-start-cmds\.asking\[1\]: \$pw_emu_channel_path\{serial0\}/,
		/^main\.yaml:6: pw\.pw_emu\.targets\.first\.pre-start-cmds\.asking\[2\]: \$pw_emu_channel_port\{serial7\}/,
		/^main\.yaml:9: pw\.pw_emu\.targets\.second\.post-start-cmds\.asking\[1\]: \$pw_emu_channel_port\{serial0\}/,
		/^main\.yaml:11: pw\.pw_emu\.targets\.third\.qemu\.machine: /, /^main\.yaml:12: server\.limits\.instances: /,
	]) assert.ok(lines.some((line) => expected.test(line)), `${expected} in\n${lines.join('\n')}`);
});

test('an unknown key is warned of with the nearest known one, and is no error', (t) => {
	const { status, lines } = checkConfig(t, { 'main.json': JSON.stringify({
		pw: { pw_emu: { targets: { board: { qemu: { executable: 'q', machine: 'm', argz: [] } } } } }, server: { limit: {} },
	}, null, 1) }, 'main.json');
	assert.equal(status, 0);
	assert.equal(lines.length, 2);
	assert.match(lines.join('\n'), /^warning: main\.json:\d+: .*argz.*"?args/m);
	assert.match(lines.join('\n'), /^warning: main\.json:\d+: server.*limit.*"?limits/m);
});

for (const [what, text] of [
	['neither JSON nor YAML', '{"pw": {"pw_emu": '], ['not UTF-8', Buffer.from('pw: \xff\xfe', 'latin1').toString('latin1')],
	['a list', '- pw\n'], ['empty', ''], ['a key twice', '{"pw": {}, "pw": {}}'], ['a tab as indentation', 'pw:\n\tpw_emu: {}\n'],
]) {
	test(`a file that is ${what} is answered with what is wrong, not with a crash`, (t) => {
		const { status, signal, lines } = checkConfig(t, { 'main.yaml': text }, 'main.yaml');
		assert.equal(signal, null);
		assert.ok(status === 1 || what === 'empty', `${status}`);
		if (status) assert.match(lines[0], /^main\.yaml/);
	});
}

test('a file that is not there, or a folder, is told', (t) => {
	for (const name of ['absent.json', '.']) {
		const { status, stderr } = checkConfig(t, {}, name);
		assert.equal(status, 1);
		assert.match(stderr, /absent\.json|directory/);
	}
});

test('the command line wins over the file', async (t) => {
	const emud = await startEmud(t, { server: { listen: '127.0.0.1:1', state_dir: '/nowhere/at/all', log_level: 'error' }, args: ['--log-level', 'info'] });
	const client = emud.client();
	await client.get('/healthz');
	await until(() => emud.stderr.includes('level=info'), 'lines of the level asked for');
	client.close();
});

test('a path that the API could not tell is refused before anything is made', (t) => {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'emud-paths-'));
	t.after(() => rmSync(directory, { recursive: true, force: true }));
	const start = (/** @type {string} */ words) => spawnSync('sh', ['-c', `cd "$1" && bad=$(printf 'a\\377') && ${words}`, 'sh', directory, EMUD], { timeout: 20_000 });
	for (const words of ['"$2" --state-dir "$bad"', 'HOME=/nowhere/"$bad" XDG_STATE_HOME= STATE_DIRECTORY= "$2"', 'mkdir "$bad" && cd "$bad" && "$2" --file-root .']) {
		const { status, stderr } = start(words);
		assert.equal(status, 1, words);
		assert.match(stderr.toString(), /^emud: the path \/.* is not UTF-8, as the API tells paths: give another\n$/);
	}
	assert.equal(readdirSync(directory).length, 1, 'what sh made');
});
