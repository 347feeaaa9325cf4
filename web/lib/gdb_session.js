// What was asked of gdb: the commands, one a line, and those of before. No DOM.

/** @param {string} text @returns {{commands: string[], lines: number[]}} lines: where each stands, from 1 */
export function readCommands(text) {
	const rows = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 })).filter(({ line }) => line);
	return { commands: rows.map(({ line }) => line), lines: rows.map(({ number }) => number) };
}

/** Entries that arrow keys walk through, as in a shell. What is being typed is the newest. */
export class History {
	/** @param {number} [most] */
	constructor(most = 100) {
		this.most = most;
		/** @type {string[]} oldest first */
		this.entries = [];
		this.at = 0;
		this.draft = '';
	}

	/** @param {string} text */
	add(text) {
		if (this.entries.at(-1) !== text) this.entries.push(text);
		if (this.entries.length > this.most) this.entries.shift();
		this.at = this.entries.length;
	}

	/**
	 * @param {-1 | 1} step
	 * @param {string} now what stands there
	 * @returns {string | null} what shall stand there; null: there is nothing further
	 */
	move(step, now) {
		const to = this.at + step;
		if (to < 0 || to > this.entries.length) return null;
		if (this.at === this.entries.length) this.draft = now;
		this.at = to;
		return this.entries[to] ?? this.draft;
	}
}
