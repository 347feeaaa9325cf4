// The dashboard: which view is shown, and what all of them share.

import { element, setText } from './components/dom.js';
import { Notices } from './components/notices.js';
import { askToken } from './components/sign_in.js';
import { followTheme } from './components/theme.js';
import { Api, Problem } from './lib/api.js';
import { connectFeed } from './lib/feed_client.js';
import { matchRoute } from './lib/routes.js';
import { Store } from './lib/store.js';

/**
 * @typedef {{api: Api, store: Store, notices: Notices}} App what every view is handed
 * @typedef {{parameters: Record<string, string>, query: URLSearchParams}} Place
 * @typedef {{title: string, unmount: () => void}} Mounted
 * @typedef {(outlet: HTMLElement, place: Place, app: App) => Mounted} View
 */

/** A view is loaded when it is first wanted. @type {Record<string, () => Promise<{mount: View}>>} */
const VIEWS = {
	'/instances': () => import('./views/instances.js'),
	'/instances/:id/:tab?': () => import('./views/instance.js'),
	'/new': () => import('./views/new_instance.js'),
	'/runs': () => import('./views/runs.js'),
	'/runs/:id/:tab?': () => import('./views/run.js'),
	'/new-run': () => import('./views/new_run.js'),
	'/targets': () => import('./views/targets.js'),
	'/files': () => import('./views/files.js'),
	'/service': () => import('./views/service.js'),
};

const FEED = '/v1/events?samples=true';
const outlet = element('main', HTMLElement);
const notices = new Notices(element('notices', HTMLElement), element('announcer', HTMLElement));
const api = new Api(askToken);
const store = new Store(api);
/** @type {Mounted | null} */
let mounted = null;
let wanted = 0;

async function show() {
	const place = matchRoute(location.hash, Object.keys(VIEWS)) ?? { pattern: '/instances', parameters: {}, query: new URLSearchParams() };
	const turn = ++wanted;
	const { mount } = await VIEWS[place.pattern]();
	if (turn !== wanted) return;
	mounted?.unmount();
	outlet.replaceChildren();
	mounted = mount(outlet, place, { api, store, notices });
	document.title = `${mounted.title} – emud`;
	for (const link of element('pages', HTMLElement).querySelectorAll('a')) {
		const isHere = link.hash !== '' && location.hash.startsWith(link.hash);
		if (isHere) link.setAttribute('aria-current', 'page');
		else link.removeAttribute('aria-current');
	}
}

const WORDS = { connecting: 'Connecting …', connected: '', lost: '', unauthorized: '' };

function showConnection() {
	const lost = element('lost', HTMLElement);
	setText(element('connection', HTMLElement), WORDS[store.connection]);
	lost.hidden = store.connection !== 'lost';
	setText(lost, lost.hidden ? '' : 'emud does not answer. What is shown may be old; it catches up by itself when emud is back.');
}

async function load() {
	// One that does not answer is told by the stream of events, which also brings the next load.
	await store.load().catch((error) => void (error instanceof Problem && error.status === 0 || notices.fail(error)));
}

/** @type {Awaited<ReturnType<typeof connectFeed>> | null} */
let feed = null;

async function follow() {
	feed = await connectFeed(FEED, {
		onEvent: (event) => store.apply(event),
		onStatus(status) {
			if (store.setConnection(status)) void load();
			if (status === 'unauthorized') void api.askToSignIn().then(() => feed?.retry());
		},
	});
}

followTheme(element('theme', HTMLSelectElement));
store.subscribe('connection', showConnection);
element('skip', HTMLElement).addEventListener('click', (event) => {
	event.preventDefault();
	outlet.focus();
});
addEventListener('hashchange', async () => {
	await show();
	// Who moves by keyboard or hears the page goes on where the new view begins.
	outlet.focus({ preventScroll: true });
	notices.announce(document.title);
});
addEventListener('pagehide', () => feed?.close());
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
// A worker that starts at the same time would only keep what is there to be seen from being shown.
void Promise.all([load(), show()]).then(follow);
