//! The functions of the hot path, each a few lines around its pool.

use std::ffi::CStr;

use failover::{Error, ErrorKind, Request};

use crate::bare::Verb;
use crate::board::{ATTEMPT_NOW, CALL, DONE, FLAGS, LATENCY};
use crate::hot::{Hot, nanos};

/// Does nothing: what the way through the bridge costs, for benches.
pub(crate) struct Idle;

impl Verb<Hot> for Idle {
    const NAME: &'static CStr = c"idle";

    #[inline]
    fn run(_hot: &mut Hot, _text: Option<String>) -> u32 {
        DONE
    }
}

/// Picks once, for a program that reports nothing.
pub(crate) struct Select;

impl Verb<Hot> for Select {
    const NAME: &'static CStr = c"select";

    fn run(hot: &mut Hot, text: Option<String>) -> u32 {
        static PLAIN: Request = Request::new();
        let own;
        let request = match text {
            None => &PLAIN,
            Some(_) => match hot.request(text) {
                Ok(read) => {
                    own = read;
                    &own
                }
                Err(error) => return hot.refuse(error),
            },
        };
        match hot.glance(request) {
            Ok(()) => ATTEMPT_NOW,
            Err(refused) => refused,
        }
    }
}

/// Picks once, and keeps the lease.
pub(crate) struct Pick;

impl Verb<Hot> for Pick {
    const NAME: &'static CStr = c"pick";

    fn run(hot: &mut Hot, text: Option<String>) -> u32 {
        let request = match hot.request(text) {
            Ok(request) => request,
            Err(error) => return hot.refuse(error),
        };
        match hot.pick(&request) {
            Ok(grant) => {
                hot.show_grant(&grant);
                let words = hot.board.words();
                words[FLAGS].set(u32::from(grant.is_panic));
                let number = hot.leases.put(|| grant);
                hot.board.words()[CALL].set(number);
                ATTEMPT_NOW
            }
            Err(refused) => refused,
        }
    }
}

/// Returns a lease with what came of the attempt.
pub(crate) struct Report;

impl Verb<Hot> for Report {
    const NAME: &'static CStr = c"report";

    fn run(hot: &mut Hot, _text: Option<String>) -> u32 {
        let outcome = match hot.outcome() {
            Ok(outcome) => outcome,
            Err(error) => return hot.refuse(error),
        };
        let Some(grant) = hot.leases.take(hot.board.words()[CALL].get()) else {
            return hot.refuse(Error::new(ErrorKind::InvalidState, "lease: was reported before"));
        };
        let now = hot.now();
        let given = nanos(hot.board.reals()[LATENCY].get());
        let latency = if given == 0 { now.saturating_sub(grant.started) } else { given };
        hot.core.report(&grant, outcome, now, latency);
        DONE
    }
}

/// Begins a call.
pub(crate) struct Begin;

impl Verb<Hot> for Begin {
    const NAME: &'static CStr = c"begin";

    #[inline]
    fn run(hot: &mut Hot, text: Option<String>) -> u32 {
        if text.is_none() {
            return hot.begin(Request::new);
        }
        match hot.request(text) {
            Ok(request) => hot.begin(|| request),
            Err(error) => hot.refuse(error),
        }
    }
}

/// Feeds a call what the board says.
pub(crate) struct Step;

impl Verb<Hot> for Step {
    const NAME: &'static CStr = c"step";

    #[inline]
    fn run(hot: &mut Hot, _text: Option<String>) -> u32 {
        let number = hot.board.words()[CALL].get();
        match hot.input() {
            Ok(input) => hot.feed(number, input, hot.now()),
            Err(error) => hot.refuse(error),
        }
    }
}
