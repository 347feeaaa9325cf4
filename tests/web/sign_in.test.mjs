// The question for a token, over several tabs: each has an Api of its own, and hears of the others as tabs do.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until, within } from '../lib/deadline.mjs';
import { Api } from '../../web/lib/api.js';

const TOKEN = 'known here';

/** A service that has one session for all tabs, as a browser's cookie is one. @param {import('node:test').TestContext} t */
function serve(t) {
	const service = { hasSession: false };
	t.mock.method(globalThis, 'fetch', async (/** @type {string} */ path, /** @type {{body?: string}} */ { body }) => {
		if (path === '/v1/session') service.hasSession = JSON.parse(body ?? '').token === TOKEN;
		return new Response(JSON.stringify({ is: path }), { status: service.hasSession ? 200 : 401 });
	});
	return service;
}

/** A tab, and the questions that stand open in it. */
function openTab() {
	/** @type {{answer: (token: string) => void, refused: boolean}[]} */
	const questions = [];
	const api = new Api((refused, signal) => new Promise((resolve) => {
		const question = {
			refused,
			answer: (/** @type {string | null} */ token) => {
				questions.splice(questions.indexOf(question), 1);
				resolve(token);
			},
		};
		questions.push(question);
		signal.addEventListener('abort', () => question.answer(null));
	}));
	return { api, questions };
}

test('a token that is given in one tab is asked for in no other, and every request goes on', async (t) => {
	serve(t);
	const [one, other] = [openTab(), openTab()];
	const requests = ['/v1/a', '/v1/b'].flatMap((path) => [one, other].map(({ api }) => api.request('GET', path)));
	await until(() => one.questions.length && other.questions.length, 'both tabs to ask');
	assert.deepEqual([one.questions.length, other.questions.length], [1, 1]);
	one.questions[0].answer('wrong');
	await until(() => one.questions[0]?.refused, 'the question again');
	assert.equal(other.questions.length, 1, 'a wrong token answers nothing');
	one.questions[0].answer(TOKEN);
	assert.deepEqual(await within(Promise.all(requests), 'the requests'), ['/v1/a', '/v1/a', '/v1/b', '/v1/b'].map((is) => ({ is })));
	assert.deepEqual([one.questions, other.questions], [[], []]);
});

test('a question that came up although there is a session is done with when that is known', async (t) => {
	const service = serve(t);
	const { api, questions } = openTab();
	const late = api.askToSignIn();
	assert.equal(questions.length, 1);
	service.hasSession = true;
	api.noteSession();
	await within(late, 'the question to be done with');
	assert.deepEqual(questions, []);
});
