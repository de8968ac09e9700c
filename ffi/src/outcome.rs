//! What a call tells about itself afterwards: its error and its attempts.

use std::mem::MaybeUninit;

use failover::execute::Call;
use failover::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::boundary::{guard, named, out};
use crate::call::failover_call;
use crate::error::failover_error;
use crate::handle::{enter, give};
use crate::pool::CoreRef;
use crate::status::failover_code;
use crate::text::{failover_buf, put_text};

/// The error that ended a call.
///
/// - `call`: a live call that ended with the action `FAIL`.
/// - `error`: not NULL. Set on success; the caller owns it. Its details hold the attempts.
///
/// Codes: `INVALID_STATE` if the call didn't fail, `CONCURRENT_USE`, `INVALID_HANDLE`,
/// `NULL_ARGUMENT`. One thread at a time; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_call_error(
    call: Option<&failover_call>,
    error: Option<&mut MaybeUninit<*mut failover_error>>,
) -> failover_code {
    guard(None, || {
        let call = enter(call).map_err(named("call"))?;
        let place = out(error, "error")?;
        let error = failure(&call)
            .ok_or_else(|| Error::new(ErrorKind::InvalidState, "call: didn't fail"))?;
        place.write(give(error.into()));
        Ok(())
    })
}

/// The attempts of a call as a JSON list, in their order: `attempt`, `number`, `endpoint`, `outcome`,
/// `latency_ns`.
///
/// - `call`: a live call.
/// - `json`: not NULL. Set on success to a buffer that the caller owns.
///
/// Codes: `CONCURRENT_USE`, `INVALID_HANDLE`, `NULL_ARGUMENT`. One thread at a time; doesn't block;
/// works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_call_history(
    call: Option<&failover_call>,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
) -> failover_code {
    guard(None, || {
        let call = enter(call).map_err(named("call"))?;
        put_text(out(json, "json")?, history(&call).to_string());
        Ok(())
    })
}

/// The error of a failed call, with its attempts among the details.
pub(crate) fn failure(call: &Call<CoreRef>) -> Option<Error> {
    let error = call.error()?;
    let mut details = error.details();
    if let Value::Object(details) = &mut details {
        details.entry("attempts").or_insert_with(|| history(call));
    }
    Some(error.with_details(details))
}

fn history(call: &Call<CoreRef>) -> Value {
    // A fallback pool may have served some of them.
    let snapshots = [call.home().snapshot(), call.pool().snapshot()];
    let records = call.history();
    let list = (1_u32..).zip(&records).map(|(number, record)| {
        let known = snapshots.iter().find_map(|snapshot| snapshot.find(record.endpoint, 0));
        json!({
            "attempt": number,
            "number": record.endpoint.bits(),
            "endpoint": known.map(|member| member.endpoint.id.to_string()),
            "outcome": record.outcome.map(failover::Outcome::name),
            "latency_ns": record.latency,
        })
    });
    Value::Array(list.collect())
}
