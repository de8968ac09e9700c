//! Life after `os.fork`: the hooks that the package registers with `os.register_at_fork`.

use failover::manager;
use pyo3::prelude::*;

use crate::wait;

/// Prepares a fork, in the parent.
#[pyfunction]
pub(crate) fn before_fork() {
    manager::before_fork();
}

/// Goes on after a fork, in the parent.
#[pyfunction]
pub(crate) fn after_fork_parent() {
    manager::after_fork_parent();
}

/// Makes the managers usable, in the child.
#[pyfunction]
pub(crate) fn after_fork_child() {
    wait::forget_others();
    manager::after_fork_child();
}
