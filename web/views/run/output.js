// What a run prints: as it comes, then as it was, with the line that decided. A part of it at a time: a log may be long.

import { h, setText } from '../../components/dom.js';
import { LogView } from '../../components/log_view.js';
import { followWhileSeen } from '../../components/seen_stream.js';
import { apiPath } from '../../lib/api.js';
import { formatBytes } from '../../lib/format.js';
import { route } from '../../lib/routes.js';
import { RunLog, findWindow } from '../../lib/run_log.js';
import { RunOutput, readPart } from '../../lib/run_output.js';

/** @typedef {import('../../lib/api.js').Run} Run */

/** In bytes of plain text, as all that is shown is counted: of empty lines it is less. */
const PART_COST = 128 * 1024;
const SHOWN_COST_MOST = 512 * 1024;
/** No more than this a frame, so that the page has time for the rest. */
const FRAME_BYTES_MOST = 256 * 1024;

/** From one end of an output to the other with the arrow keys. */
const STEPS = 100;

const STATUS = {
	connecting: 'Connecting …', live: 'Live', lost: 'The connection is lost; trying again.', ended: '', gone: 'The output is not kept any more.',
};

const nextFrame = () => new Promise(requestAnimationFrame);

class OutputTab {
	/**
	 * @param {HTMLElement} outlet
	 * @param {Run} run
	 * @param {import('../../app.js').App} app
	 * @param {URLSearchParams} query at: the offset to begin with
	 */
	constructor(outlet, run, app, query) {
		this.app = app;
		this.run = run;
		this.log = new RunLog();
		/** @type {RunOutput | null} what follows the log's end */
		this.stream = null;
		/** First byte that is kept. */
		this.first = 0;
		this.isFollowing = true;
		this.isOver = false;
		this.isLoading = false;
		this.frame = 0;
		this.frameBytes = 0;
		this.release = () => {};
		this.status = h('span', { role: 'status', class: 'quiet' });
		this.place = h('span', { class: 'quiet place' });
		this.view = new LogView({ onScroll: (isAtEnd) => this.scrolled(isAtEnd), onMove: (isByUser) => this.moved(isByUser) });
		this.createButtons();
		/** @type {number | null} where the slider was put last, until that is shown */
		this.wanted = null;
		this.slider = h('input', { type: 'range', value: '0', 'aria-label': 'Place in the output', onchange: () => void this.goTo(Number(this.slider.value)) });
		outlet.append(
			h('div', { class: 'tools' },
				h('div', { class: 'actions' }, this.toMark, this.toStart, this.earlier, this.later, this.toEnd,
					h('a', { class: 'button', href: apiPath('runs', run.id, 'output'), download: `run-${run.id}.log` }, 'Download')),
				this.slider, this.status, this.place),
			this.view.element);
		this.stopFollowing = followWhileSeen(app.store, () => this.stream);
		this.begin(query.get('at'));
	}

	createButtons() {
		/** @param {string} text @param {() => void} onclick */
		const button = (text, onclick) => h('button', { type: 'button', onclick }, text);
		this.toMark = button('Deciding line', () => void this.showMark().then(() => this.app.notices.announce(`The deciding line: ${this.mark?.text}`)));
		this.toMark.hidden = !this.mark;
		this.toStart = button('Beginning', () => void this.showAround(this.first, () => this.view.scrollToStart()));
		this.earlier = button('Load earlier', () => void this.loadEarlier());
		this.later = button('Load later', () => void this.loadLater());
		this.toEnd = button('End', () => this.showEnd());
	}

	unmount() {
		this.isOver = true;
		this.closeStream();
		cancelAnimationFrame(this.frame);
		this.stopFollowing();
	}

	closeStream() {
		this.stream?.close();
		this.stream = null;
		this.release();
	}

	get mark() {
		return this.run.matched ?? null;
	}

	/** Where it ends, as far as is known. */
	get end() {
		return Math.max(this.log.end, this.run.state === 'ended' ? this.run.output_bytes : 0);
	}

	/** @param {Run} run */
	update(run) {
		const wasOver = this.run.state === 'ended';
		this.run = run;
		this.render();
		if (!wasOver && this.isFollowing) this.settle();
	}

