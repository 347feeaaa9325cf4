// What the page knows of the service: filled from lists, kept true by events. No DOM.

/**
 * @typedef {import('./api.js').Instance} Instance
 * @typedef {import('./api.js').Run} Run
 * @typedef {import('./feed.js').EmudEvent} EmudEvent
 * @typedef {'instances' | 'runs' | 'files' | 'targets' | 'connection' | 'connected' | 'returned' | 'samples' | 'events'} Topic connected: what
 *   came before is not told by events; returned: connected after a loss
 * @typedef {(changed: Set<string>) => void} Listener changed: the ids; empty where all may have
 * @typedef {{cpu: number, rss_bytes: number, time: number}} Sample cpu: of one core; time: ms since 1970
 * @typedef {import('./feed.js').FeedStatus} FeedStatus
 */

const SAMPLES_KEPT = 300;
const EVENTS_KEPT = 1000;
const RUNS_KEPT = 1000;

export class Store {
	/** @param {import('./api.js').Api} api */
	constructor(api) {
		this.api = api;
		/** @type {Map<string, Instance>} */
		this.instances = new Map();
		/** @type {Map<string, Run>} newest first */
		this.runs = new Map();
		/** Those that were too many, until listeners have been told: not kept here, while the service keeps them. @type {Map<string, Run>} */
		this.dropped = new Map();
		/** @type {Map<string, Sample[]>} by instance, oldest first */
		this.samples = new Map();
		/** @type {Map<string, string>} the last line of output, by instance */
		this.lines = new Map();
		/** When they were told. @type {Map<string, string>} */
		this.lineTimes = new Map();
		/** @type {EmudEvent[]} oldest first */
		this.events = [];
		/** Counts up where another service answers than before: its events have nothing to do with those. */
		this.service = 0;
		/** @type {FeedStatus} */
		this.connection = 'connecting';
		this.wasLost = false;
		this.isLoaded = false;
		/** @type {Map<Topic, Set<Listener>>} */
		this.listeners = new Map();
		/** By topic the ids; null: all. @type {Map<Topic, Set<string> | null>} */
		this.pending = new Map();
		/** What was told since the first of the lists that are under way was asked for: they may be older. @type {EmudEvent[]} */
		this.meanwhile = [];
		this.loads = { begun: 0, underWay: 0, taken: 0 };
	}

	/**
	 * @param {Topic} topic
	 * @param {Listener} listener called once a turn with what has changed
	 * @returns {() => void} ends it
	 */
	subscribe(topic, listener) {
		const listeners = this.listeners.get(topic) ?? new Set();
		this.listeners.set(topic, listeners.add(listener));
		return () => void listeners.delete(listener);
	}

	/**
	 * @param {Topic} topic
	 * @param {string} [id]
	 */
	touch(topic, id) {
		if (this.pending.size === 0) queueMicrotask(() => this.flush());
		const changed = this.pending.get(topic);
		if (id === undefined || changed === null) this.pending.set(topic, null);
		else this.pending.set(topic, (changed ?? new Set()).add(id));
	}

	flush() {
		const pending = this.pending;
		this.pending = new Map();
		for (const [topic, changed] of pending)
			for (const listener of [...(this.listeners.get(topic) ?? [])]) listener(changed ?? new Set());
		this.dropped.clear();
	}

	/** Everything anew: at the beginning, and when the connection is back. Of several at once the one begun last counts. */
	async load() {
		const { loads } = this;
		const turn = ++loads.begun;
		const from = this.meanwhile.length;
		loads.underWay++;
		try {
			const [instances, runs] = await Promise.all([this.api.listInstances(), this.api.listRuns()]);
			if (turn > loads.taken) this.fill(instances, runs, this.meanwhile.slice(from));
			loads.taken = Math.max(turn, loads.taken);
		} finally {
			if (--loads.underWay === 0) this.meanwhile = [];
		}
	}

