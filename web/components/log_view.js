// A part of a long output on the screen: its pieces as they are, the end in view as it grows, the deciding line marked.

import { bears, layOut, textOf } from '../lib/run_log.js';
import { fill, h } from './dom.js';

const NEWLINE = 10;
const NEAR_END_PX = 24;
/** A movement by key goes on for a while, and is over by then. */
const MOVEMENT_MS = 400;

/**
 * @typedef {import('../lib/run_log.js').RunLog} RunLog
 * @typedef {import('../lib/run_log.js').Piece} Piece
 * @typedef {import('../lib/run_log.js').Mark} Mark
 * @typedef {{element: HTMLElement, shown: number, isMarked: boolean, isWhole: boolean}} Block shown: bytes; isWhole: they end a line
 */

export class LogView {
	/**
	 * @param {{onScroll: (isAtEnd: boolean) => void, onMove: (isByUser: boolean) => void}} options
	 * onScroll: to the end, or away from it by the user; onMove: another place is in view
	 */
	constructor({ onScroll, onMove }) {
		/** @type {Map<number, Block>} by the offset of its piece, in order */
		this.blocks = new Map();
		/** @type {Mark | null} */
		this.mark = null;
		this.element = h('div', {
			class: 'run-log', tabIndex: 0, role: 'region', 'aria-label': 'Output of the run',
			onscroll: () => {
				if (this.isAtEnd || this.isMovedAway) onScroll(this.isAtEnd);
				onMove(this.element.scrollTop !== this.putTop && !this.isCarriedOn);
			},
			// Who is at an end already, and wants to go on, scrolls nothing.
			onwheel: () => onMove(!this.isCarriedOn),
			onkeydown: () => onMove(!this.isCarriedOn),
		});
		this.jumpedAt = -MOVEMENT_MS;
		/** Where the page itself put it last. */
		this.putTop = 0;
		/** When something was put above what is read: the movement that led to that may go on, and is no wish for more. */
		this.keptAt = -MOVEMENT_MS;
		/** Where the end was last put: what is laid out later may lengthen the output, which moves nobody away. */
		this.endTop = 0;
	}

	get isAtEnd() {
		const { scrollTop, clientHeight, scrollHeight } = this.element;
		return scrollTop + clientHeight >= scrollHeight - NEAR_END_PX;
	}

	get isAtStart() {
		return this.element.scrollTop <= NEAR_END_PX;
	}

	get isCarriedOn() {
		return performance.now() < this.keptAt + MOVEMENT_MS;
	}

	get isMovedAway() {
		return this.element.scrollTop < this.endTop && performance.now() > this.jumpedAt + MOVEMENT_MS;
	}

	/**
	 * Shows what the log holds now. What was there before stays where it is.
	 * @param {RunLog} log
	 * @param {Mark | null} mark
	 */
	show(log, mark) {
		this.mark = mark;
		const offsets = new Set(log.pieces.map(({ offset }) => offset));
		for (const [offset, { element }] of this.blocks)
			if (!offsets.has(offset)) {
				element.remove();
				this.blocks.delete(offset);
			}
		/** @type {Map<number, Block>} */
		const blocks = new Map();
		/** @type {HTMLElement | null} */
		let before = null;
		for (const [index, piece] of log.pieces.entries()) {
			const block = this.put(piece, index === log.pieces.length - 1);
			const { element } = block;
			blocks.set(piece.offset, block);
			const place = /** @type {ChildNode | null} */ (before ? before.nextSibling : this.element.firstChild);
			if (place !== element) this.element.insertBefore(element, place);
			before = element;
		}
		this.blocks = blocks;
	}

	/** @param {Piece} piece @param {boolean} isLast @returns {Block} */
	put(piece, isLast) {
		const { offset, bytes } = piece;
		const isMarked = bears(piece, this.mark, isLast);
		const known = this.blocks.get(offset);
		if (known && known.shown === bytes.length && known.isMarked === isMarked) return known;
		const block = known ?? { element: h('div'), shown: 0, isMarked: false, isWhole: true };
		// What is being read, or chosen, is left alone where lines are only added.
		if (known && !isMarked && !known.isMarked && known.isWhole && bytes.length > known.shown) block.element.append(textOf(bytes.subarray(known.shown)));
		else if (isMarked && this.mark) fill(block.element, layOut(piece, this.mark).map(createSegment));
		else fill(block.element, textOf(bytes));
		return Object.assign(block, { shown: bytes.length, isMarked, isWhole: bytes.at(-1) === NEWLINE });
	}

	/** @param {number} top */
	moveTo(top) {
		this.element.scrollTop = top;
		this.putTop = this.element.scrollTop;
	}

	scrollToEnd() {
		this.moveTo(this.element.scrollHeight);
		this.endTop = this.element.scrollTop;
	}

	/** By the user, whatever movement is under way. */
	jumpToEnd() {
		this.jumpedAt = performance.now();
		this.scrollToEnd();
	}

	scrollToStart() {
		this.moveTo(0);
	}

	/** About which offset stands at the top: what a byte takes up differs. */
	get place() {
		const top = this.element.getBoundingClientRect().top;
		for (const [offset, { element, shown }] of this.blocks) {
			const box = element.getBoundingClientRect();
			if (box.bottom > top) return offset + Math.floor(shown * Math.max(0, (top - box.top) / box.height));
		}
		return 0;
	}

	/** @param {number} place an offset */
	scrollToPlace(place) {
		const found = [...this.blocks].find(([offset, { shown }]) => offset + shown > place);
		if (!found) return this.scrollToEnd();
		const [offset, { element, shown }] = found;
		const box = element.getBoundingClientRect();
		this.moveTo(this.element.scrollTop + box.top - this.element.getBoundingClientRect().top + (box.height * (place - offset)) / shown);
	}

	scrollToMark() {
		const found = this.element.querySelector('mark, .deciding');
		if (!(found instanceof HTMLElement)) return false;
		// Alone within the log: the page stays where it is.
		const { top } = found.getBoundingClientRect();
		const box = this.element.getBoundingClientRect();
		this.moveTo(this.element.scrollTop + top - box.top - box.height / 2);
		return true;
	}

	/** Does what changes the pieces above, and leaves the first of them that is there before and after where it is. @param {() => void} change */
	keepPlace(change) {
		const box = this.element.getBoundingClientRect();
		const anchor = [...this.blocks.values()].find(({ element }) => element.getBoundingClientRect().bottom > box.top)?.element;
		const top = anchor?.getBoundingClientRect().top ?? 0;
		change();
		this.moveTo(this.element.scrollTop + (anchor?.isConnected ? anchor.getBoundingClientRect().top - top : 0));
		this.keptAt = performance.now();
	}
}

/** @param {import('../lib/run_log.js').Segment} segment */
function createSegment({ kind, text }) {
	if (kind === 'plain') return text;
	return kind === 'match' ? h('mark', { class: 'deciding' }, text) : h('span', { class: 'deciding' }, text);
}
