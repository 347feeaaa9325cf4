// A part of a run's output: its bytes in pieces, cut where lines end, with the deciding line marked. No DOM.
// Offsets count bytes; text is made a piece at a time, so what is kept is bounded however long the output is.

/** What a piece costs at most: so many bytes of plain text. */
export const PIECE_COST = 16 * 1024;
const NEWLINE = 10;
const RETURN = 13;
const CONTINUATION_BYTES_MOST = 3;

/** What a byte costs to show, against one of a long plain line: a million empty lines hold a page up for seconds. */
const COSTS = Uint8Array.from({ length: 256 }, (_, byte) => (byte === NEWLINE || byte === RETURN ? 32 : byte < 32 || byte >= 127 ? 8 : 1));

/**
 * @typedef {{offset: number, bytes: Uint8Array}} Part
 * @typedef {Part & {cost: number}} Piece cost: to show it
 * @typedef {{start: number, end: number}} Mark offsets
 * @typedef {{kind: 'plain' | 'line' | 'match', text: string}} Segment line: of the line that the match is in
 */

/** @param {number} byte */
const isContinuation = (byte) => (byte & 0xc0) === 0x80;

/** @param {Uint8Array} bytes */
const costOf = (bytes) => bytes.reduce((sum, byte) => sum + COSTS[byte], 0);

/**
 * Of bytes that may be too much to show those around a place: half of it before that, and more where there is less behind.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @param {number} most what they may cost
 * @returns {{from: number, to: number}}
 */
export function findWindow(bytes, at, most) {
	let [from, to, cost] = [at, at, 0];
	const goBack = (/** @type {number} */ limit) => {
		while (from > 0 && cost + COSTS[bytes[from - 1]] <= limit) cost += COSTS[bytes[--from]];
	};
	goBack(most / 2);
	while (to < bytes.length && cost + COSTS[bytes[to]] <= most) cost += COSTS[bytes[to++]];
	goBack(most);
	return { from, to };
}

/** Where a piece ends that begins at `from`: behind a line, else between two characters. @param {Uint8Array} bytes @param {number} from */
function findCut(bytes, from) {
	const { to: most } = findWindow(bytes.subarray(from, from + PIECE_COST), 0, PIECE_COST);
	if (from + most === bytes.length) return bytes.length;
	const newline = bytes.subarray(from, from + most).lastIndexOf(NEWLINE);
	if (newline >= 0) return from + newline + 1;
	for (let back = 0; back <= CONTINUATION_BYTES_MOST; back++) if (!isContinuation(bytes[from + most - back])) return from + most - back;
	return from + most;
}

/** @param {number} offset @param {Uint8Array} bytes @returns {Piece[]} */
function cutPieces(offset, bytes) {
	/** @type {Piece[]} */
	const pieces = [];
	for (let from = 0; from < bytes.length;) {
		const to = findCut(bytes, from);
		const piece = bytes.subarray(from, to);
		pieces.push({ offset: offset + from, bytes: piece, cost: costOf(piece) });
		from = to;
	}
	return pieces;
}

/** @param {Uint8Array} first @param {Uint8Array} second */
function join(first, second) {
	const all = new Uint8Array(first.length + second.length);
	all.set(first);
	all.set(second, first.length);
	return all;
}

export class RunLog {
	/** @param {number} [offset] where it begins */
	constructor(offset = 0) {
		/** @type {Piece[]} without gaps */
		this.pieces = [];
		this.start = offset;
		this.end = offset;
		/** To show all of it. */
		this.cost = 0;
	}

	get size() {
		return this.end - this.start;
	}

	/** @param {Uint8Array} bytes those from its end on */
	append(bytes) {
		const last = this.pieces.at(-1);
		const isOpen = last && (last.cost < PIECE_COST || last.bytes.at(-1) !== NEWLINE);
		if (isOpen) this.count(this.pieces.splice(-1), -1);
		const pieces = isOpen ? cutPieces(last.offset, join(last.bytes, bytes)) : cutPieces(this.end, bytes);
		this.pieces.push(...pieces);
		this.count(pieces, 1);
		this.end += bytes.length;
	}

	/** @param {Uint8Array} bytes those up to its start */
	prepend(bytes) {
		// The first piece may begin within a line, or a character: it is cut anew.
		const [first] = this.pieces;
		this.count(this.pieces.splice(0, 1), -1);
		this.start -= bytes.length;
		const pieces = cutPieces(this.start, first ? join(bytes, first.bytes) : bytes);
		this.pieces.unshift(...pieces);
		this.count(pieces, 1);
	}

	/** @param {Piece[]} pieces that come or go @param {1 | -1} sign */
	count(pieces, sign) {
		for (const { cost } of pieces) this.cost += sign * cost;
	}

	/** Drops pieces at the start until the others cost no more than `most`, but for the last piece. @param {number} most */
	trimStart(most) {
		let count = 0;
		while (this.cost > most && count < this.pieces.length - 1) {
			this.start += this.pieces[count].bytes.length;
			this.cost -= this.pieces[count++].cost;
		}
		this.pieces.splice(0, count);
	}

	/** The same at the end. @param {number} most */
	trimEnd(most) {
		while (this.cost > most && this.pieces.length > 1) {
			const [last] = this.pieces.splice(-1);
			this.end -= last.bytes.length;
			this.cost -= last.cost;
		}
	}

	/** @param {Mark} mark */
	holds({ start, end }) {
		return start >= this.start && Math.max(start, Math.min(end, start + 1)) <= this.end;
	}
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-Z\\^-~])/g;
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** As text without colours: other control characters show as \x00, bytes that are no UTF-8 as U+FFFD. @param {Uint8Array} bytes */
export const textOf = (bytes) =>
	decoder.decode(bytes).replaceAll(ESCAPES, '').replaceAll(/\r+\n/g, '\n').replaceAll(CONTROLS, (character) =>
		character === '\r' ? '\n' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Whether a piece shows some of the mark. @param {Part} piece @param {Mark | null} mark @param {boolean} isLast */
export function bears({ offset, bytes }, mark, isLast = false) {
	if (!mark) return false;
	const end = offset + bytes.length;
	if (mark.start === mark.end) return mark.start >= offset && (mark.start < end || (isLast && mark.start === end));
	return mark.start < end && mark.end > offset;
}

/**
 * The text of a piece that bears the mark.
 * @param {Part} piece
 * @param {Mark} mark
 * @returns {Segment[]}
 */
export function layOut({ offset, bytes }, mark) {
	const from = Math.max(0, mark.start - offset);
	const to = Math.max(from, Math.min(bytes.length, mark.end - offset));
	const lineFrom = from === 0 ? 0 : bytes.lastIndexOf(NEWLINE, from - 1) + 1;
	const newline = bytes.indexOf(NEWLINE, Math.max(lineFrom, to - 1));
	const lineTo = newline < 0 ? bytes.length : Math.max(to, newline + 1);
	/** @type {[Segment['kind'], number, number][]} */
	const parts = [['plain', 0, lineFrom], ['line', lineFrom, from], ['match', from, to], ['line', to, lineTo], ['plain', lineTo, bytes.length]];
	/** A line's end that is parted is one line's end all the same. @param {number} end */
	const beforeNewline = (end) => (bytes[end - 1] === RETURN && bytes[end] === NEWLINE ? end - 1 : end);
	return parts.filter(([, begin, end]) => end > begin).map(([kind, begin, end]) => ({ kind, text: textOf(bytes.subarray(begin, beforeNewline(end))) }));
}
