// Which processes of one emud are left: told by a mark in their environment, or its state directory in their command line.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** @param {string} file */
function read(file) {
	try {
		return readFileSync(file, 'latin1');
	} catch {
		return '';
	}
}

/** @param {number} pid */
export function isAlive(pid) {
	const state = read(`/proc/${pid}/stat`).split(') ')[1]?.[0];
	return state !== undefined && state !== 'Z';
}

/**
 * @param {string} mark
 * @param {string} stateDir
 * @returns {{pid: number, command: string}[]}
 */
export function findProcesses(mark, stateDir) {
	const found = [];
	for (const name of readdirSync('/proc')) {
		const pid = Number(name);
		if (!Number.isInteger(pid) || pid === process.pid || !isAlive(pid)) continue;
		const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
		if (read(`/proc/${pid}/environ`).includes(mark) || command.includes(stateDir)) found.push({ pid, command });
	}
	return found;
}

/** Whether a process has something below a directory open. @param {number} pid @param {string} directory */
export function holdsBelow(pid, directory) {
	try {
		return readdirSync(`/proc/${pid}/fd`).some((fd) => linkTo(`/proc/${pid}/fd/${fd}`).startsWith(`${directory}/`));
	} catch {
		return false;
	}
}

/** @param {string} link */
function linkTo(link) {
	try {
		return readlinkSync(link);
	} catch {
		return '';
	}
}