	/**
	 * @param {Instance[]} instances
	 * @param {Run[]} runs
	 * @param {EmudEvent[]} meanwhile what was told since they were asked for
	 */
	fill(instances, runs, meanwhile) {
		this.instances = new Map(instances.map((instance) => [instance.id, instance]));
		this.runs = new Map(runs.map((run) => [run.id, run]));
		for (const event of meanwhile) if (!isOfEarlier(event, this.instances)) this.applyChange(event);
		for (const id of this.samples.keys()) if (!this.instances.has(id)) this.samples.delete(id);
		this.isLoaded = true;
		this.touch('instances');
		this.touch('runs');
	}

	/** Of what is behind that, another of the same name has told. @param {string} id @param {string} time */
	forget(id, time) {
		if ((this.lineTimes.get(id) ?? '') <= time) this.forgetLine(id);
		const later = (this.samples.get(id) ?? []).filter((sample) => sample.time > Date.parse(time));
		if (later.length) this.samples.set(id, later);
		else this.samples.delete(id);
	}

	/** @param {string} id */
	forgetLine(id) {
		this.lines.delete(id);
		this.lineTimes.delete(id);
	}

	/** An answer of the API's own; what came of it may have been told already. @param {Instance} instance */
	putInstance(instance) {
		const { id, created_at: createdAt } = instance;
		if (this.events.some((event) => event.type === 'instance.deleted' && event.instance === id && event.time > createdAt)) return;
		this.instances.set(id, mergeInstance(this.instances.get(id), instance));
		this.touch('instances', id);
	}

	/** @param {Run} run */
	putRun(run) {
		if (this.runs.has(run.id)) this.runs.set(run.id, run);
		else this.addRun(run);
		this.touch('runs', run.id);
	}

	/** @param {Run} run */
	addRun(run) {
		const others = [...this.runs];
		for (const [id, old] of others.splice(RUNS_KEPT - 1)) this.dropped.set(id, old);
		this.dropped.delete(run.id);
		this.runs = new Map([[run.id, run], ...others]);
	}

	/** @param {string} id of one that the service does not keep any more */
	deleteRun(id) {
		this.runs.delete(id);
		this.dropped.delete(id);
		this.touch('runs', id);
	}

	/** @param {FeedStatus} status */
	setConnection(status) {
		const isNew = status === 'connected' && this.connection !== 'connected';
		this.connection = status;
		this.touch('connection');
		if (status === 'lost') this.wasLost = true;
		if (!isNew) return;
		// The stream begins with how all stand now: what is not told then is not so any more.
		for (const id of [...this.lines.keys()]) this.forgetLine(id);
		if (this.wasLost) this.touch('returned');
		this.wasLost = false;
		this.touch('connected');
	}

	/** @param {EmudEvent} event */
	apply(event) {
		if (event.type === 'instance.sample') return this.applySample(event);
		if (this.loads.underWay) this.meanwhile.push(event);
		this.keepEvent(event);
		this.applyChange(event);
	}

	/** @param {EmudEvent} event */
	keepEvent(event) {
		// Ids that begin anew are those of another state directory.
		if ((event.id ?? event.data?.first_id) <= (this.events.at(-1)?.id ?? 0)) {
			this.events = [];
			this.service++;
		}
		if (event.id !== undefined) this.events.push(event);
		if (this.events.length > EVENTS_KEPT) this.events.shift();
		this.touch('events');
	}

	/** @param {EmudEvent} event */
	applyChange(event) {
		const [resource] = event.type.split('.');
		if (resource === 'instance' && event.instance) this.applyInstance(event, event.instance);
		else if (resource === 'run' && event.run) this.applyRun(event, event.run);
		else if (resource === 'file') this.touch('files');
		else if (resource === 'config' || resource === 'service') this.touch('targets');
	}

