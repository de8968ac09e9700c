// What the library tells of itself: its events, and its figures of each server.

// All that this demo can meet. Others (a set of endpoints that changed) it causes itself.
const TYPES = [
    'failover',
    'recovery',
    'endpoint_up',
    'endpoint_down',
    'circuit_open',
    'circuit_half_open',
    'circuit_close',
    'retry',
    'timeout',
    'panic_enter',
    'panic_leave',
    'budget_exhausted',
];
// More events than come in a second of the worst phase; what doesn't fit would be counted.
const CAPACITY = 4096;
// Shares and rates are those of the last second: ten ticks.
const SAMPLES = 10;

export class Watch {
    // How often each type of event came.
    counts = Object.fromEntries(TYPES.map((type) => [type, 0]));
    servers = [];
    callsPerSecond = 0;
    #manager;
    #journal;
    #events;
    // By server: since when its events are awaited, and when each type first came after that.
    #awaited = new Map();
    #samples = [];

    constructor(manager, journal) {
        this.#manager = manager;
        this.#journal = journal;
        this.#events = manager.events({ types: TYPES, capacity: CAPACITY });
    }

    get dropped() {
        return this.#events.dropped;
    }

    // Takes in the events that came.
    read() {
        for (const event of this.#events.drain()) {
            this.counts[event.type] += 1;
            const awaited = this.#awaited.get(event.endpoint);
            if (
                awaited !== undefined &&
                event.time >= awaited.since &&
                !awaited.first.has(event.type)
            ) {
                awaited.first.set(event.type, event.time);
            }
            this.#journal.event(event);
        }
    }

    // Takes in the figures.
    measure(calls) {
        const { endpoints } = this.#manager.getStats().memory;
        const now = {
            time: performance.now(),
            calls,
            picks: Object.values(endpoints).map((one) => one.picks),
        };
        const before = this.#samples[0] ?? now;
        this.#samples.push(now);
        if (this.#samples.length > SAMPLES) this.#samples.shift();
        const picks = now.picks.map((count, at) => count - before.picks[at]);
        const all = picks.reduce((sum, count) => sum + count, 0);
        const ports = new Map(this.#manager.listEndpoints().map((one) => [one.id, one.port]));
        this.servers = Object.values(endpoints).map((stats, at) => ({
            ...stats,
            port: ports.get(stats.id),
            share: all > 0 ? picks[at] / all : 0,
        }));
        const seconds = (now.time - before.time) / 1000;
        this.callsPerSecond = seconds > 0 ? (calls - before.calls) / seconds : 0;
    }

    // From now on waits for events of a server; those of before are told apart by their time.
    await(server) {
        this.#awaited.set(server, { since: Date.now(), first: new Map() });
    }

    // When such an event first came; undefined if it hasn't.
    first(server, ...types) {
        const { first } = this.#awaited.get(server);
        const times = types.map((type) => first.get(type)).filter((time) => time !== undefined);
        return times.length > 0 ? Math.min(...times) : undefined;
    }

    // Equal shares are 33 %; half of that says "in use" whatever the moment.
    isInUse(server) {
        const found = this.servers.find((one) => one.id === server);
        return found?.circuit === 'closed' && found.share > 0.5 / this.servers.length;
    }

    end() {
        void this.#events.return();
    }
}
