// State directories that clients choose: by whoever may write beside them, swapped while they are made, or placed
// within another instance's.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { within } from '../lib/deadline.mjs';
import { startEmud } from '../lib/emud.mjs';

/** An emud with a path root that others may write too. @param {any} t */
async function startWithRoot(t) {
	const emud = await startEmud(t, { server: { path_roots: [] } });
	const root = path.join(emud.directory, 'root');
	mkdirSync(root);
	await emud.end();
	emud.options.args = ['--path-root', root];
	await emud.start();
	const client = emud.client();
	t.after(() => client.close());
	return { emud, client, root };
}

/** @param {string} id @param {string} where */
const stopped = (id, where) => ({ json: { id, target: 'board', path: where, start: false } });

/** Swaps `one` and `other` for as long as it lives. @param {any} t @param {string} one @param {string} other */
async function startSwapping(t, one, other) {
	const program = `
		const { renameSync } = require('node:fs');
		const [one, other] = process.argv.slice(1);
		console.log('swapping');
		for (;;) {
			renameSync(one, one + '.aside');
			renameSync(other, one);
			renameSync(one, other);
			renameSync(one + '.aside', one);
		}`;
	const child = spawn(process.execPath, ['-e', program, one, other], { stdio: ['ignore', 'pipe', 'ignore'] });
	t.after(() => child.kill('SIGKILL'));
	await within(once(child.stdout, 'data'), 'the swapping to begin');
}

test('a directory swapped for a symlink while a state directory is made in it leads nowhere', async (t) => {
	const { emud, client, root } = await startWithRoot(t);
	const outside = path.join(emud.directory, 'outside');
	mkdirSync(outside);
	mkdirSync(path.join(root, 'shared'));
	symlinkSync(outside, path.join(root, 'link'));
	await startSwapping(t, path.join(root, 'shared'), path.join(root, 'link'));
	let made = 0;
	for (let round = 0; round < 300; round++) {
		const id = `board-${round}`;
		const { status, text } = await client.request('POST', '/instances', stopped(id, path.join(root, 'shared', id)));
		assert.ok([201, 403, 409].includes(status), text);
		made += Number(status === 201);
	}
	assert.ok(made > 0, 'none was ever made');
	assert.deepEqual(readdirSync(outside), []);
});

test('a state directory that became a symlink while emud was away is gone, not followed', async (t) => {
	const { emud, client, root } = await startWithRoot(t);
	const where = path.join(root, 'a', 'board');
	await client.post('/instances', { ...stopped('board', where), expect: 201 });
	await emud.end();
	const outside = path.join(emud.directory, 'outside');
	mkdirSync(path.join(outside, 'board'), { recursive: true });
	writeFileSync(path.join(outside, 'board', 'precious.log'), 'precious');
	renameSync(path.join(root, 'a'), path.join(root, 'b'));
	symlinkSync(outside, path.join(root, 'a'));
	await emud.start();
	const started = await client.request('POST', '/instances/board/start');
	assert.equal(started.status, 409, started.text);
	await client.delete('/instances/board');
	assert.ok(existsSync(path.join(outside, 'board', 'precious.log')));
	assert.deepEqual(readdirSync(path.join(outside, 'board')), ['precious.log']);
});

test('no state directory lies within another, by whichever path', async (t) => {
	const { emud, client, root } = await startWithRoot(t);
	const where = path.join(root, 'outer', 'board');
	const { json } = await client.post('/instances', { ...stopped('board', where), expect: 201 });
	symlinkSync('outer', path.join(root, 'alias'));
	const own = (await client.post('/instances', { json: { id: 'own', target: 'board', start: false }, expect: 201 })).json;
	for (const other of [where, path.join(where, 'inner'), path.join(root, 'alias', 'board', 'inner'), path.join(root, 'outer'), path.join(own.path, 'inner')])
		await client.refused(409, 'conflict', 'POST', '/instances', stopped('other', other));
	assert.deepEqual(readdirSync(json.path), ['config.json']);
	assert.deepEqual(readdirSync(own.path), ['config.json']);
	assert.ok(emud.port);
});

test('what runs in a state directory cannot have another program started in it', async (t) => {
	const { emud, client } = await startWithRoot(t);
	const instance = await client.startBoard('board', 'counter');
	const mark = path.join(instance.path, 'tampered');
	const tamper = () => {
		const file = path.join(instance.path, 'spec.json');
		const spec = JSON.parse(readFileSync(file, 'utf8'));
		spec.settings.executable = '/bin/false';
		spec.pre_start = [{ name: 'intruder', command: ['touch', mark] }];
		writeFileSync(file, JSON.stringify(spec));
	};
	tamper();
	const again = (await client.post('/instances/board/restart')).json;
	assert.deepEqual([again.state, again.command[0]], ['running', instance.command[0]]);
	await client.post('/instances/board/stop');
	await emud.end();
	tamper();
	await emud.start();
	assert.equal((await client.post('/instances/board/start')).json.state, 'running');
	assert.ok(!existsSync(mark));
});
