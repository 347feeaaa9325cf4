// Server-sent events out of text that comes in pieces. No DOM.

/** @typedef {{event: string, id: string | null, data: string}} SseEvent */

export class SseParser {
	constructor() {
		this.rest = '';
		this.event = 'message';
		/** @type {string | null} */
		this.id = null;
		/** @type {string[]} */
		this.data = [];
	}

	reset() {
		this.event = 'message';
		this.id = null;
		this.data = [];
	}

	/**
	 * @param {string} text
	 * @returns {SseEvent[]} those that are complete
	 */
	push(text) {
		const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
		this.rest = lines.pop() ?? '';
		return lines.flatMap((line) => this.takeLine(line));
	}

	/**
	 * @param {string} line
	 * @returns {SseEvent[]}
	 */
	takeLine(line) {
		if (line === '') {
			const complete = this.data.length ? [{ event: this.event, id: this.id, data: this.data.join('\n') }] : [];
			this.reset();
			return complete;
		}
		const colon = line.indexOf(':');
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (field === 'event') this.event = value;
		else if (field === 'id') this.id = value;
		else if (field === 'data') this.data.push(value);
		return [];
	}
}