	/** @param {string | null} at as the address says */
	begin(at) {
		const { state, first_offset, output_bytes } = this.run;
		this.first = first_offset ?? 0;
		if (at !== null && Number(at) < output_bytes) void this.goTo(Math.max(this.first, Math.floor(Number(at))));
		else if (state !== 'ended') this.follow(-PART_COST);
		else if (output_bytes === 0) this.render();
		else if (this.mark) void this.showMark();
		else this.showEnd();
	}

	/** @param {number} offset as of RunOutput */
	follow(offset) {
		this.closeStream();
		this.isFollowing = true;
		/** @type {RunOutput} */
		const stream = new RunOutput(this.app.api, this.run.id, offset, {
			onPlace: (place, first) => this.enter(place, first),
			onBytes: (bytes) => (this.stream === stream ? this.take(bytes) : undefined),
			onStatus: (status) => this.stream === stream && this.showStatus(status),
		});
		this.stream = stream;
		stream.setSeen(!document.hidden);
	}

	/** @param {number} offset @param {number} first */
	enter(offset, first) {
		this.first = first;
		this.log = new RunLog(offset);
		this.release();
		this.schedule();
	}

	/** @param {Uint8Array} bytes */
	async take(bytes) {
		this.log.append(bytes);
		if (this.isFollowing) this.log.trimStart(SHOWN_COST_MOST);
		this.schedule();
		this.frameBytes += bytes.length;
		if (this.frameBytes > FRAME_BYTES_MOST) await nextFrame();
		// Something above the end is being read: what comes waits on the server.
		if (!this.isFollowing && this.log.cost > SHOWN_COST_MOST) await new Promise((resolve) => (this.release = () => resolve(undefined)));
	}

	schedule() {
		this.frame ||= requestAnimationFrame(() => {
			this.frame = 0;
			this.frameBytes = 0;
			this.render();
			if (this.isFollowing) this.settle();
		});
	}

	/** What is to be seen: the end, and when all is over the line that decided. */
	settle() {
		const isOver = this.run.state === 'ended' && this.log.end >= this.run.output_bytes;
		if (!(isOver && this.mark && this.view.scrollToMark())) this.view.scrollToEnd();
	}

	/** @param {import('../../lib/run_output.js').OutputStatus} status */
	showStatus(status) {
		setText(this.status, STATUS[status]);
		if (status !== 'ended') return;
		this.closeStream();
		this.render();
		if (this.isFollowing) this.settle();
	}

	render() {
		this.view.show(this.log, this.mark);
		const focused = document.activeElement;
		const { start, end } = this.log;
		const hasMore = end < this.end || (this.run.state !== 'ended' && !this.stream);
		if (this.toMark) this.toMark.hidden = !this.mark;
		if (this.toStart) this.toStart.disabled = this.run.state === 'queued';
		if (this.earlier) this.earlier.disabled = start <= this.first;
		if (this.later) this.later.disabled = !hasMore;
		// A button that has nothing more to give lets the focus fall.
		if (focused instanceof HTMLButtonElement && focused.disabled && (focused === this.earlier || focused === this.later)) this.view.element.focus();
		const isEmpty = this.run.state === 'ended' && this.end === 0;
		const lost = this.first > 0 ? `; the first ${formatBytes(this.first)} are no longer kept` : '';
		const isPart = start > this.first || hasMore;
		const words = isPart ? `Bytes ${start.toLocaleString()} to ${end.toLocaleString()} of ${this.end.toLocaleString()}` : formatBytes(this.end);
		setText(this.place, isEmpty ? 'It printed nothing.' : words + lost);
		this.slider.disabled = !isPart;
		this.showPlace();
	}

	/** The slider follows what is in view. */
	showPlace() {
		if (this.slider.disabled || this.wanted !== null) return;
		const { first, end } = this;
		const place = this.isFollowing || (this.view.isAtEnd && this.log.end >= end) ? end : this.view.place;
		Object.assign(this.slider, { min: String(first), max: String(end), step: String(Math.max(1, Math.floor((end - first) / STEPS))), value: String(place) });
		this.slider.setAttribute('aria-valuetext', `Byte ${place.toLocaleString()} of ${end.toLocaleString()}`);
	}

