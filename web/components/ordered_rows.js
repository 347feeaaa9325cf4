// The rows of a table, in the order of their ids: a first screenful at once, the others after it has been painted.

const ROW_PX = 36;
/** As the API orders its lists. @param {string} one @param {string} other */
const compareCodes = (one, other) => (one < other ? -1 : Number(one > other));
const screenful = () => Math.ceil(innerHeight / ROW_PX);

/** @template {{row: HTMLTableRowElement, link: HTMLElement}} R what a row consists of */
export class OrderedRows {
	/**
	 * @param {HTMLTableSectionElement} body of these rows alone
	 * @param {{compare?: (a: string, b: string) => number, create: (id: string) => R, leave: () => void}} parts
	 *   create: with all that is known; leave: the last one is gone, and had the focus
	 */
	constructor(body, { compare = compareCodes, create, leave }) {
		this.body = body;
		this.compare = compare;
		this.create = create;
		this.leave = leave;
		/** All that belong here. @type {string[]} */
		this.ids = [];
		/** How many of them stand in the body, from its top on. */
		this.drawn = 0;
		/** @type {Map<string, R>} */
		this.made = new Map();
		this.frame = 0;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
	}

	/** @param {string} id @returns {R | undefined} none: it is not here, or not drawn yet, and will be drawn as it is then */
	get(id) {
		return this.made.get(id);
	}

	/** @param {string} id */
	has(id) {
		return this.ids[this.find(id)] === id;
	}

	/** @param {Iterable<string>} ids these and no others */
	setAll(ids) {
		const wanted = new Set(ids);
		for (const id of [...this.made.keys()]) if (!wanted.has(id)) this.remove(id);
		this.ids = [...wanted].sort(this.compare);
		// What stands already, as at the top of a list that grows, is left alone.
		this.drawn = 0;
		for (let row = this.body.firstElementChild; row && row === this.made.get(this.ids[this.drawn])?.row; row = row.nextElementSibling) this.drawn++;
		this.draw();
	}

	/** @param {string} id */
	add(id) {
		if (this.has(id)) return;
		const at = this.find(id);
		this.ids.splice(at, 0, id);
		if (at > this.drawn) return;
		this.place(at);
		this.drawn++;
	}

	/** @param {string} id */
	remove(id) {
		const at = this.find(id);
		if (this.ids[at] !== id) return;
		this.ids.splice(at, 1);
		if (at < this.drawn) this.drawn--;
		const row = this.made.get(id)?.row;
		this.made.delete(id);
		const hadFocus = row?.contains(document.activeElement);
		row?.remove();
		if (!hadFocus) return;
		const neighbour = this.made.get(this.ids[at] ?? this.ids[at - 1]);
		if (neighbour) neighbour.link.focus();
		else this.leave();
	}

	stop() {
		cancelAnimationFrame(this.frame);
		clearTimeout(this.timer);
	}

	draw() {
		this.stop();
		const end = Math.min(this.ids.length, this.drawn + screenful());
		for (; this.drawn < end; this.drawn++) this.place(this.drawn);
		if (end === this.ids.length) return;
		// What a frame's own callback adds is still painted with it: the turn after that is the first one behind the painting.
		this.frame = requestAnimationFrame(() => {
			this.timer = setTimeout(() => this.draw());
		});
	}

	/** @param {number} at */
	place(at) {
		const id = this.ids[at];
		const made = this.made.get(id) ?? this.create(id);
		this.made.set(id, made);
		const there = this.body.children[at] ?? null;
		if (there !== made.row) this.body.insertBefore(made.row, there);
	}

	/** Where it stands, or would. @param {string} id */
	find(id) {
		let low = 0;
		let high = this.ids.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.compare(this.ids[middle], id) < 0) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}