	/** What a sample does not tell is as it was told before. @param {EmudEvent} event */
	applySample({ instance, time, data }) {
		const id = instance ?? '';
		if (data.line !== undefined) {
			this.lines.set(id, data.line);
			this.lineTimes.set(id, time);
		}
		if (data.cpu !== undefined || data.rss_bytes !== undefined) {
			const samples = this.samples.get(id) ?? [];
			const last = samples[samples.length - 1];
			samples.push({ cpu: data.cpu ?? last?.cpu ?? 0, rss_bytes: data.rss_bytes ?? last?.rss_bytes ?? 0, time: Date.parse(time) });
			if (samples.length > SAMPLES_KEPT) samples.shift();
			this.samples.set(id, samples);
		}
		this.touch('samples', id);
	}

	/**
	 * @param {EmudEvent} event
	 * @param {string} id
	 */
	applyInstance({ type, time, data }, id) {
		const known = this.instances.get(id);
		if (type === 'instance.deleted') {
			this.instances.delete(id);
			this.forget(id, time);
		} else if (known && type === 'instance.state') {
			this.instances.set(id, { ...known, ...stateFrom(data, time) });
		} else if (!known) {
			this.instances.set(id, { ...emptyInstance(id, time), ...data });
		}
		this.touch('instances', id);
	}

	/**
	 * @param {EmudEvent} event
	 * @param {string} id
	 */
	applyRun({ type, time, data }, id) {
		const known = this.runs.get(id);
		if (type === 'run.deleted') this.deleteRun(id);
		else if (known) this.runs.set(id, { ...known, ...data, ...runChange(data.state, time) });
		else this.addRun({ ...emptyRun(id, time), ...data });
		this.touch('runs', id);
	}
}

/** Of an instance that bore the name before. @param {EmudEvent} event @param {Map<string, Instance>} instances as they were listed */
function isOfEarlier({ instance = '', time }, instances) {
	const listed = instances.get(instance);
	return listed !== undefined && time < listed.created_at;
}

/** How far a start has come. @type {Record<string, number>} */
const PROGRESS = { created: 0, starting: 1, running: 2, paused: 2, stopping: 3, exited: 4, failed: 4 };

/**
 * An answer may be overtaken by what came of it: a start by its end.
 * @param {Instance | undefined} known
 * @param {Instance} told
 * @returns {Instance}
 */
function mergeInstance(known, told) {
	if (!known || known.start_number < told.start_number) return told;
	if (known.start_number === told.start_number && PROGRESS[known.state] <= PROGRESS[told.state]) return told;
	const { state, start_number, exit, paused_by, started_at, ended_at } = known;
	return { ...told, state, start_number, exit, paused_by, started_at, ended_at };
}

/**
 * @param {any} data of instance.state
 * @param {string} time
 */
function stateFrom(data, time) {
	const told = { state: data.state, start_number: data.start_number, exit: data.exit ?? null, paused_by: data.paused_by ?? null };
	if (data.state === 'starting') return { ...told, started_at: time, ended_at: null };
	return data.exit ? { ...told, ended_at: time } : told;
}

/**
 * @param {string} state
 * @param {string} time
 * @returns {any} of a run
 */
function runChange(state, time) {
	if (state === 'running') return { started_at: time };
	// How much it printed, what was matched and the like, only an answer tells: it is known in part (isPartial).
	return state === 'ended' ? { ended_at: time, output_bytes: undefined } : {};
}

/**
 * @param {string} id
 * @param {string} time
 * @returns {Instance}
 */
function emptyInstance(id, time) {
	return {
		id, target: '', emulator: '', state: 'created', paused_by: null, start_number: 0, file: null, args: [], labels: {}, path: '',
		created_at: time, started_at: null, ended_at: null, exit: null, channels: {}, processes: {}, gdb: null, command: null,
	};
}

/**
 * @param {string} id
 * @param {string} time
 * @returns {Run}
 */
function emptyRun(id, time) {
	return /** @type {any} */ ({
		id, state: 'queued', verdict: null, reason: null, target: '', labels: {}, created_at: time, started_at: null, ended_at: null, duration: null,
		queue_position: null, instance: null, actor: null,
	});
}
