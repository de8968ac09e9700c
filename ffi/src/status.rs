//! The numbers of the ABI: codes, outcomes, kinds of events.
//!
//! They repeat core's tables, since cbindgen copies constants and expands no macros; the tests
//! below compare every one of them with those tables.

/// The result of every fallible function: 0 is OK, the others begin at 6000 and are never reused.
pub type failover_code = u32;

/// The number of one endpoint in one manager: slot | generation << 32; 0 is none. Hosts may use the
/// slot as an index into their own table.
pub type failover_endpoint_id = u64;

/// Done.
pub const FAILOVER_OK: failover_code = 0;
/// A configuration value is unknown, out of range or contradicts another.
pub const FAILOVER_E_INVALID_CONFIG: failover_code = 6001;
/// No endpoint is registered, or none may take traffic now.
pub const FAILOVER_E_NO_ENDPOINTS: failover_code = 6002;
/// The call's own deadline passed. The last attempt may have had an effect.
pub const FAILOVER_E_DEADLINE_EXCEEDED: failover_code = 6003;
/// Every permitted attempt failed, or nobody was left for the next; the last one's own error comes with it.
pub const FAILOVER_E_ATTEMPTS_EXHAUSTED: failover_code = 6004;
/// Breakers bar every endpoint that is left; the details say when the next probe is due.
pub const FAILOVER_E_CIRCUIT_OPEN: failover_code = 6005;
/// The retry budget was empty, so the call ended with its last attempt's error.
pub const FAILOVER_E_BUDGET_EXHAUSTED: failover_code = 6006;
/// The attempt ended the call: the caller's fault, not idempotent, or not retryable.
pub const FAILOVER_E_REJECTED: failover_code = 6007;
/// The caller cancelled the call.
pub const FAILOVER_E_CANCELLED: failover_code = 6008;
/// The manager is closed.
pub const FAILOVER_E_CLOSED: failover_code = 6009;
/// No such endpoint, provider, service or pool.
pub const FAILOVER_E_NOT_FOUND: failover_code = 6010;
/// The id or name is taken.
pub const FAILOVER_E_ALREADY_EXISTS: failover_code = 6011;
/// An argument is malformed; the message names it and says what was expected.
pub const FAILOVER_E_INVALID_ARGUMENT: failover_code = 6012;
/// The function doesn't fit the state: a step on a finished call, `advance` on a system clock.
pub const FAILOVER_E_INVALID_STATE: failover_code = 6013;
/// The time allowed for a blocking verb passed before it was done.
pub const FAILOVER_E_TIMEOUT: failover_code = 6014;
/// The provider failed or can't do what was asked.
pub const FAILOVER_E_PROVIDER: failover_code = 6015;
/// Work for the program waits, and no worker of the program pulls it.
pub const FAILOVER_E_NO_WORKER: failover_code = 6016;
/// The name is reserved for a later release.
pub const FAILOVER_E_NOT_AVAILABLE: failover_code = 6017;
/// A limit was reached: endpoints in a provider, bytes in a document, open calls.
pub const FAILOVER_E_LIMIT_EXCEEDED: failover_code = 6018;
/// A pointer that must not be NULL is NULL.
pub const FAILOVER_E_NULL_ARGUMENT: failover_code = 6019;
/// A handle is not of this library, or was freed already.
pub const FAILOVER_E_INVALID_HANDLE: failover_code = 6020;
/// Text is not UTF-8.
pub const FAILOVER_E_INVALID_UTF8: failover_code = 6021;
/// A struct's size, or a field beyond the known ones, is not understood by this release.
pub const FAILOVER_E_UNSUPPORTED: failover_code = 6022;
/// A defect of the library was caught at its border. Selection goes on.
pub const FAILOVER_E_PANIC: failover_code = 6023;
/// The process was forked, and its policy forbids use in the child.
pub const FAILOVER_E_FORKED: failover_code = 6024;
/// A handle for one thread at a time was used by two at once.
pub const FAILOVER_E_CONCURRENT_USE: failover_code = 6025;
/// Input or output of the machine failed.
pub const FAILOVER_E_IO: failover_code = 6026;
/// Something is still open; the details count it.
pub const FAILOVER_E_BUSY: failover_code = 6027;

/// Outcome: A result was returned.
pub const FAILOVER_OUTCOME_SUCCESS: u32 = 1;
/// Outcome: The endpoint answered that the caller is wrong: 4xx, validation, not found.
pub const FAILOVER_OUTCOME_REJECTED: u32 = 2;
/// Outcome: The request never reached the endpoint: refused, unknown host, failed TLS handshake.
pub const FAILOVER_OUTCOME_UNSENT: u32 = 3;
/// Outcome: The request may have reached the endpoint and failed: reset, 502, 503, 504.
pub const FAILOVER_OUTCOME_FAILURE: u32 = 4;
/// Outcome: The attempt ran into its deadline.
pub const FAILOVER_OUTCOME_TIMEOUT: u32 = 5;
/// Outcome: The endpoint asked for less: 429, Retry-After.
pub const FAILOVER_OUTCOME_THROTTLED: u32 = 6;
/// Outcome: The caller gave up, or another attempt won.
pub const FAILOVER_OUTCOME_CANCELLED: u32 = 7;
/// Outcome: The callback itself is broken.
pub const FAILOVER_OUTCOME_LOCAL: u32 = 8;

