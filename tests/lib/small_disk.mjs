// A file system of a few MiB to keep state on, and to fill.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Emud } from './emud.mjs';

const MIB = 1 << 20;

export class SmallDisk {
	/** @param {string} directory */
	constructor(directory) {
		this.directory = directory;
		this.ballast = path.join(directory, 'ballast');
	}

	get freeBytes() {
		const { bavail, bsize } = statfsSync(this.directory);
		return bavail * bsize;
	}

	/** Leaves this much free. @param {number} bytes */
	fill(bytes) {
		writeFileSync(this.ballast, Buffer.alloc(this.freeBytes - bytes));
	}

	free() {
		rmSync(this.ballast);
	}

	unmount() {
		spawnSync('umount', [this.directory]);
		rmSync(this.directory, { recursive: true });
	}
}

/** @param {number} bytes @returns {SmallDisk | null} null: it may not be mounted here */
export function mountSmallDisk(bytes) {
	const directory = mkdtempSync(path.join(os.tmpdir(), 'emud-disk-'));
	const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'emud-test', directory], { stdio: 'ignore' });
	if (status === 0) return new SmallDisk(directory);
	rmSync(directory, { recursive: true });
	return null;
}

/** An emud with its state on one; null where a file system cannot be mounted. @param {any} t */
export async function startOnSmallDisk(t) {
	const disk = mountSmallDisk(24 * MIB);
	if (!disk) return null;
	const emud = new Emud({ server: { limits: { free_bytes: 6 * MIB } } });
	emud.stateDir = `${disk.directory}/state`;
	t.after(async () => {
		try {
			await emud.finish();
		} finally {
			disk.unmount();
		}
	});
	await emud.start();
	return { emud, disk, client: emud.client() };
}
