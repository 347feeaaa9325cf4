// The worker that tabs share, as seen from outside: to run scripts in, and to measure.

import assert from 'node:assert/strict';

import { within } from './deadline.mjs';

/**
 * Who stays attached to one that dies keeps another of its name from starting: detach() before.
 * @param {import('playwright-core').Page} page any of its tabs
 */
export async function attachToWorker(page) {
	const browser = page.context().browser();
	assert.ok(browser);
	const session = await browser.newBrowserCDPSession();
	const { targetInfos } = await session.send('Target.getTargets');
	const worker = targetInfos.find(({ type, url }) => type === 'shared_worker' && url.startsWith(new URL(page.url()).origin));
	assert.ok(worker, 'the worker runs');
	const { sessionId } = await session.send('Target.attachToTarget', { targetId: worker.targetId, flatten: false });
	/** @type {Map<number, (result: any) => void>} */
	const waiting = new Map();
	let lastId = 0;
	session.on('Target.receivedMessageFromTarget', ({ message }) => {
		const { id, result } = JSON.parse(message);
		waiting.get(id)?.(result);
		waiting.delete(id);
	});
	/** @param {string} method of the DevTools protocol @param {object} [params] @returns {Promise<any>} */
	const send = (method, params = {}) => within(new Promise((resolve, reject) => {
		const id = ++lastId;
		waiting.set(id, resolve);
		session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) }).catch(reject);
	}), `${method} in the worker`);
	return {
		send,
		/** @param {string} script @returns {Promise<any>} its value */
		run: async (script) => (await send('Runtime.evaluate', { expression: script })).result.value,
		detach: () => session.detach(),
	};
}
