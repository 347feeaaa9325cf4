#!/usr/bin/env node
// A double of Renode 1.16.1 for machines that have none: as far as an outsider sees it over its robot port, its
// terminals and its gdb server, made from what was recorded of the real one. Words that were not recorded are
// marked "(double)". Put on the PATH under the name `renode`.
//
// RENODE_DOUBLE in the environment makes it odd: JSON with
//   start_ms   until the robot port answers
//   early_ms   from then until the monitor's commands are there
//   die_at     a command (its beginning) at which the process is gone at once
//   hang_at    one that is never answered
//   slow_ms    before each answer
//   deaf       it ignores SIGTERM
//   halts      a reset leaves the CPU halted for good, whatever is loaded
//   busy_ports how many ports the monitor finds taken, one after the other

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { Machine, Refusal } from './renode_machine.mjs';
import { encodeFault, encodeResult, decodeCall } from './renode_xml.mjs';

const odd = JSON.parse(process.env.RENODE_DOUBLE ?? '{}');
const folder = path.join(os.tmpdir(), `renode-${process.pid}`);
const state = { machine: /** @type {Machine | null} */ (null), started: false, ready: false, busyPorts: odd.busy_ports ?? 0 };

function printHelp() {
	console.log('usage: renode [options] [file] (double)\n  --disable-xwt\n  --robot-server-port PORT\n  --execute COMMAND\n  --version');
	process.exit(0);
}

function parseArguments() {
	const options = { port: -1, commands: /** @type {string[]} */ ([]) };
	const words = process.argv.slice(2);
	while (words.length) {
		const word = words.shift();
		if (word === '--disable-xwt') continue;
		else if (word === '--robot-server-port') options.port = Number(words.shift());
		else if (word === '--execute') options.commands.push(words.shift() ?? '');
		else if (word === '--version') {
			console.log('Renode v1.16.1 (double)');
			process.exit(0);
		} else printHelp();
	}
	return options;
}

/** The text that the monitor leaves: each line ends in two carriage returns and a line feed. @param {unknown} value */
const line = (value) => `${value}\r\r\n`;
const boolean = (/** @type {boolean} */ value) => line(value ? 'True' : 'False');

function requireMachine() {
	if (!state.machine) throw new Refusal('No such command or device: machine');
	return state.machine;
}

function checkPort() {
	if (state.busyPorts-- > 0) throw new Refusal('There was an error: Address already in use (double)');
}

/** @type {[RegExp, (...words: string[]) => unknown][]} */
const COMMANDS = [
	[/^mach add "([^"]+)"$/, (name) => {
		if (state.machine) throw new Refusal(`Machine "${name}" already exists (double)`);
		state.machine = new Machine(name);
	}],
	[/^machine LoadPlatformDescription @((?:\\ |\S)+)$/, (file) => requireMachine().loadPlatform(file.replaceAll('\\ ', ' '))],
	[/^emulation CreateServerSocketTerminal (\d+) "([^"]+)" false$/, (port, name) => (checkPort(), requireMachine().createTerminal(Number(port), name))],
	[/^connector Connect (\S+) (\S+)$/, (device, terminal) => requireMachine().connect(device, terminal)],
	[/^machine StartGdbServer (\d+)$/, (port) => (checkPort(), requireMachine().startGdb(Number(port)))],
	[/^sysbus LoadELF @((?:\\ |\S)+)$/, (file) => requireMachine().loadElf(file.replaceAll('\\ ', ' '))],
	[/^machine Reset$/, () => requireMachine().reset(Boolean(odd.halts))],
	[/^machine IsPaused$/, () => boolean(requireMachine().paused)],
	[/^emulation IsStarted$/, () => boolean(state.started)],
	[/^start$/, () => startEmulation() ?? line('Starting emulation...')],
	[/^pause$/, () => (state.machine?.pause(), (state.started = false), line('Pausing emulation...'))],
	[/^quit$/, () => setImmediate(quit)],
	[/^(sysbus(?:\.\w+)*)$/, (device) => requireMachine().list(device)],
	[/^(sysbus(?:\.\w+)*) (\w+)$/, (device, name) => requireMachine().get(device, name)],
	[/^(sysbus(?:\.\w+)*) (\w+) (.+)$/, (device, name, value) => requireMachine().set(device, name, value)],
];

