// xterm.js under a Content-Security-Policy without inline styles.

import { FitAddon } from '/ui/vendor/xterm/addon-fit.mjs';
import { SearchAddon } from '/ui/vendor/xterm/addon-search.mjs';
import { Terminal } from '/ui/vendor/xterm/xterm.mjs';
import { loadStyleSheet } from './style_sheet.js';

const SCROLLBACK_LINES = 20000;
/** Less would cut off what is lowest in a cell, which is the underscore: heights are rounded down. */
const LINE_HEIGHT = 1.1;
const MOST_WAITING_BYTES = 2 * 1024 * 1024;
/** More than that at once nobody can follow by ear, and telling it would make it half as fast. */
const MOST_SPOKEN_BYTES = 64 * 1024;
/** Parsed in one turn: of what is dearest for its length (a screen that is scrolled, again and again) a few hundred ms. */
const SLICE_BYTES = 2048;
/** Higher than any screen, wider than any tab stop is far. */
const MOST_REPEATS = 255;
const SPOKEN_AGAIN_MS = 1000;

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

/** What asks for an answer, which would go to the board as if it were typed. */
const QUERIES = [
	{ final: 'c' }, { prefix: '>', final: 'c' }, { final: 'n' }, { prefix: '?', final: 'n' },
	{ intermediates: '$', final: 'p' }, { prefix: '?', intermediates: '$', final: 'p' },
];
const COLOURS = [4, 10, 11, 12];
const COLOUR_QUERY = /^[\d;]*\?$/;
const COLOUR_RESETS = [104, 110, 111, 112];

/** Old output asks again when it is shown again, and other pages may show it, too. @param {Terminal} terminal @param {() => boolean} isMute */
function muteAnswers({ parser }, isMute) {
	for (const query of QUERIES) parser.registerCsiHandler(query, isMute);
	parser.registerDcsHandler({ intermediates: '$', final: 'q' }, isMute);
	// They stay as they are: each change paints all anew, and what is read is to be read.
	for (const colour of COLOURS) parser.registerOscHandler(colour, (data) => !COLOUR_QUERY.test(data) || isMute());
	for (const reset of COLOUR_RESETS) parser.registerOscHandler(reset, () => true);
}

/** What is done as often as a number says, one by one: up to 2^31 times, in which the page would stand still. */
const REPEATED = ['I', 'L', 'M', 'S', 'T', 'Z', 'b'];

/** @param {Terminal} terminal */
function boundRepeats({ parser }) {
	for (const final of REPEATED) parser.registerCsiHandler({ final }, ([count]) => Number(count) > MOST_REPEATS);
}

/** @param {HTMLElement} parent */
function openTerminal(parent) {
	const terminal = new Terminal({
		scrollback: SCROLLBACK_LINES, convertEol: true, screenReaderMode: true, fontSize: 14, lineHeight: LINE_HEIGHT, allowProposedApi: true,
		minimumContrastRatio: 4.5, theme: { background: getComputedStyle(parent).backgroundColor },
		// Bytes that are no text are no fault of the page.
		logLevel: 'off',
	});
	withStyleStandIns(() => terminal.open(parent));
	// The text of a link stays; where it leads, a board does not say.
	terminal.parser.registerOscHandler(8, () => true);
	boundRepeats(terminal);
	return terminal;
}

/**
 * Floods are kept from screen readers; what the screen shows then is told again when they are over.
 * @param {Terminal} terminal
 * @returns {(waiting: number) => void} to be told at each change of what waits to be shown
 */
function createSpeech(terminal) {
	let floodedAt = -Infinity;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let timer;
	return function note(waiting) {
		const now = performance.now();
		if (waiting > MOST_SPOKEN_BYTES) floodedAt = now;
		const isFlood = now - floodedAt < SPOKEN_AGAIN_MS;
		clearTimeout(timer);
		if (isFlood) timer = setTimeout(() => terminal.element?.isConnected && note(0), SPOKEN_AGAIN_MS);
		if (terminal.options.screenReaderMode === isFlood) terminal.options.screenReaderMode = !isFlood;
	};
}

/** Between them it looks at the clock, and lets the page go on. @param {Terminal} terminal @param {Uint8Array} data @returns {Uint8Array} the last one, which is not written yet */
function writeSlices(terminal, data) {
	let from = 0;
	for (; data.length - from > SLICE_BYTES; from += SLICE_BYTES) terminal.write(data.subarray(from, from + SLICE_BYTES));
	return data.subarray(from);
}

/** @param {Terminal} terminal @param {() => void} onDrained */
function createWriter(terminal, onDrained) {
	const noteFlood = createSpeech(terminal);
	let waiting = 0;
	let waitingOld = 0;
	let isFull = false;
	muteAnswers(terminal, () => waitingOld > 0 || !document.hasFocus());
	/** True: that is more than can be shown for now; onDrained follows. isNew: it has just been printed. @param {string | Uint8Array} data */
	return (data, isNew = false) => {
		const old = isNew ? 0 : data.length;
		waiting += data.length;
		waitingOld += old;
		noteFlood(waiting);
		isFull ||= waiting > MOST_WAITING_BYTES;
		const rest = typeof data === 'string' ? data : writeSlices(terminal, data);
		terminal.write(rest, () => {
			waiting -= data.length;
			waitingOld -= old;
			noteFlood(waiting);
			if (!isFull || waiting > MOST_WAITING_BYTES / 4) return;
			isFull = false;
			onDrained();
		});
		return isFull;
	};
}

/** The normal screen, no mouse, lines that end as ours do; modes, attributes and character sets as at first; the cursor, too. */
const SANE = '\x1b[?47;1000;1006;2026l\x1b[20h\x1b[!p\x1b[0 q';

/** What it holds stays, and the cursor where the normal screen has it. @param {Terminal} terminal */
function makeSane(terminal) {
	// In its turn: what was written before may have brought it where it is.
	terminal.write('', () => {
		const { cursorX, cursorY } = terminal.buffer.normal;
		terminal.write(`${SANE}\x1b[${cursorY + 1};${cursorX + 1}H`);
	});
}

/** @param {HTMLElement} parent @param {TerminalEvents} events */
export function createTerminal(parent, events) {
	const terminal = openTerminal(parent);
	const fit = new FitAddon();
	const search = new SearchAddon();
	terminal.loadAddon(fit);
	terminal.loadAddon(search);
	handlePageKeys(terminal, events);
	terminal.onData(events.onKeys);
	const observer = new ResizeObserver(() => fit.fit());
	observer.observe(parent);
	return {
		write: createWriter(terminal, events.onDrained),
		/** In its turn: what was written before goes with it, and how it had lines end. */
		clear: () => terminal.write('\x1bc\x1b[20h'),
		/** After a board that left it in a state of its own. */
		makeSane: () => makeSane(terminal),
		/** In its turn, too. */
		scrollToTop: () => terminal.write('', () => terminal.scrollToTop()),
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
