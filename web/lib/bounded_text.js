// Text that grows without end, of which the newest is kept. No DOM.

export class BoundedText {
	/** @param {number} most characters */
	constructor(most) {
		this.most = most;
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
	 * @returns {{text: string, drop: number}} what is kept of it, and how many of the oldest pieces go for it
	 */
	push(text) {
		const kept = text.slice(-this.most);
		this.dropped += text.length - kept.length;
		this.pieces.push(kept.length);
		this.length += kept.length;
		let drop = 0;
		while (this.length > this.most) {
			this.length -= this.pieces[drop];
			this.dropped += this.pieces[drop];
			drop++;
		}
		this.pieces.splice(0, drop);
		return { text: kept, drop };
	}
}
