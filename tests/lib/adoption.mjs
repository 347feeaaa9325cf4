// Emulators of pw emu's below one root, and emuds that may adopt them.

import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import { makeBoard } from './boards.mjs';
import { shareEmud } from './emud.mjs';
import { firmware } from './firmware.mjs';
import { startAsPwEmu } from './pw_emu_start.mjs';

export class PwEmuYard {
	constructor() {
		this.root = mkdtempSync(path.join(os.tmpdir(), 'emud-pw-'));
		/** @type {Awaited<ReturnType<typeof startAsPwEmu>>[]} */
		this.started = [];
	}

	/** Of an emud that may adopt what runs here. */
	get options() {
		const helper = { 'pre-start-cmds': { helper: ['sleep', '600'] } };
		return { server: { path_roots: [this.root] }, targets: { helped: makeBoard({}, helper) } };
	}

	/** @param {string} name */
	makeDirectory(name) {
		const directory = path.join(this.root, name);
		mkdirSync(directory);
		return directory;
	}

	/**
	 * `pw emu start` in a directory of its own.
	 * @param {string} name
	 * @param {import('./pw_emu_start.mjs').PwStart} [start]
	 */
	async start(name, start = {}) {
		const pw = await startAsPwEmu(this.makeDirectory(name), { file: firmware('hello'), ...start });
		this.started.push(pw);
		return pw;
	}

	clear() {
		for (const pw of this.started) pw.abandon();
		rmSync(this.root, { recursive: true, force: true });
	}
}

/** One for the tests of a file, with an emud that may adopt what runs there. */
export function shareYard() {
	const yard = new PwEmuYard();
	const shared = shareEmud(yard.options);
	after(() => yard.clear());
	return { yard, shared };
}

/**
 * Has an emulator adopted; path is where emud keeps what is its own.
 * @param {import('./client.mjs').Client} client @param {string} id @param {{directory: string}} pw @param {object} [more]
 */
export async function adopt(client, id, pw, more = {}) {
	return (await client.put(`/instances/${id}`, { json: { path: pw.directory, ...more }, expect: 201 })).json;
}

/** Where emud keeps what is its own. @param {{directory: string}} pw */
export const ownDirectory = ({ directory }) => ({ path: path.join(directory, '.emud') });

/** What lies in pw emu's directory and is not emud's. @param {{directory: string}} pw */
export function foreignContent({ directory }) {
	return Object.fromEntries(readdirSync(directory).sort().filter((name) => name !== '.emud').map((name) => {
		const file = path.join(directory, name);
		return [name, lstatSync(file).isSymbolicLink() ? readlinkSync(file) : readFileSync(file, 'utf8')];
	}));
}
