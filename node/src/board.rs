//! Places and numbers of the memory through which a call talks; `lib/board.ts` has the same.

/// What happened.
pub(crate) const INPUT: usize = 0;
/// The call or lease.
pub(crate) const CALL: usize = 1;
/// The attempt's number.
pub(crate) const ATTEMPT: usize = 2;
/// What came of the attempt.
pub(crate) const OUTCOME: usize = 3;
/// 1: a call that is done is freed at once.
pub(crate) const FREE: usize = 4;
/// The endpoint's slot.
pub(crate) const SLOT: usize = 5;
/// The slot's generation.
pub(crate) const GENERATION: usize = 6;
/// 1: panic, 2: fallback.
pub(crate) const FLAGS: usize = 7;
/// The code of an error.
pub(crate) const CODE: usize = 8;
/// How long the attempt took; 0 for since it began.
pub(crate) const LATENCY: usize = 0;
/// How long the endpoint asked to be left alone.
pub(crate) const HINT: usize = 1;
/// When something is due.
pub(crate) const TIMER: usize = 2;
/// Version of the set that was picked from.
pub(crate) const VERSION: usize = 3;
/// What the attempt may take, or the call took.
pub(crate) const TIME: usize = 4;

// Inputs, numbered as in C.
/// An attempt ended.
pub(crate) const RESULT: u32 = 2;
/// Time passed.
pub(crate) const TICK: u32 = 3;
/// The caller gives up.
pub(crate) const CANCEL: u32 = 4;
/// An abandoned attempt was stopped.
pub(crate) const NEXT: u32 = 5;
/// The program chose.
pub(crate) const CHOSEN: u32 = 6;

// Results, numbered as in C.
/// The function was refused.
pub(crate) const REFUSED: u32 = 0;
/// An attempt is to be made.
pub(crate) const ATTEMPT_NOW: u32 = 1;
/// Nothing is to be done for a while.
pub(crate) const WAIT: u32 = 2;
/// An attempt is to be stopped.
pub(crate) const ABANDON: u32 = 3;
/// The program is to choose.
pub(crate) const CHOOSE: u32 = 4;
/// An attempt is running.
pub(crate) const PENDING: u32 = 5;
/// It ended well.
pub(crate) const DONE: u32 = 6;
/// It failed.
pub(crate) const FAIL: u32 = 7;
