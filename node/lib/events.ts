/**
 * What happens, as it happens: events and log records, as async iterators.
 */
import { onAbort } from './abort.js';
import type { NativeManager, NativeQueue } from './native.js';

/** What may happen; `docs/reference/events.md` says what each means. */
export type EventType =
    | 'health_check'
    | 'failover'
    | 'recovery'
    | 'endpoint_up'
    | 'endpoint_down'
    | 'circuit_open'
    | 'circuit_half_open'
    | 'circuit_close'
    | 'retry'
    | 'timeout'
    | 'load_balance'
    | 'ejected'
    | 'would_eject'
    | 'panic_enter'
    | 'panic_leave'
    | 'drain'
    | 'discovery_update'
    | 'discovery_stale'
    | 'config_applied'
    | 'budget_exhausted';

/** One event. */
export interface FailoverEvent {
    /** Its number in the manager, from 1, without gaps. */
    sequence: number;
    /** When it happened, in milliseconds since 1970. */
    time: number;
    type: EventType;
    /** `provider/service`; empty where no pool is concerned. */
    pool: string;
    /** The endpoint's id. */
    endpoint: string | null;
    /** Why. */
    reason: string;
}

/** One line for people. */
export interface LogRecord {
    sequence: number;
    /** Milliseconds since 1970. */
    time: number;
    level: 'error' | 'warn' | 'info' | 'debug' | 'trace';
    /** The area that wrote it. */
    target: string;
    message: string;
}

/** Reads records that the addon writes: times become milliseconds. */
export function records<T>(text: string): T[] {
    const read = JSON.parse(text) as (Record<string, unknown> & { time_ns: number })[];
    return read.map(
        ({ time_ns: time, ...rest }) => ({ ...rest, time: time / 1e6 }) as unknown as T,
    );
}

/** Whom the loop tells that records may wait. */
export interface Reader {
    wake(): void;
    end(): void;
}

/** Who keeps readers, and holds the process while one waits. */
export interface Readers {
    add(reader: Reader): void;
    remove(reader: Reader): void;
    hold(isHeld: boolean): void;
}

/**
 * A bounded queue of records, read by `for await`. While a reader waits, the process stays alive.
 *
 * It ends when the manager is closed, or by `return`, as leaving the loop does.
 */
export class RecordStream<T> implements AsyncIterableIterator<T> {
    readonly #queue: NativeQueue;
    readonly #readers: Readers;
    #read: T[] = [];
    #waiting: ((result: IteratorResult<T>) => void)[] = [];
    #isEnded = false;
    readonly #unfollow: (() => void) | undefined;

    /** @internal */
    constructor(queue: NativeQueue, readers: Readers, signal: AbortSignal | undefined) {
        this.#queue = queue;
        this.#readers = readers;
        readers.add(this);
        if (signal?.aborted === true) {
            this.end();
        } else if (signal !== undefined && !this.#isEnded) {
            this.#unfollow = onAbort(signal, () => this.end());
        }
    }

    /** How many records were dropped because nobody read them. */
    get dropped(): number {
        return this.#queue.dropped();
    }

    /** What waits now, without waiting for more. */
    drain(): T[] {
        while (this.#fill() === MOST_AT_ONCE);
        const all = this.#read;
        this.#read = [];
        return all;
    }

    next(): Promise<IteratorResult<T>> {
        if (this.#read.length === 0) {
            this.#fill();
        }
        const value = this.#read.shift();
        if (value !== undefined) {
            return Promise.resolve({ value, done: false });
        }
        if (this.#isEnded) {
            return Promise.resolve({ value: undefined, done: true });
        }
        return new Promise((resolve) => {
            this.#readers.hold(true);
            this.#waiting.push(resolve);
        });
    }

    return(): Promise<IteratorResult<T>> {
        this.end();
        return Promise.resolve({ value: undefined, done: true });
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.end();
    }

    /** @internal */
    wake(): void {
        if (this.#waiting.length === 0) {
            return;
        }
        this.#fill();
        while (this.#waiting.length > 0 && this.#read.length > 0) {
            this.#readers.hold(false);
            this.#waiting.shift()!({ value: this.#read.shift()!, done: false });
        }
    }

    /** @internal */
    end(): void {
        if (this.#isEnded) {
            return;
        }
        this.wake();
        this.#fill();
        this.#isEnded = true;
        this.#unfollow?.();
        this.#queue.close();
        this.#readers.remove(this);
        for (const resolve of this.#waiting) {
            this.#readers.hold(false);
            resolve({ value: undefined, done: true });
        }
        this.#waiting = [];
    }

    /** Takes what waits; tells how much that was. */
    #fill(): number {
        const found = this.#isEnded ? [] : records<T>(this.#queue.poll(MOST_AT_ONCE));
        this.#read.push(...found);
        return found.length;
    }
}

/** The one bell of a manager: hung up when something first needs it, held while somebody waits. */
export class Bell implements Readers {
    readonly #native: NativeManager;
    readonly #owner: Answering;
    readonly #readers = new Set<Reader>();
    #isHung = false;
    #isOver = false;
    #holds = 0;

    constructor(native: NativeManager, owner: Answering) {
        this.#native = native;
        this.#owner = owner;
    }

    /** Hangs it up, at first use. */
    hang(): void {
        if (!this.#isHung && !this.#isOver) {
            this.#isHung = true;
            // The host keeps the function for as long as the bell hangs, and must not keep the manager.
            const owner = new WeakRef(this.#owner);
            this.#native.listen(() => owner.deref()?.answer());
        }
    }

    add(reader: Reader): void {
        if (this.#isOver) {
            return reader.end();
        }
        this.hang();
        this.#readers.add(reader);
    }

    remove(reader: Reader): void {
        this.#readers.delete(reader);
    }

    /** Has every reader look. */
    wake(): void {
        this.#readers.forEach((reader) => reader.wake());
    }

    /** Ends every reader, since the manager is closed. */
    end(): void {
        this.#isOver = true;
        [...this.#readers].forEach((reader) => reader.end());
    }

    hold(isHeld: boolean): void {
        this.#holds += isHeld ? 1 : -1;
        if (this.#holds === (isHeld ? 1 : 0)) {
            this.#native.hold(isHeld);
            if (isHeld) {
                awaited.add(this);
            } else {
                awaited.delete(this);
            }
        }
    }
}

/** Whoever is called when the bell rings. */
export interface Answering {
    answer(): void;
}

/** Bells for which somebody waits: nothing else may keep them and what they belong to. */
const awaited = new Set<Bell>();

/** Records that are read at once. */
const MOST_AT_ONCE = 1024;
