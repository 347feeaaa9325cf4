// What lies in an instance's state directory, as another tool would find it.

import { existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

export class StateDir {
	/** @param {{path: string}} instance */
	constructor(instance) {
		this.path = instance.path;
	}

	/** @param {string} name */
	file(name) {
		return path.join(this.path, name);
	}

	/** @param {string} name */
	has(name) {
		return existsSync(this.file(name));
	}

	/** @param {string} name */
	read(name) {
		return readFileSync(this.file(name), 'utf8');
	}

	/** @param {string} name */
	json(name) {
		return JSON.parse(this.read(name));
	}

	/** @param {string} name the process */
	pid(name) {
		return Number(this.read(`${name}.pid`));
	}

	names() {
		return existsSync(this.path) ? readdirSync(this.path).sort() : [];
	}

	/** What must be gone when nothing runs: handles, pid files, sockets, links of ptys. */
	remains() {
		return this.names().filter((name) =>
			name === 'handles.json' || name.endsWith('.pid') || lstatSync(this.file(name)).isSocket() || lstatSync(this.file(name)).isSymbolicLink());
	}
}
