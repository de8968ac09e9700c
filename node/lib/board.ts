/**
 * Places and numbers of the memory through which a call talks to the addon; `src/board.rs` has the same.
 *
 * Whole numbers come first, real ones behind them.
 */

/** Place of a whole number: what happened. */
export const INPUT = 0;
/** Place of a whole number: the call or lease. */
export const CALL = 1;
/** Place of a whole number: the attempt's number. */
export const ATTEMPT = 2;
/** Place of a whole number: what came of the attempt. */
export const OUTCOME = 3;
/** Place of a whole number: 1 if a call that is done is to be freed at once. */
export const FREE = 4;
/** Place of a whole number: the endpoint's slot. */
export const SLOT = 5;
/** Place of a whole number: the slot's generation. */
export const GENERATION = 6;
/** Place of a whole number: {@link IS_PANIC} and {@link IS_FALLBACK}. */
export const FLAGS = 7;
/** Place of a whole number: the code of an error. */
export const CODE = 8;

/** Place of a real number: how long the attempt took in nanoseconds, 0 for since it began. */
export const LATENCY = 0;
/** Place of a real number: how long the endpoint asked to be left alone, in nanoseconds. */
export const HINT = 1;
/** Place of a real number: when something is due, in nanoseconds on the manager's clock. */
export const TIMER = 2;
/** Place of a real number: version of the set that was picked from. */
export const VERSION = 3;
/** Place of a real number: nanoseconds that the attempt may take, or that the call took. */
export const TIME = 4;

/** How many whole numbers there are, so where the real ones begin. */
export const WORDS = 16;
/** How many real numbers there are. */
export const REALS = 8;

/** Flag: an attempt went to an endpoint that looked unfit. */
export const IS_PANIC = 1;
/** Flag: another provider's pool serves the call. */
export const IS_FALLBACK = 2;

/** Inputs of the call machine, numbered as in C. */
export const Input = { RESULT: 2, TICK: 3, CANCEL: 4, NEXT: 5, CHOSEN: 6 } as const;

/** What the call machine wants, numbered as in C; 0 says that the input was refused. */
export const Action = {
    REFUSED: 0,
    ATTEMPT: 1,
    WAIT: 2,
    ABANDON: 3,
    CHOOSE: 4,
    PENDING: 5,
    DONE: 6,
    FAIL: 7,
} as const;