	/** Who scrolls to an end of what is here goes on behind it. @param {boolean} isByUser */
	moved(isByUser) {
		this.showPlace();
		if (!isByUser || this.stream || this.wanted !== null) return;
		if (this.view.isAtStart && this.log.start > this.first) void this.loadEarlier();
		else if (this.view.isAtEnd && this.log.end < this.end) void this.loadLater();
	}

	/** Of places that are asked for in a row the last one counts. @param {number} place */
	async goTo(place) {
		const isUnderWay = this.wanted !== null;
		this.wanted = place;
		if (isUnderWay) return;
		let at = -1;
		while (at !== this.wanted) {
			at = this.wanted;
			await this.showAround(at, () => this.view.scrollToPlace(at));
		}
		this.wanted = null;
		if (!this.isOver) history.replaceState(null, '', `${route('runs', this.run.id, 'output')}?at=${at}`);
		this.showPlace();
	}

	/** @param {boolean} isAtEnd */
	scrolled(isAtEnd) {
		if (!this.stream || this.isFollowing === isAtEnd) return;
		this.isFollowing = isAtEnd;
		if (isAtEnd) this.release();
	}

	/** One question at a time. @param {() => Promise<void>} load */
	async load(load) {
		if (this.isLoading) return;
		this.isLoading = true;
		try {
			await load();
		} catch (error) {
			if (!this.isOver) this.app.notices.fail(error);
		} finally {
			this.isLoading = false;
		}
	}

	/** Another part than what is shown. @param {number} place @param {() => void} scroll */
	showAround(place, scroll) {
		return this.load(async () => {
			const offset = Math.max(this.first, Math.min(place - SHOWN_COST_MOST / 2, this.end - SHOWN_COST_MOST));
			const part = await readPart(this.app.api, this.run.id, offset, SHOWN_COST_MOST);
			if (this.isOver) return;
			this.closeStream();
			setText(this.status, '');
			this.isFollowing = false;
			this.first = part.firstOffset;
			const { from, to } = findWindow(part.bytes, Math.max(0, Math.min(place - part.offset, part.bytes.length)), SHOWN_COST_MOST);
			this.log = new RunLog(part.offset + from);
			this.log.append(part.bytes.subarray(from, to));
			this.render();
			scroll();
		});
	}

	async showMark() {
		const { mark } = this;
		if (!mark) return;
		if (!this.log.holds(mark) || this.log.size === 0) await this.showAround(mark.start, () => {});
		this.view.scrollToMark();
	}

	showEnd() {
		if (this.run.state !== 'ended') return this.stream ? this.resume() : this.follow(-PART_COST);
		if (this.log.size > 0 && this.log.end >= this.end) return this.view.scrollToEnd();
		void this.showAround(this.end, () => this.view.scrollToEnd());
	}

	resume() {
		this.isFollowing = true;
		this.view.jumpToEnd();
		this.release();
	}

	loadEarlier() {
		return this.load(async () => {
			const { log } = this;
			const offset = Math.max(this.first, log.start - PART_COST);
			const part = await readPart(this.app.api, this.run.id, offset, log.start - offset);
			if (this.isOver || this.log !== log || part.offset + part.bytes.length !== log.start) return;
			this.isFollowing = false;
			this.view.keepPlace(() => {
				log.prepend(part.bytes.subarray(findWindow(part.bytes, part.bytes.length, PART_COST).from));
				if (log.cost > SHOWN_COST_MOST) this.closeStream();
				log.trimEnd(SHOWN_COST_MOST);
				this.render();
			});
		});
	}

	loadLater() {
		return this.load(async () => {
			this.closeStream();
			const { log } = this;
			const part = await readPart(this.app.api, this.run.id, log.end, PART_COST);
			if (this.isOver || this.log !== log || part.offset !== log.end) return;
			this.view.keepPlace(() => {
				log.append(part.bytes.subarray(0, findWindow(part.bytes, 0, PART_COST).to));
				log.trimStart(SHOWN_COST_MOST);
				this.render();
			});
		});
	}
}

/** @type {import('../run.js').TabView} */
export function mount(outlet, run, app, query) {
	const tab = new OutputTab(outlet, run, app, query);
	return { unmount: () => tab.unmount(), update: (now) => tab.update(now) };
}
