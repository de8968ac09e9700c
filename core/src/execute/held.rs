//! The plan that a thread holds: read again only when it changed.
//!
//! Loading a shared pointer safely costs two locked instructions, which is more than a pick. A
//! thread keeps the plan it read last, with its version, and counts its own borrowers of it without
//! any; as long as the pool's version is the same, no memory is written that another thread reads.
//! The price: a thread that doesn't pick any more keeps the last plan of its pools alive, for at
//! most [`PLACES`] of them.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use super::plan::Plan;

/// A plan on loan from the calling thread.
#[derive(Debug)]
pub(crate) struct HeldPlan(Rc<Held>);

#[derive(Debug)]
struct Held {
    pool: u64,
    version: u64,
    plan: Arc<Plan>,
}

thread_local! {
    static HELD: [RefCell<Option<Rc<Held>>>; PLACES] =
        const { [const { RefCell::new(None) }; PLACES] };
}

impl HeldPlan {
    /// The thread's plan of `pool` if it is of `version`, or what `load` reads.
    #[inline]
    pub(crate) fn new(pool: u64, version: u64, load: impl Fn() -> Arc<Plan>) -> Self {
        let held = HELD.try_with(|places| {
            let held = places[place(pool)].try_borrow().ok()?;
            let held = held.as_ref()?;
            (held.pool == pool && held.version == version).then(|| Rc::clone(held))
        });
        match held {
            Ok(Some(held)) => Self(held),
            _ => Self(read(pool, version, &load)),
        }
    }
}

impl Deref for HeldPlan {
    type Target = Plan;

    #[inline]
    fn deref(&self) -> &Plan {
        &self.0.plan
    }
}

/// Reads the plan and keeps it for the next time, unless the thread ends.
#[cold]
#[inline(never)]
fn read(pool: u64, version: u64, load: &dyn Fn() -> Arc<Plan>) -> Rc<Held> {
    let fresh = Rc::new(Held { pool, version, plan: load() });
    // What was there is dropped after its place is free again: it may be the set's last holder.
    let _old = HELD.try_with(|places| places[place(pool)].replace(Some(Rc::clone(&fresh))));
    fresh
}

const fn place(pool: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    let low = pool as usize;
    low % PLACES
}

/// Pools of which a thread keeps the plan.
const PLACES: usize = 8;
