// Renode for the tests: the real one where `renode` is on the PATH, else its double of tests/doubles; each test's
// name says which.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { firmware } from './firmware.mjs';

const double = fileURLToPath(new URL('../doubles/renode.mjs', import.meta.url));

/** A folder that has the double under the name of the real one. */
const folder = mkdtempSync(path.join(os.tmpdir(), 'emud-renode-'));
symlinkSync(double, path.join(folder, 'renode'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export const isReal = spawnSync('renode', ['--version'], { stdio: 'ignore', timeout: 60_000 }).status === 0;
const kind = isReal ? 'the real Renode' : "Renode's double: no renode is on the PATH";

const doublePath = `${folder}:${process.env.PATH}`;

/** The environment for emud. @type {Record<string, string>} */
export const renodeEnvironment = isReal ? {} : { PATH: doublePath };

/**
 * The double for sure, as odd as it is told to be (see tests/doubles/renode.mjs).
 * @param {object} [oddity]
 */
export const doubleEnvironment = (oddity = {}) => ({ PATH: doublePath, RENODE_DOUBLE: JSON.stringify(oddity) });

/** @param {string} name @param {(t: import('node:test').TestContext) => Promise<void>} run */
export const testRenode = (name, run) => test(`${name} (${kind})`, run);

/** The board whose firmware is netduinoplus2's: the same chip. */
export const PLATFORM = 'platforms/boards/stm32f4_discovery-kit.repl';

const terminals = (/** @type {string} */ type) => ({ serial0: { 'device-path': 'sysbus.usart1', type } });

/**
 * @param {object} [settings] of the renode section
 * @param {string} [type] of its terminal
 */
export const makeRenodeBoard = (settings = {}, type = 'tcp') => ({ renode: { machine: PLATFORM, channels: { terminals: terminals(type) }, ...settings } });

export const RENODE_TARGETS = {
	f4: makeRenodeBoard(),
	'f4-pty': makeRenodeBoard({}, 'pty'),
	'f4-no-platform': makeRenodeBoard({ machine: 'no/such/platform.repl' }),
	'f4-no-device': makeRenodeBoard({ channels: { terminals: { serial0: { 'device-path': 'sysbus.nosuchdevice' } } } }),
};

/** @param {string} name */
export const renodeFirmware = (name) => firmware(name, 'netduinoplus2');

/**
 * Starts a board on Renode.
 * @param {import('./client.mjs').Client} client
 * @param {string} id
 * @param {string} name of its firmware
 * @param {object} [spec]
 */
export const startRenode = (client, id, name, spec = {}) => client.startBoard(id, 'hello', { target: 'f4', file: renodeFirmware(name), ...spec });

/** A robot call as `pw emu` makes it. @param {string} keyword @param {string[]} [words] */
export function encodeRobotCall(keyword, words = []) {
	const value = (/** @type {string} */ text) => `<value><string>${text}</string></value>`;
	return `<?xml version="1.0"?><methodCall><methodName>run_keyword</methodName><params><param>${value(keyword)}</param>`
		+ `<param><value><array><data>${words.map(value).join('')}</data></array></value></param></params></methodCall>`;
}

/**
 * One over the robot channel.
 * @param {{host: string, port: number}} channel
 * @param {string} keyword
 * @param {string[]} [words]
 */
export async function callRobot({ host, port }, keyword, words) {
	const response = await fetchPlain(host, port, encodeRobotCall(keyword, words));
	return { status: /<name>status<\/name>\s*<value>\s*<string>(\w+)/.exec(response)?.[1], text: response };
}

/** fetch() would put on headers as a page's has. @param {string} host @param {number} port @param {string} body @returns {Promise<string>} */
async function fetchPlain(host, port, body) {
	const { default: http } = await import('node:http');
	return new Promise((resolve, reject) => {
		const request = http.request({ host, port, method: 'POST', headers: { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) }, agent: false });
		request.on('error', reject);
		request.on('response', (response) => {
			let text = '';
			response.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve(text)).on('error', reject);
		});
		request.end(body);
	});
}
