//! Which release this is, and whether the program's header fits it.

use std::ffi::c_char;

use failover::ErrorKind;

use crate::boundary::guard_fast;
use crate::call::{failover_action, failover_input};
use crate::endpoint::failover_endpoint_desc;
use crate::events::failover_event;
use crate::growing::check_size;
use crate::lease::failover_lease;
use crate::logs::failover_log_record;
use crate::request::failover_request;
use crate::stats::failover_endpoint_stats;
use crate::status::failover_code;
use crate::text::failover_str;
use crate::work::failover_work;

/// Major version.
pub const FAILOVER_VERSION_MAJOR: u32 = 0;
/// Minor version.
pub const FAILOVER_VERSION_MINOR: u32 = 1;
/// Patch version.
pub const FAILOVER_VERSION_PATCH: u32 = 0;
/// The version as one number: major << 24 | minor << 16 | patch << 8.
pub const FAILOVER_VERSION_NUMBER: u32 = 65536;
/// Grows with each incompatible change of the ABI.
pub const FAILOVER_ABI_VERSION: u32 = 1;

/// The release as text: `major.minor.patch`.
///
/// Returns text with a terminating zero that lives for ever. Any thread; doesn't block; works after
/// fork.
#[unsafe(no_mangle)]
pub extern "C" fn failover_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The release as the number `FAILOVER_VERSION_NUMBER` of the library, not of the header.
///
/// Any thread; doesn't block; works after fork.
#[unsafe(no_mangle)]
pub extern "C" fn failover_version_number() -> u32 {
    FAILOVER_VERSION_NUMBER
}

/// The ABI of the library, not of the header.
///
/// Any thread; doesn't block; works after fork.
#[unsafe(no_mangle)]
pub extern "C" fn failover_abi_version() -> u32 {
    FAILOVER_ABI_VERSION
}

/// Tells whether a program that was compiled against some header may use this library. Structs that may
/// grow may be smaller or larger than here, down to their size in the first release that had them.
///
/// - `header_abi`: `FAILOVER_ABI_VERSION` of the header.
/// - `struct_sizes`: `sizeof` of `failover_str`, `_lease`, `_request`, `_input`, `_action`,
///   `_endpoint_desc`, `_event`, `_log_record`, `_endpoint_stats` and `_work`, in this order; fewer
///   are fine.
/// - `count`: how many.
///
/// Codes: `UNSUPPORTED`, `INVALID_ARGUMENT` (`struct_sizes` isn't aligned), `NULL_ARGUMENT`. Any thread;
/// doesn't block; works after fork.
///
/// # Safety
///
/// `struct_sizes` is NULL or points to `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_abi_check(
    header_abi: u32,
    struct_sizes: *const u32,
    count: usize,
) -> failover_code {
    guard_fast(|| {
        if struct_sizes.is_null() && count > 0 {
            return Err(ErrorKind::NullArgument);
        }
        if header_abi != FAILOVER_ABI_VERSION || count > SIZES.len() {
            return Err(ErrorKind::Unsupported);
        }
        if !struct_sizes.is_aligned() {
            return Err(ErrorKind::InvalidArgument);
        }
        let given = if count == 0 {
            &[]
        } else {
            // SAFETY: not NULL, and by this function's contract `count` numbers are there.
            unsafe { std::slice::from_raw_parts(struct_sizes, count) }
        };
        given.iter().zip(SIZES).try_for_each(|(given, is_known)| is_known(*given as usize))
    })
}

const VERSION: &std::ffi::CStr = match std::ffi::CStr::from_bytes_with_nul(
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes(),
) {
    Ok(text) => text,
    Err(_) => c"",
};

/// Looks at the size of one struct.
type Check = fn(usize) -> Result<(), ErrorKind>;

const SIZES: [Check; 10] = [
    same_size::<failover_str>,
    same_size::<failover_lease>,
    check_size::<failover_request>,
    same_size::<failover_input>,
    same_size::<failover_action>,
    check_size::<failover_endpoint_desc>,
    check_size::<failover_event>,
    check_size::<failover_log_record>,
    check_size::<failover_endpoint_stats>,
    check_size::<failover_work>,
];

/// Refuses another size of a struct that never grows.
const fn same_size<T>(size: usize) -> Result<(), ErrorKind> {
    if size == size_of::<T>() { Ok(()) } else { Err(ErrorKind::Unsupported) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_macros_are_cargo_s() {
        let (major, minor, patch) =
            (FAILOVER_VERSION_MAJOR, FAILOVER_VERSION_MINOR, FAILOVER_VERSION_PATCH);

        assert_eq!(format!("{major}.{minor}.{patch}"), env!("CARGO_PKG_VERSION"));
        assert_eq!(FAILOVER_VERSION_NUMBER, major << 24 | minor << 16 | patch << 8);
    }
}