function startEmulation() {
	state.started = true;
	state.machine?.start();
}

function quit() {
	rmSync(folder, { recursive: true, force: true });
	process.exit(0);
}

/** @param {string} command */
async function execute(command) {
	if (odd.die_at && command.startsWith(odd.die_at)) process.kill(process.pid, 'SIGKILL');
	if (odd.hang_at && command.startsWith(odd.hang_at)) await new Promise(() => {});
	if (odd.slow_ms) await new Promise((resolve) => setTimeout(resolve, odd.slow_ms));
	const found = state.ready && COMMANDS.find(([pattern]) => pattern.test(command));
	if (!found) throw new Refusal(`No such command or device: ${command.split(' ')[0]}`);
	const [, ...words] = found[0].exec(command) ?? [];
	return (await found[1](...words)) ?? '';
}

/** @type {Record<string, (args: string[]) => Promise<unknown>>} */
const KEYWORDS = {
	ExecuteCommand: async ([command]) => {
		try {
			return String(await execute(command)).replace('[object Object]', '');
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			throw new Refusal(`Could not execute command '${command}': ${error.message}\n`);
		}
	},
	StartEmulation: async () => startEmulation(),
	ResetEmulation: async () => {
		state.machine?.tearDown();
		state.machine = null;
		state.started = false;
	},
};

/** @param {{method: string, params: any[]}} call */
async function answer({ method, params }) {
	if (method === 'get_keyword_names') return encodeResult(Object.keys(KEYWORDS));
	if (method !== 'run_keyword') return encodeFault(0, `unsupported method called: ${method}`);
	const [name, args = []] = params;
	const keyword = KEYWORDS[name];
	if (!keyword) return encodeFault(1, `Keyword "${name}" not found`);
	if (args.length !== (name === 'ExecuteCommand' ? 1 : 0))
		return encodeFault(2, `Arguments types do not match any available keyword "${name}" : [${args.join(', ')}]`);
	try {
		return encodeResult({ return: await keyword(args), status: 'PASS' });
	} catch (error) {
		if (!(error instanceof Refusal)) throw error;
		return encodeResult({ status: 'FAIL', error: `KeywordException: ${error.message}`, traceback: '  at Double ()\n' });
	}
}

/** Calls are served one by one. */
let last = Promise.resolve();

/** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
function serve(request, response) {
	// It does not outlive what a browser asks.
	if (request.method !== 'POST') process.kill(process.pid, 'SIGABRT');
	let body = '';
	request.setEncoding('utf8').on('data', (text) => (body += text));
	request.on('end', () => {
		last = last.then(async () => {
			const text = await answer(decodeCall(body));
			response.writeHead(200, { 'Content-Type': 'text/xml' });
			response.end(text);
		});
	});
}

async function main() {
	const options = parseArguments();
	if (odd.deaf) process.on('SIGTERM', () => {});
	mkdirSync(folder);
	await new Promise((resolve) => setTimeout(resolve, odd.start_ms ?? 20));
	const server = http.createServer(serve);
	server.on('error', () => {
		console.log(`[ERROR] Could not start the HTTP server on port ${options.port}`);
		process.exit(0);
	});
	server.listen(options.port < 0 ? 0 : options.port, '0.0.0.0', async () => {
		const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
		writeFileSync(path.join(folder, 'robot_port'), String(port));
		await new Promise((resolve) => setTimeout(resolve, odd.early_ms ?? 0));
		state.ready = true;
		for (const command of options.commands)
			try {
				await execute(command);
			} catch {
				// The rest of the chain is skipped, and nothing is said.
				break;
			}
	});
}

main();
