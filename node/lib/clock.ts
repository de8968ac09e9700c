/**
 * Time: the hand-moved clock, and the one timer that all calls of a manager share.
 *
 * Most calls are over before the loop turns, so a call costs no timer: those that began in this turn
 * are looked through once it is over, and only what is still under way is waited for.
 */
import type { Duration } from './duration.js';
import { toMilliseconds } from './duration.js';
import { invalidState } from './errors.js';
import type { NativeManager } from './native.js';

/** A clock that stands still until {@link advance} moves it. Give it to one manager. */
export class ManualClock {
    /** True if a wait moves the clock by itself, so that nothing has to advance it. */
    readonly autoAdvance: boolean;
    /** @internal */
    timers: Timers | undefined;

    /** Makes a clock that stands at 0. */
    constructor({ autoAdvance = false }: { autoAdvance?: boolean } = {}) {
        this.autoAdvance = autoAdvance;
    }

    /**
     * Moves the clock forward, and has everything done that is due then.
     *
     * @throws FailoverError `invalid_state` if no manager has the clock.
     */
    advance(by: Duration): void {
        this.#own().advance(toMilliseconds(by, 'by') * 1e6);
    }

    /** The time in milliseconds since the manager was made. */
    now(): number {
        return this.#own().now() / 1e6;
    }

    #own(): Timers {
        if (this.timers === undefined) {
            throw invalidState(
                'clock: give it to a manager first, as `clock` of its configuration',
            );
        }
        return this.timers;
    }
}

/** Who waits for a time. */
export interface Timed {
    /** When it is due, in nanoseconds on the manager's clock. */
    due: number;
    /** Which of the times that were noted for it counts; 0 if none does. */
    noted: number;
    /** True as long as there is something to wait for. */
    isOpen: boolean;
    /** Called once the time has come. */
    tick(): void;
}

interface Entry {
    due: number;
    number: number;
    timed: Timed;
}

/** What is due when, of one manager. */
export class Timers {
    readonly #native: NativeManager;
    readonly #clock: ManualClock | undefined;
    /** Smallest first, as a binary heap; what was given up stays until it comes up. */
    #heap: Entry[] = [];
    /** How many entries count. */
    #armed = 0;
    #lastNumber = 0;
    /** What began in this turn of the loop. */
    #fresh: Timed[] = [];
    #isSweepDue = false;
    #timer: NodeJS.Timeout | undefined;
    #timerDue = Infinity;

    constructor(native: NativeManager, clock: ManualClock | undefined) {
        this.#native = native;
        this.#clock = clock;
        if (clock !== undefined) {
            clock.timers = this;
        }
    }

    /** The time in nanoseconds. */
    now(): number {
        return this.#native.now();
    }

    /** Waits for something that is likely to be over before the loop turns. */
    watch(timed: Timed): void {
        this.#fresh.push(timed);
        if (!this.#isSweepDue) {
            this.#isSweepDue = true;
            setImmediate(() => this.#sweep());
        } else if (this.#fresh.length > MOST_FRESH) {
            // One turn may see any number of calls: those that are over are let go of.
            this.#fresh = this.#fresh.filter((one) => one.isOpen);
            if (this.#fresh.length > MOST_FRESH / 2) {
                this.#arm();
            }
        }
    }

    /** Waits for something that takes its time. */
    note(timed: Timed): void {
        this.#put(timed);
        this.#schedule();
        if (this.#clock?.autoAdvance === true) {
            const { due } = timed;
            queueMicrotask(() => this.advance(Math.max(0, due - this.now())));
        }
    }

    /** Gives up waiting. */
    forget(timed: Timed): void {
        if (timed.noted === 0) {
            return;
        }
        timed.noted = 0;
        this.#armed -= 1;
        if (this.#armed === 0) {
            // Nothing is pending, so nothing may keep the process alive.
            this.#heap = [];
            this.#stop();
        } else if (this.#heap.length > 2 * this.#armed + LEAST_DEAD) {
            this.#heap = this.#heap.filter((entry) => entry.number === entry.timed.noted);
            this.#heap.sort((one, other) => one.due - other.due);
        }
    }

    /** Moves a manual clock by nanoseconds. */
    advance(by: number): void {
        this.#arm();
        this.#native.advance(by);
        this.#fire();
    }

    /** Has everybody who waits look again, since the manager was closed. */
    wakeAll(): void {
        this.#arm();
        for (const entry of [...this.#heap]) {
            if (entry.number === entry.timed.noted) {
                entry.timed.tick();
            }
        }
    }

    #sweep(): void {
        this.#isSweepDue = false;
        this.#arm();
    }

    #arm(): void {
        const fresh = this.#fresh;
        this.#fresh = [];
        let isAny = false;
        for (const timed of fresh) {
            if (timed.isOpen && timed.noted === 0) {
                this.#put(timed);
                isAny = true;
            }
        }
        if (isAny) {
            this.#schedule();
        }
    }

    #put(timed: Timed): void {
        if (timed.noted === 0) {
            this.#armed += 1;
        }
        this.#lastNumber += 1;
        timed.noted = this.#lastNumber;
        const heap = this.#heap;
        const entry = { due: timed.due, number: this.#lastNumber, timed };
        let at = heap.push(entry) - 1;
        while (at > 0) {
            const parent = (at - 1) >> 1;
            const above = heap[parent]!;
            if (above.due <= entry.due) {
                break;
            }
            heap[at] = above;
            at = parent;
        }
        heap[at] = entry;
    }

    #pop(): void {
        const heap = this.#heap;
        const last = heap.pop()!;
        if (heap.length === 0) {
            return;
        }
        let at = 0;
        for (;;) {
            let below = 2 * at + 1;
            if (below >= heap.length) {
                break;
            }
            if (below + 1 < heap.length && heap[below + 1]!.due < heap[below]!.due) {
                below += 1;
            }
            if (heap[below]!.due >= last.due) {
                break;
            }
            heap[at] = heap[below]!;
            at = below;
        }
        heap[at] = last;
    }

    /** The earliest that counts. */
    #first(): Entry | undefined {
        for (;;) {
            const first = this.#heap[0];
            if (first === undefined || first.number === first.timed.noted) {
                return first;
            }
            this.#pop();
        }
    }

    #schedule(): void {
        const first = this.#first();
        if (this.#clock !== undefined || first === undefined || first.due >= this.#timerDue) {
            return;
        }
        this.#stop();
        this.#timerDue = first.due;
        const left = Math.ceil((first.due - this.now()) / 1e6);
        this.#timer = setTimeout(() => this.#ring(), Math.min(Math.max(left, 1), LONGEST_TIMER));
    }

    #ring(): void {
        this.#timer = undefined;
        this.#timerDue = Infinity;
        this.#fire();
    }

    #fire(): void {
        const now = this.now();
        for (;;) {
            const first = this.#first();
            if (first === undefined || first.due > now) {
                break;
            }
            this.#pop();
            first.timed.noted = 0;
            this.#armed -= 1;
            first.timed.tick();
        }
        this.#schedule();
    }

    #stop(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#timerDue = Infinity;
    }
}

/** Calls of one turn that are kept before those that are over are sorted out. */
const MOST_FRESH = 1024;
/** Entries that were given up and may stay, beside as many as count. */
const LEAST_DEAD = 64;
/** Node takes no longer time than this. */
const LONGEST_TIMER = 2 ** 31 - 1;
