// The dashboard: which view is shown, and what all of them share.

import { element, setText } from './components/dom.js';
import { keepFocus } from './components/focus_keeper.js';
import { Notices } from './components/notices.js';
import { askToken, offerSignOut } from './components/sign_in.js';
import { refuseStrayDrops } from './components/stray_drops.js';
import { followTheme } from './components/theme.js';
import { Api } from './lib/api.js';
import { FeedClient } from './lib/feed_client.js';
import { matchRoute } from './lib/routes.js';
import { Store } from './lib/store.js';

/**
 * @typedef {{api: Api, store: Store, notices: Notices, beginAnew: () => string}} App what every view is handed; beginAnew: a module that
 *   the address needs did not come; returns what is to be said of it
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

/** Those that are part of another one of the pages that the bar links to. @type {Record<string, string>} */
const PART_OF = { '/new': '/instances', '/new-run': '/runs' };

const FEED = '/v1/events?samples=true';
/** The lists may be that much ahead of the stream of events: no more, else one that is never answered would hold it up. */
const HEAD_START_MS = 1000;
const LOAD_RETRY_MS = 5000;
const outlet = element('main', HTMLElement);
const api = new Api(askToken);
const store = new Store(api);
const notices = new Notices(element('notices', HTMLElement), element('announcer', HTMLElement), { isConnected: () => store.connection === 'connected' });
/** @type {Mounted | null} */
let mounted = null;
let wanted = 0;
/** The address for which a module did not come. @type {string | null} */
let lackedAt = null;

/**
 * Most browsers never ask again for a module that did not come, and those of another version may not fit the ones that are here: the page is
 * loaded anew, now or when emud is back. Once a visit of an address, else it would go on for ever.
 */
function beginAnew() {
	lackedAt = location.hash;
	if (history.state?.isAnew) return 'emud did not send this page. To ask again, choose it again.';
	if (store.connection !== 'connected') return 'emud did not send this page: it is asked again when it is back.';
	history.replaceState({ isAnew: true }, '');
	location.reload();
	return '';
}

async function show() {
	const place = matchRoute(location.hash, Object.keys(VIEWS)) ?? { pattern: '/instances', parameters: {}, query: new URLSearchParams() };
	const turn = ++wanted;
	const view = await VIEWS[place.pattern]().catch(() => null);
	if (turn !== wanted) return;
	if (!view) {
		const told = beginAnew();
		if (told) notices.fail(told);
		return;
	}
	lackedAt = null;
	mounted?.unmount();
	outlet.replaceChildren();
	mounted = view.mount(outlet, place, { api, store, notices, beginAnew });
	document.title = `${mounted.title} – emud`;
	const page = PART_OF[place.pattern] ?? `/${place.pattern.split('/')[1]}`;
	for (const link of element('pages', HTMLElement).querySelectorAll('a')) {
		if (link.hash === `#${page}`) link.setAttribute('aria-current', 'page');
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

/** @type {ReturnType<typeof setTimeout> | undefined} */
let nextLoad;
let loadFault = '';

async function load() {
	clearTimeout(nextLoad);
	try {
		await store.load();
		loadFault = '';
	} catch (error) {
		if (String(error) !== loadFault) notices.failAsking(error);
		loadFault = String(error);
		// When that is lost, the next one brings the next load.
		if (store.connection === 'connected') nextLoad = setTimeout(load, LOAD_RETRY_MS);
	}
}

/** What changed while nothing was heard is not known yet. */
let isBehind = false;

/** Not all of the tabs there are at the same moment: those that nobody sees wait till somebody does. */
function catchUp() {
	isBehind = document.hidden;
	if (isBehind) return;
	if (lackedAt === location.hash) beginAnew();
	void load();
}

function becomeVisible() {
	if (isBehind) catchUp();
	feed.look();
}

const feed = new FeedClient(FEED, {
	onEvent(event) {
		store.apply(event);
		if (event.type === 'events.dropped') catchUp();
	},
	onStatus(status) {
		store.setConnection(status);
		if (status === 'connected') {
			// Word of a refusal may have been slower than the token that another tab was given.
			api.noteSession();
			notices.forgetLoss();
			void offerSignOut(element('sign-out', HTMLButtonElement), api, notices);
		}
		if (status === 'unauthorized') void api.askToSignIn().catch((error) => notices.failAsking(error)).then(() => feed.retry());
	},
});

followTheme(element('theme', HTMLSelectElement));
keepFocus(outlet);
refuseStrayDrops();
store.subscribe('connection', showConnection);
store.subscribe('returned', () => api.noteReturn());
store.subscribe('connected', catchUp);
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
// What is chosen again changes no address.
addEventListener('popstate', () => lackedAt === location.hash && void show());
addEventListener('online', () => feed.look());
document.addEventListener('visibilitychange', () => document.hidden || becomeVisible());
addEventListener('pagehide', () => feed.close());
// Back from the browser's memory with all that was typed: only what happened meanwhile is missing.
addEventListener('pageshow', ({ persisted }) => persisted && feed.open());
// A worker that starts at the same time would only keep what is there to be seen from being shown.
const headStart = new Promise((resolve) => void setTimeout(resolve, HEAD_START_MS));
void Promise.race([Promise.all([load(), show()]), headStart]).finally(() => feed.open());
