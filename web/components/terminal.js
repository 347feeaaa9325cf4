// xterm.js under a Content-Security-Policy without inline styles.

import { FitAddon } from '/ui/vendor/xterm/addon-fit.mjs';
import { SearchAddon } from '/ui/vendor/xterm/addon-search.mjs';
import { Terminal } from '/ui/vendor/xterm/xterm.mjs';
import { loadStyleSheet } from './style_sheet.js';

const SCROLLBACK_LINES = 20000;
const MOST_WAITING_BYTES = 2 * 1024 * 1024;

await loadStyleSheet('/ui/vendor/xterm/xterm.css');

const createElement = Document.prototype.createElement;

/** Stands in for a style element: what is written to it goes to a constructed sheet, which the policy allows. */
function createStyleStandIn() {
	const element = createElement.call(document, 'div');
	const sheet = new CSSStyleSheet();
	element.hidden = true;
	Object.defineProperty(element, 'textContent', {
		set(text) {
			sheet.replaceSync(text);
		},
	});
	element.remove = () => {
		document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
		Element.prototype.remove.call(element);
	};
	document.adoptedStyleSheets.push(sheet);
	return element;
}

/**
 * xterm.js makes all its style elements while it opens, and always in this document.
 * @param {() => void} open
 */
function withStyleStandIns(open) {
	const shadow = /** @type {any} */ (document);
	shadow.createElement = (/** @type {string} */ name, /** @type {ElementCreationOptions} */ options) =>
		name === 'style' ? createStyleStandIn() : createElement.call(document, name, options);
	try {
		open();
	} finally {
		delete shadow.createElement;
	}
}

/** It gives cells their colours by style attributes, which the policy refuses; the same by script is allowed. @this {HTMLSpanElement} @param {string} name @param {string} value */
HTMLSpanElement.prototype.setAttribute = function setAttribute(name, value) {
	if (name === 'style') this.style.cssText = value;
	else Element.prototype.setAttribute.call(this, name, value);
};

/**
 * @typedef {{onKeys: (text: string) => void, onSearch: () => void, onCopy: () => void, onDrained: () => void}} TerminalEvents
 * onDrained: what write said was too much has been shown
 */

/** Keys that are the page's, not the board's: what each does. @param {Terminal} terminal @param {TerminalEvents} events */
function handlePageKeys(terminal, events) {
	terminal.attachCustomKeyEventHandler((event) => {
		if (event.key === 'Tab' && event.shiftKey) return false;
		if (!event.ctrlKey || !event.shiftKey) return true;
		const act = { F: events.onSearch, C: events.onCopy }[event.key.toUpperCase()];
		if (!act) return true;
		event.preventDefault();
		if (event.type === 'keydown') act();
		return false;
	});
}

/** @param {HTMLElement} parent @param {TerminalEvents} events */
export function createTerminal(parent, events) {
	const terminal = new Terminal({ scrollback: SCROLLBACK_LINES, convertEol: true, screenReaderMode: true, fontSize: 14, allowProposedApi: true });
	const fit = new FitAddon();
	const search = new SearchAddon();
	terminal.loadAddon(fit);
	terminal.loadAddon(search);
	withStyleStandIns(() => terminal.open(parent));
	handlePageKeys(terminal, events);
	terminal.onData(events.onKeys);
	const observer = new ResizeObserver(() => fit.fit());
	observer.observe(parent);
	let waiting = 0;
	let isFull = false;
	return {
		/** True: that is more than can be shown for now; onDrained follows. @param {string | Uint8Array} data */
		write(data) {
			waiting += data.length;
			isFull ||= waiting > MOST_WAITING_BYTES;
			terminal.write(data, () => {
				waiting -= data.length;
				if (!isFull || waiting > MOST_WAITING_BYTES / 4) return;
				isFull = false;
				events.onDrained();
			});
			return isFull;
		},
		/** In its turn: what was written before goes with it. */
		clear: () => terminal.write('\x1bc'),
		/** What is chosen, else all. */
		selectedText() {
			if (terminal.hasSelection()) return terminal.getSelection();
			terminal.selectAll();
			const text = terminal.getSelection();
			terminal.clearSelection();
			return text.trimEnd();
		},
		focus: () => terminal.focus(),
		/** @param {string} text */
		findNext: (text) => search.findNext(text),
		/** @param {string} text */
		findPrevious: (text) => search.findPrevious(text),
		dispose() {
			observer.disconnect();
			terminal.dispose();
		},
	};
}
