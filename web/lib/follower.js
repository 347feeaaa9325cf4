// What comes by one long answer: asked for again when it is lost, and only while somebody looks. No DOM.

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 5000;

/** @typedef {'connecting' | 'live' | 'lost' | 'ended' | 'gone'} FollowStatus */

/** A browser has six connections to emud for all of its tabs together: this takes one as long as it is seen, which begins with setSeen. */
export class Follower {
	/**
	 * @param {(signal: AbortSignal) => Promise<FollowStatus>} read until it is lost or over; what comes after the signal is not to be taken
	 * @param {(status: FollowStatus) => void} onStatus
	 */
	constructor(read, onStatus) {
		this.read = read;
		this.onStatus = onStatus;
		this.isSeen = false;
		this.isOver = false;
		this.retryMs = RETRY_FIRST_MS;
		/** Of the attempt that is under way. */
		this.controller = new AbortController();
		/** @type {ReturnType<typeof setTimeout> | undefined} until the next one */
		this.timer = undefined;
	}

	/** @param {boolean} isSeen */
	setSeen(isSeen) {
		if (isSeen === this.isSeen) return;
		this.isSeen = isSeen;
		this.letGo();
		this.renew();
	}

	/** emud is heard again elsewhere: what is under way may hang for good. */
	renew() {
		if (this.isSeen && !this.isOver) void this.open();
	}

	close() {
		this.isOver = true;
		this.letGo();
	}

	letGo() {
		clearTimeout(this.timer);
		this.controller.abort();
	}

	/** The answer has begun. */
	stand() {
		this.retryMs = RETRY_FIRST_MS;
		this.onStatus('live');
	}

	async open() {
		this.letGo();
		const { signal } = (this.controller = new AbortController());
		this.onStatus('connecting');
		const status = await this.read(signal);
		if (signal.aborted) return;
		this.onStatus(status);
		this.isOver ||= status !== 'lost';
		if (this.isOver) return;
		this.timer = setTimeout(() => this.renew(), this.retryMs);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS);
	}
}
