//! Life after `fork`: the hooks run inside of it, where nothing of Python does.
//!
//! `os.register_at_fork` would be too wide. The hooks of other modules run between its `before` and its
//! `after` and may let other Python threads run; one of those would wait for a lock of the engine while
//! it is attached, and the fork for the interpreter: for ever. Between the hooks of the system's own
//! `fork` there is the fork alone. The package restarts its threads in the child afterwards.

use std::panic::catch_unwind;
use std::sync::Once;

use failover::manager;

use crate::wait;

/// Registers the hooks, once for the process.
pub(crate) fn register_hooks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the three functions are of the signature that is wanted, and an extension module is
        // never unloaded.
        let failed = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        // It fails for want of memory alone, and then a child has to do without background work.
        let _ = failed;
    });
}

unsafe extern "C" fn before() {
    // A defect is no reason to abort; the panic has been told by its hook.
    let _ = catch_unwind(manager::before_fork);
}

unsafe extern "C" fn in_parent() {
    let _ = catch_unwind(manager::after_fork_parent);
}

unsafe extern "C" fn in_child() {
    wait::forget_others();
    let _ = catch_unwind(manager::after_fork_child);
}
