//! Atomics and reference counts, the real ones or loom's.
//!
//! The lock-free parts (breaker permits, tickets, the retired list) are written against this
//! module, so that `tests/loom.rs` can explore every interleaving of the very code that ships.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// True where a model checker runs all threads of the program on one.
pub(crate) const IS_MODEL: bool = cfg!(loom);
