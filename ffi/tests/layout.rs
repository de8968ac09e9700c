//! The structs of the ABI have the same layout in Rust and in C.
//!
//! `tests/abi/layout.txt` is what the C compiler says (`tests/abi/run.sh` compares it), and this is
//! what Rust says. A line of that file may be added, and never changes.

use std::fmt::Write as _;

use failover_ffi::*;

/// Writes the lines of one struct.
macro_rules! lines {
    ($out:ident, $name:ident { $($field:ident),+ }) => {
        let (size, align) = (size_of::<$name>(), align_of::<$name>());
        writeln!($out, "{} size={size} align={align}", stringify!($name)).unwrap();
        $(
            let size = field_size(|value: &$name| &raw const value.$field);
            let offset = std::mem::offset_of!($name, $field);
            writeln!(
                $out, "{}.{} offset={offset} size={size}", stringify!($name), stringify!($field)
            ).unwrap();
        )+
    };
}

const fn field_size<S, F>(_: fn(&S) -> *const F) -> usize {
    size_of::<F>()
}

#[test]
#[expect(clippy::too_many_lines, reason = "the macro writes a line for each field")]
fn rust_and_c_lay_out_the_structs_alike() {
    let mut out = String::new();
    lines!(
        out,
        failover_action {
            attempt,
            attempt_timeout_ns,
            code,
            flags,
            kind,
            lease,
            reserved,
            timer_ns
        }
    );
    lines!(
        out,
        failover_endpoint_desc {
            address,
            flags,
            health_check_json,
            id,
            metadata_json,
            name,
            port,
            priority,
            protocol,
            reserved,
            struct_size,
            tags_json,
            weight
        }
    );
    lines!(
        out,
        failover_endpoint_stats {
            average_ns,
            cancelled,
            circuit,
            endpoint,
            ewma_ns,
            failed,
            health,
            in_flight,
            ok,
            p50_ns,
            p99_ns,
            picks
        }
    );
    lines!(out, failover_event { endpoint, flags, kind, pool, reason, reserved, seq, time_ns });
    lines!(
        out,
        failover_input { attempt, endpoint, hint_ns, kind, latency_ns, now_ns, outcome, reserved }
    );
    lines!(
        out,
        failover_lease {
            attempt,
            endpoint,
            epoch,
            flags,
            pass_generation,
            pass_slot,
            pass_word,
            position,
            scope,
            scope_pass_generation,
            scope_pass_slot,
            scope_pass_word,
            snapshot_version,
            started_ns,
            token
        }
    );
    lines!(out, failover_log_record { flags, level, message, seq, target, time_ns });
    lines!(
        out,
        failover_request {
            client_ip,
            endpoint,
            exclude,
            exclude_len,
            filter_json,
            flags,
            key,
            latitude,
            longitude,
            now_ns,
            region,
            scope,
            session,
            struct_size,
            timeout_ns,
            zone
        }
    );
    lines!(out, failover_str { len, ptr });

    lines!(
        out,
        failover_work { kind, flags, token, deadline_ns, reserved, provider, payload_json }
    );

    let mut mine: Vec<&str> = out.lines().collect();
    let mut theirs: Vec<&str> = include_str!("../../tests/abi/layout.txt").lines().collect();
    mine.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(mine, theirs);
}
