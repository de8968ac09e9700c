// What a scenario acts on: one manager on its manual clock, and the names that steps gave.
import { FailoverManager } from 'libfailover';

export class World {
    pools = new Map();
    calls = new Map();
    leases = new Map();
    // Ids of the last `pick` step.
    picked = [];
    // The last event of the setting up.
    #firstEvent = 0;

    constructor(manager) {
        this.manager = manager;
    }

    static async make(scenario) {
        const document = {
            ...scenario.manager,
            clock: 'manual',
            seed: scenario.seed ?? 1,
            failover: scenario.config ?? {},
        };
        // As a text, so that the library reads what stands in the scenario.
        const world = new World(new FailoverManager(JSON.stringify(document)));
        for (const { provider = 'memory', ...endpoint } of scenario.endpoints) {
            await world.manager.registerEndpoint(endpoint, { provider });
        }
        world.#firstEvent = world.manager.getEvents(1)[0]?.sequence ?? 0;
        return world;
    }

    // The pool that a step names, or the default one.
    pool(step) {
        if (step.pool === undefined) {
            return this.manager.pool();
        }
        const pool = this.pools.get(step.pool);
        if (pool === undefined) {
            throw new Error(`pool ${JSON.stringify(step.pool)}: no step made it`);
        }
        return pool;
    }

    call(step) {
        const call = this.calls.get(step.of);
        if (call === undefined) {
            throw new Error(`call ${JSON.stringify(step.of)}: no step made it`);
        }
        return call;
    }

    // Kinds of the events since the setting up, in order.
    kinds() {
        const events = this.manager.getEvents().reverse();
        return events
            .filter((event) => event.sequence > this.#firstEvent)
            .map((event) => event.type);
    }

    // Only after the scenario's end is everything freed that is still open.
    end() {
        this.calls.forEach((call) => call.free());
        this.leases.forEach((lease) => lease[Symbol.dispose]());
        void this.manager.close({ timeout: 0 });
    }
}
