// Processes around one instance: its shim, and those that others have left to themselves.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

import { until } from './deadline.mjs';
import { isAlive } from './processes.mjs';
import { StateDir } from './state_dir.mjs';

/** @param {() => string} read */
function orNothing(read) {
	try {
		return read();
	} catch {
		return '';
	}
}

/** @param {string} pid @param {string} path */
function holds(pid, path) {
	let descriptors;
	try {
		descriptors = readdirSync(`/proc/${pid}/fd`);
	} catch {
		return false;
	}
	return descriptors.some((fd) => orNothing(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === path);
}

/** The pid of an instance's shim: the one that holds its state directory. @param {{path: string}} instance */
export function findShim(instance) {
	for (const name of readdirSync('/proc')) {
		if (!/^\d+$/.test(name) || !orNothing(() => readFileSync(`/proc/${name}/cmdline`, 'utf8')).startsWith('emud-shim')) continue;
		if (holds(name, instance.path) && isAlive(Number(name))) return Number(name);
	}
	return 0;
}

/** @param {{path: string}} instance */
export function untilShimGone(instance) {
	return until(() => !findShim(instance), `the shim of ${instance.path} to end`);
}

/** @param {number} pid @param {string} what */
export function untilGone(pid, what) {
	return until(() => !isAlive(pid), `${what} (${pid}) to end`);
}

/**
 * A helper command whose grandchild leaves session and parents; its pid comes to stand in grandchild.log.
 * @param {string} [rest] what the helper itself does afterwards
 */
export function daemonizing(rest = 'exec sleep 600') {
	return ['sh', '-c', `setsid --fork sh -c 'echo $$ > $0; exec sleep 600' "$0"; ${rest}`, '$pw_emu_wdir{grandchild.log}'];
}

/** The pid of that grandchild, once it runs. @param {{path: string}} instance */
export async function findGrandchild(instance) {
	const directory = new StateDir(instance);
	const text = await until(() => orNothing(() => directory.read('grandchild.log')).trim(), 'the grandchild to run');
	return Number(text);
}
