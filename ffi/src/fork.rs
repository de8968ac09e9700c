//! Life after `fork`: hooks that run by themselves, or that the program calls.

use std::sync::Once;

use failover::manager;

use crate::boundary::guard_value;

/// Prepares a fork. Runs by itself through `pthread_atfork`, unless `FAILOVER_NO_ATFORK` is in the
/// environment when the first manager is made; calling it besides does no harm, since the hooks are
/// counted.
///
/// Call it in the parent, on the thread that forks. Blocks until background work stands between two
/// steps.
#[unsafe(no_mangle)]
pub extern "C" fn failover_before_fork() {
    guard_value((), manager::before_fork);
}

/// Goes on after a fork, in the parent. Belongs to `failover_before_fork`; doesn't block.
#[unsafe(no_mangle)]
pub extern "C" fn failover_after_fork_parent() {
    guard_value((), manager::after_fork_parent);
}

/// Makes managers usable in the child: they keep configuration, endpoints and states, select at
/// once, and start background work of their own when it is needed. Leases and calls of the parent
/// are nobody's here. Belongs to `failover_before_fork`; doesn't block.
#[unsafe(no_mangle)]
pub extern "C" fn failover_after_fork_child() {
    guard_value((), manager::after_fork_child);
}

/// Registers the hooks once for the process.
pub(crate) fn register_hooks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::env::var_os("FAILOVER_NO_ATFORK").is_some() {
            return;
        }
        // SAFETY: the three functions are of the signature that is wanted, live for ever, and the
        // library is linked with -z nodelete.
        let failed = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        // It fails for want of memory alone; then the program may still call the hooks itself.
        let _ = failed;
    });
}

unsafe extern "C" fn before() {
    failover_before_fork();
}

unsafe extern "C" fn in_parent() {
    failover_after_fork_parent();
}

unsafe extern "C" fn in_child() {
    failover_after_fork_child();
}
