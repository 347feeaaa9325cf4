// xterm.js under a Content-Security-Policy without inline styles.

import { FitAddon } from '/ui/vendor/xterm/addon-fit.mjs';
import { Terminal } from '/ui/vendor/xterm/xterm.mjs';

const SCROLLBACK_LINES = 10000;

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

/**
 * @param {HTMLElement} parent
 * @param {(text: string) => void} onKeys
 * @returns {{write: (data: string | Uint8Array) => void, clear: () => void, focus: () => void}}
 */
export function createTerminal(parent, onKeys) {
	const terminal = new Terminal({ scrollback: SCROLLBACK_LINES, convertEol: true, screenReaderMode: true, fontSize: 14 });
	const fit = new FitAddon();
	terminal.loadAddon(fit);
	withStyleStandIns(() => terminal.open(parent));
	terminal.attachCustomKeyEventHandler((event) => !(event.key === 'Tab' && event.shiftKey));
	terminal.onData(onKeys);
	new ResizeObserver(() => fit.fit()).observe(parent);
	return {
		write: (data) => terminal.write(data),
		clear: () => terminal.reset(),
		focus: () => terminal.focus(),
	};
}
