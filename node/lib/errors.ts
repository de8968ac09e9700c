/**
 * The one error type, with the numbers and names that are the same in every language.
 *
 * Programs branch on `type`, `kind` or `code`; people read the message.
 */
import type { AttemptRecord } from './attempt.js';

/** The family of an error. */
export type ErrorType =
    'connection' | 'validation' | 'not_found' | 'timeout' | 'circuit_breaker' | 'internal';

/** An error of the library. */
export class FailoverError extends Error {
    /** The family. */
    readonly type: ErrorType;
    /** The stable number, from 6001. */
    readonly code: number;
    /** The stable name of that number: `no_endpoints`, `circuit_open`, … */
    readonly kind: string;
    /** Facts for programs: `faults` with the path of each, `endpoints` with the reason of each, … */
    readonly details: Readonly<Record<string, unknown>>;
    /** True if the same call may succeed when it is made again later. */
    readonly isRetryable: boolean;
    /** The attempts of the call that failed; empty where no call was concerned. */
    attempts: readonly AttemptRecord[] = [];

    /** Makes an error; programs do so in tests, and in providers of their own. */
    constructor(message: string, facts: FailoverErrorFacts = {}) {
        super(message, 'cause' in facts ? { cause: facts.cause } : undefined);
        this.type = facts.type ?? 'internal';
        this.code = facts.code ?? 0;
        this.kind = facts.kind ?? '';
        this.details = facts.details ?? {};
        this.isRetryable = facts.isRetryable ?? false;
    }
}
Object.defineProperty(FailoverError.prototype, 'name', {
    value: 'FailoverError',
    writable: true,
    configurable: true,
});

/** What a {@link FailoverError} is made of, beside its message. */
export interface FailoverErrorFacts {
    type?: ErrorType;
    code?: number;
    kind?: string;
    details?: Record<string, unknown>;
    isRetryable?: boolean;
    cause?: unknown;
}

/** Makes the error behind a text of the addon. */
export function fromText(text: string): FailoverError {
    const { message, is_retryable: isRetryable, ...facts } = JSON.parse(text);
    return new FailoverError(message, { ...facts, isRetryable });
}

/** Runs a verb of the addon, whose exceptions carry such a text. */
export function checked<T>(run: () => T): T {
    try {
        return run();
    } catch (thrown) {
        throw translated(thrown);
    }
}

/** What may not be done now, or not any more. */
export function invalidState(message: string): FailoverError {
    return new FailoverError(message, { type: 'validation', code: 6013, kind: 'invalid_state' });
}

/** What comes too late for a manager. */
export function closed(): FailoverError {
    const facts = { type: 'internal', code: 6009, kind: 'closed' } as const;
    return new FailoverError('the manager is closed', facts);
}

/** The error of a wrong argument. */
export function invalid(message: string): FailoverError {
    return new FailoverError(message, { type: 'validation', code: 6012, kind: 'invalid_argument' });
}

function translated(thrown: unknown): unknown {
    const text = thrown instanceof Error ? thrown.message : '';
    if (text.startsWith('{"code":')) {
        return fromText(text);
    }
    // An argument of the wrong kind is refused by the bridge itself.
    const { code } = (thrown ?? {}) as { code?: unknown };
    const isWrong = typeof code === 'string' && /^(InvalidArg|\w+Expected)$/.test(code);
    return isWrong ? invalid(text) : thrown;
}
