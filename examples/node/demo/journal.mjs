// What happened, in the order in which it first did: the same thing again is only counted.

const INKS = {
    failover: 'blue',
    recovery: 'green',
    endpoint_up: 'green',
    endpoint_down: 'red',
    circuit_open: 'red',
    circuit_half_open: 'yellow',
    circuit_close: 'green',
    retry: 'blue',
    timeout: 'yellow',
    panic_enter: 'red',
    panic_leave: 'green',
    budget_exhausted: 'red',
};

export class Journal {
    started = 0;
    #screen;
    #entries = [];
    // Where the present phase begins, and what was printed.
    #phase = 0;
    #printed = 0;

    constructor(screen) {
        this.#screen = screen;
    }

    title(text) {
        this.#entries.push({ text, count: 1 });
        this.#phase = this.#entries.length;
    }

    event({ time, type, endpoint, reason }) {
        const same = this.#entries
            .slice(this.#phase)
            .find((one) => one.type === type && one.endpoint === endpoint);
        if (same !== undefined) {
            same.count += 1;
        } else {
            this.#entries.push({ time, type, endpoint, text: reason, count: 1 });
        }
    }

    // The last lines.
    tail(lines) {
        return this.#entries.slice(-Math.max(lines, 1)).map((entry) => this.#line(entry));
    }

    // What is new. It is printed once and never corrected, so its count so far would only mislead.
    news() {
        const lines = this.#entries
            .slice(this.#printed)
            .map((entry) => this.#line({ ...entry, count: 1 }));
        this.#printed = this.#entries.length;
        return lines;
    }

    // What came more than once in the present phase.
    repeats() {
        const often = this.#entries.slice(this.#phase).filter((entry) => entry.count > 1);
        const words = often.map(
            ({ type, endpoint, count }) => `${type}${endpoint ? ` ${endpoint}` : ''} x${count}`,
        );
        return words.length > 0 ? [`  in all: ${words.join(', ')}`] : [];
    }

    #line({ time, type, endpoint, text, count }) {
        if (type === undefined) {
            return this.#screen.ink('bold', text);
        }
        // Wall time may be set back under us, and an event be older than the demo.
        const since = (Math.max(0, time - this.started) / 1000).toFixed(3).padStart(7);
        const often = (count > 1 ? `x${count}` : '').padEnd(5);
        const name = this.#screen.ink(INKS[type] ?? 'plain', type.padEnd(17));
        return `  ${since} s  ${endpoint ?? ' '}  ${name} ${often} ${this.#screen.ink('dim', text)}`;
    }
}