/// Event: An active check ended with another result than the one before.
pub const FAILOVER_EVENT_HEALTH_CHECK: u32 = 0;
/// Event: An attempt goes to another endpoint than the previous one of its call.
pub const FAILOVER_EVENT_FAILOVER: u32 = 1;
/// Event: An endpoint that was out takes traffic again.
pub const FAILOVER_EVENT_RECOVERY: u32 = 2;
/// Event: Active checks found an endpoint healthy.
pub const FAILOVER_EVENT_ENDPOINT_UP: u32 = 3;
/// Event: Active checks found an endpoint unhealthy.
pub const FAILOVER_EVENT_ENDPOINT_DOWN: u32 = 4;
/// Event: A breaker opened.
pub const FAILOVER_EVENT_CIRCUIT_OPEN: u32 = 5;
/// Event: A breaker lets probes through.
pub const FAILOVER_EVENT_CIRCUIT_HALF_OPEN: u32 = 6;
/// Event: A breaker closed.
pub const FAILOVER_EVENT_CIRCUIT_CLOSE: u32 = 7;
/// Event: A call tries again, and its budget was charged.
pub const FAILOVER_EVENT_RETRY: u32 = 8;
/// Event: An attempt or a call ran into its deadline.
pub const FAILOVER_EVENT_TIMEOUT: u32 = 9;
/// Event: A pick; sampled, off by default. The reason is the ladder's level, or what came before it.
pub const FAILOVER_EVENT_LOAD_BALANCE: u32 = 10;
/// Event: An endpoint was ejected by comparison with the others.
pub const FAILOVER_EVENT_EJECTED: u32 = 11;
/// Event: An ejection was due and refused, with its reason.
pub const FAILOVER_EVENT_WOULD_EJECT: u32 = 12;
/// Event: Picks use endpoints that look unfit, since no other is left.
pub const FAILOVER_EVENT_PANIC_ENTER: u32 = 13;
/// Event: Picks find fit endpoints again.
pub const FAILOVER_EVENT_PANIC_LEAVE: u32 = 14;
/// Event: An endpoint was put into draining or maintenance, or back.
pub const FAILOVER_EVENT_DRAIN: u32 = 15;
/// Event: A provider's set changed.
pub const FAILOVER_EVENT_DISCOVERY_UPDATE: u32 = 16;
/// Event: A provider could not be read; the last good set serves.
pub const FAILOVER_EVENT_DISCOVERY_STALE: u32 = 17;
/// Event: A configuration took effect.
pub const FAILOVER_EVENT_CONFIG_APPLIED: u32 = 18;
/// Event: A retry was due and the budget was empty.
pub const FAILOVER_EVENT_BUDGET_EXHAUSTED: u32 = 19;

#[cfg(test)]
mod tests {
    use failover::error::ErrorKind;
    use failover::events::EventKind;
    use failover::outlier::Outcome;

    /// What stands above the tests.
    fn declared() -> &'static str {
        include_str!("status.rs").split("#[cfg(test)]").next().unwrap_or_default()
    }

    #[test]
    fn every_code_is_core_s_and_none_is_missing() {
        for kind in ErrorKind::ALL {
            let line = format!("pub const {}: failover_code = {};", kind.c_name(), kind.code());
            assert!(declared().contains(&line), "missing: {line}");
        }
        assert_eq!(declared().matches("pub const FAILOVER_E_").count(), ErrorKind::ALL.len());
    }

    #[test]
    fn every_outcome_is_core_s_and_none_is_missing() {
        for outcome in Outcome::ALL {
            let name = outcome.name().to_uppercase();
            let line = format!("pub const FAILOVER_OUTCOME_{name}: u32 = {};", outcome as u32);
            assert!(declared().contains(&line), "missing: {line}");
        }
        assert_eq!(declared().matches("pub const FAILOVER_OUTCOME_").count(), Outcome::ALL.len());
    }

    #[test]
    fn every_event_is_core_s_and_none_is_missing() {
        for kind in EventKind::ALL {
            let name = kind.name().to_uppercase();
            let line = format!("pub const FAILOVER_EVENT_{name}: u32 = {};", *kind as u32);
            assert!(declared().contains(&line), "missing: {line}");
        }
        assert_eq!(declared().matches("pub const FAILOVER_EVENT_").count(), EventKind::ALL.len());
    }
}
