// What runs leave behind when they have ended: rows, and what they printed. Nothing else.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';

import { until } from './deadline.mjs';

/** Every run, newest first. @param {import('./client.mjs').Client} client @param {string} [query] begins with "&" */
export async function listRuns(client, query = '') {
	const all = [];
	for (let cursor = ''; ; ) {
		const { json } = await client.get(`/runs?limit=1000${query}${cursor && `&cursor=${cursor}`}`);
		all.push(...json.runs);
		cursor = json.next_cursor;
		if (!cursor) return all;
	}
}

/** The folders of their output. @param {import('./emud.mjs').Emud} emud */
export function keptFolders(emud) {
	return readdirSync(path.join(emud.stateDir, 'runs')).sort();
}

/**
 * All have ended, and soon there is no board of theirs, no process, no file that nothing tells of.
 * @param {import('./emud.mjs').Emud} emud
 * @param {import('./client.mjs').Client} client
 */
export async function expectNothingLeft(emud, client) {
	await until(async () => (await client.get('/instances')).json.instances.length === 0, 'the boards of all runs to be taken away');
	await until(() => emud.boardProcesses().length === 0, 'the processes of all boards to end');
	const runs = await listRuns(client);
	assert.deepEqual(runs.filter(({ state, instance }) => state !== 'ended' || instance !== null), []);
	const ids = new Set(runs.map(({ id }) => id));
	assert.deepEqual(keptFolders(emud).filter((name) => !ids.has(name)), [], 'folders of runs that are not known');
	const names = readdirSync(path.join(emud.stateDir, 'instances')).filter((name) => !name.startsWith('.'));
	assert.deepEqual(names, [], 'directories of boards');
	const { json } = await client.get('/files?limit=1000');
	const digests = json.files.map((/** @type {{sha256: string}} */ { sha256 }) => sha256).sort();
	assert.deepEqual(readdirSync(path.join(emud.stateDir, 'files')).sort(), digests, 'files');
}
