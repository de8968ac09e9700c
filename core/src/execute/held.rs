//! The plan that a thread holds: read again only when it changed.
//!
//! Loading a shared pointer safely costs two locked instructions, which is half a pick. A thread
//! keeps the plan it read last, with its version, takes it out while it works and puts it back
//! after; as long as the pool's version is the same, no memory is written that another thread
//! reads. The price: a thread that doesn't pick any more keeps the last plan of its pools alive,
//! for at most [`PLACES`] of them.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

use super::plan::Plan;

/// A plan on loan from the calling thread's places.
#[derive(Debug)]
pub(crate) struct HeldPlan {
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    pool: u64,
    version: u64,
    plan: Arc<Plan>,
}

thread_local! {
    static HELD: [Cell<Option<Held>>; PLACES] = const { [const { Cell::new(None) }; PLACES] };
}

impl HeldPlan {
    /// Takes the thread's plan of `pool` if it is of `version`, or reads it by `load`.
    #[inline]
    pub(crate) fn take(pool: u64, version: u64, load: impl FnOnce() -> Arc<Plan>) -> Self {
        let held = HELD.try_with(|held| held[place(pool)].take()).ok().flatten();
        match held {
            Some(held) if held.pool == pool && held.version == version => Self { held: Some(held) },
            _ => Self::read(pool, version, load),
        }
    }

    #[cold]
    #[inline(never)]
    fn read(pool: u64, version: u64, load: impl FnOnce() -> Arc<Plan>) -> Self {
        Self { held: Some(Held { pool, version, plan: load() }) }
    }
}

impl Deref for HeldPlan {
    type Target = Plan;

    #[inline]
    fn deref(&self) -> &Plan {
        &self.held.as_ref().expect("a plan is taken out by drop alone").plan
    }
}

impl Drop for HeldPlan {
    #[inline]
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            // Fails while the thread ends; then the plan just goes.
            let _ = HELD.try_with(|places| places[place(held.pool)].set(Some(held)));
        }
    }
}

const fn place(pool: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    let low = pool as usize;
    low % PLACES
}

/// Pools of which a thread keeps the plan.
const PLACES: usize = 8;
