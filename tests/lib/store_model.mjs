// A service, its lists and its stream of events in memory: what is told comes late, twice, out of step, or not at all, as chance has it.

/** Small, and the same for the same seed (mulberry32). @param {number} seed */
export function makeChance(seed) {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return {
		/** @param {number} bound */
		below: (bound) => Math.floor(next() * bound),
		/** @template T @param {T[]} choices @returns {T} */
		of: (choices) => choices[Math.floor(next() * choices.length)],
	};
}

const NEXT = {
	created: ['starting'], starting: ['running', 'failed'], running: ['paused', 'stopping', 'exited'], paused: ['running', 'stopping'],
	stopping: ['exited'], exited: ['starting'], failed: ['starting'],
};
const NAMES = ['a', 'b', 'c'];
const copy = (/** @type {any} */ value) => JSON.parse(JSON.stringify(value));

/** What a service does, and the events and samples that tell of it. */
export class ModelService {
	/** @param {ReturnType<typeof makeChance>} chance */
	constructor(chance) {
		this.chance = chance;
		this.clock = Date.parse('2026-01-01T00:00:00Z');
		/** @type {Map<string, any>} */
		this.instances = new Map();
		/** @type {Map<string, any>} */
		this.runs = new Map();
		/** @type {Map<string, string>} */
		this.lines = new Map();
		/** @type {any[]} */
		this.events = [];
		this.firstId = 1;
		this.lastId = 0;
		this.lastRun = 0;
		/** What goes into an open stream beside the events. @type {(sample: any) => void} */
		this.onSample = () => {};
	}

	/** As on another state directory. */
	beginAnew() {
		for (const kept of [this.instances, this.runs, this.lines]) kept.clear();
		this.events = [];
		this.firstId = 1;
		this.lastId = 0;
		this.lastRun = 0;
	}

	now() {
		return new Date(this.clock).toISOString();
	}

	/** @param {string} type @param {object} about @param {object} data */
	publish(type, about, data) {
		this.events.push(copy({ id: ++this.lastId, time: this.now(), type, actor: null, ...about, data }));
	}

	/** @param {string} id @param {string} line */
	say(id, line) {
		this.lines.set(id, line);
		this.onSample(this.sampleOf(id));
	}

	/** @param {string} id */
	sampleOf(id) {
		return { type: 'instance.sample', time: this.now(), actor: null, instance: id, data: { line: this.lines.get(id) } };
	}

	/** One change of something. */
	act() {
		this.clock += 1 + this.chance.below(3);
		if (this.chance.below(4) === 0) return this.actOnRun();
		const id = this.chance.of(NAMES);
		const known = this.instances.get(id);
		if (!known) this.create(id);
		else if (this.chance.below(5) === 0) this.remove(id);
		else if (this.chance.below(4) === 0) this.say(id, `line ${this.chance.below(100)}`);
		else this.change(known);
	}

	/** @param {string} id */
	create(id) {
		const told = { target: this.chance.of(['one', 'two']), emulator: 'mock', labels: { of: String(this.clock) }, state: 'created' };
		this.instances.set(id, { id, ...told, start_number: 0, exit: null, paused_by: null, created_at: this.now(), started_at: null, ended_at: null, path: `/${id}` });
		this.publish('instance.created', { instance: id }, told);
		this.say(id, '');
	}

	/** @param {string} id */
	remove(id) {
		this.instances.delete(id);
		this.lines.delete(id);
		this.publish('instance.deleted', { instance: id }, {});
	}

	/** @param {any} instance */
	change(instance) {
		instance.state = this.chance.of(NEXT[/** @type {keyof NEXT} */ (instance.state)]);
		if (instance.state === 'starting') Object.assign(instance, { start_number: instance.start_number + 1, exit: null, started_at: this.now(), ended_at: null });
		instance.paused_by = instance.state === 'paused' ? 'user' : null;
		if (['exited', 'failed'].includes(instance.state)) Object.assign(instance, { exit: { reason: instance.state, code: 0 }, ended_at: this.now() });
		const { id, state, start_number, exit, paused_by } = instance;
		this.publish('instance.state', { instance: id }, { state, start_number, ...(exit && { exit }), ...(paused_by && { paused_by }) });
	}

	actOnRun() {
		const run = this.chance.of([...this.runs.values(), null]);
		if (!run || this.chance.below(6) === 0) {
			const id = String(++this.lastRun);
			this.runs.set(id, { id, state: 'queued', verdict: null, target: 'one', created_at: this.now() });
			this.publish('run.state', { run: id }, { state: 'queued', target: 'one' });
		} else if (run.state === 'ended') {
			this.runs.delete(run.id);
			this.publish('run.deleted', { run: run.id }, {});
		} else {
			run.state = run.state === 'queued' ? 'running' : 'ended';
			run.verdict = run.state === 'ended' ? 'passed' : null;
			this.publish('run.state', { run: run.id }, { state: run.state, verdict: run.verdict });
		}
	}

	/** Old events go. */
	forget() {
		this.firstId += this.chance.below(this.events.length + 1);
		this.events = this.events.filter(({ id }) => id >= this.firstId);
	}

	lists() {
		return copy({ instances: [...this.instances.values()], runs: [...this.runs.values()].reverse() });
	}
}

/** The stream of a service as one client has it. */
export class ModelStream {
	/** @param {ModelService} service @param {(event: any) => void} onEvent */
	constructor(service, onEvent) {
		this.service = service;
		this.onEvent = onEvent;
		this.isOpen = false;
		/** @type {number | null} */
		this.lastId = null;
		this.cursor = 0;
		/** On their way. @type {any[]} */
		this.underWay = [];
	}

	open() {
		this.isOpen = true;
		this.cursor = this.lastId ?? this.service.lastId;
		this.underWay = [...this.service.instances.keys()].map((id) => this.service.sampleOf(id));
		this.service.onSample = (sample) => {
			this.fetch();
			this.underWay.push(sample);
		};
		this.fetch();
	}

	breakOff() {
		this.isOpen = false;
		this.underWay = [];
		this.service.onSample = () => {};
	}

	/** What the service has for it. */
	fetch() {
		const { firstId, lastId, events } = this.service;
		if (this.cursor + 1 < firstId || this.cursor > lastId) {
			this.underWay.push({ id: firstId - 1, type: 'events.dropped', data: { since: this.cursor, first_id: firstId } });
			this.cursor = firstId - 1;
		}
		this.underWay.push(...copy(events.filter(({ id }) => id > this.cursor)));
		this.cursor = lastId;
	}

	/** @returns {boolean} whether there was one */
	deliver() {
		if (!this.isOpen) return false;
		if (this.underWay.length === 0) this.fetch();
		const event = this.underWay.shift();
		if (!event) return false;
		if (event.id !== undefined) this.lastId = event.id;
		this.onEvent(event);
		return true;
	}
}
