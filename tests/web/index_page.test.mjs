// What index.html asks for ahead of time is what the page will ask for: nothing in vain, nothing later than it need be.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Api } from '../../web/lib/api.js';

const WEB = fileURLToPath(new URL('../../web', import.meta.url));
const read = (/** @type {string} */ file) => readFileSync(path.join(WEB, file), 'utf8');
const index = read('index.html');

/** A module and all that it imports before it runs. @param {string} file @param {Set<string>} [found] */
function modulesOf(file, found = new Set()) {
	if (found.has(file)) return found;
	found.add(file);
	for (const [, imported] of read(file).matchAll(/^import (?:.* from )?'(\.[^']+)';$/gm)) modulesOf(path.join(path.dirname(file), imported), found);
	return found;
}

test('the modules of the first page are all preloaded, and no others', () => {
	const preloaded = [...index.matchAll(/rel="modulepreload" href="\/ui\/([^"]+)"/g)].map(([, file]) => file);
	assert.deepEqual([...preloaded].sort(), [...modulesOf('app.js'), ...modulesOf('views/instances.js')].filter((file, at, all) => all.indexOf(file) === at).sort());
});

test('the list of instances is preloaded as it is asked for', async (t) => {
	/** @type {string[]} */
	const asked = [];
	t.mock.method(globalThis, 'fetch', async (/** @type {string} */ url) => {
		asked.push(url);
		return Response.json({ instances: [], next_cursor: null });
	});
	await new Api(async () => '').listInstances();
	const [, href] = /rel="preload" as="fetch" href="([^"]+)"/.exec(index) ?? [];
	assert.deepEqual(asked, [href]);
});
