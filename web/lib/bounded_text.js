// Text that grows without end, of which the newest is kept, in pieces that go one by one. No DOM.

const PIECE = 16 * 1024;

export class BoundedText {
	/** @param {number} most characters @param {number} [piece] characters: no more go at once than are in the way, and that */
	constructor(most, piece = PIECE) {
		this.most = most;
		this.piece = piece;
		/** @type {number[]} how long the pieces are, oldest first */
		this.pieces = [];
		this.length = 0;
		this.dropped = 0;
	}

	clear() {
		this.pieces = [];
		this.length = 0;
		this.dropped = 0;
	}

	/**
	 * @param {string} text
	 * @returns {{texts: string[], drop: number}} what is kept of it, a piece each, and how many of the oldest pieces go for it
	 */
	push(text) {
		const kept = text.slice(-this.most);
		const texts = cut(kept, this.piece);
		this.dropped += text.length - kept.length;
		this.pieces.push(...texts.map(({ length }) => length));
		this.length += kept.length;
		let drop = 0;
		while (this.length > this.most) {
			this.length -= this.pieces[drop];
			this.dropped += this.pieces[drop];
			drop++;
		}
		this.pieces.splice(0, drop);
		return { texts, drop };
	}
}

/** Where a line ends if one does, and never within a character. @param {string} text @param {number} most */
function cut(text, most) {
	const texts = [];
	for (let at = 0; at < text.length; ) {
		const line = text.lastIndexOf('\n', at + most - 1) + 1;
		let end = line > at && at + most < text.length ? line : Math.min(at + most, text.length);
		if (end < text.length && /[\uD800-\uDBFF]/.test(text[end - 1])) end += 1;
		texts.push(text.slice(at, end));
		at = end;
	}
	return texts;
}
