//! Life after `fork`: a child selects at once and starts background work of its own when needed.
//!
//! Threads don't survive a fork, and an inherited runtime can't be dropped without hanging. So the
//! child forgets it, forgets attempts that only the parent can finish, and reseeds unless the
//! program fixed the seed. Hooks are counted, since two layers may both call them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError, Weak};

use super::Manager;
use super::manager::Inner;
use crate::config::ForkPolicy;

/// Guards the managers of this process; taken when one is made and around a fork.
static MANAGERS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// How many callers are between before and after.
static DEPTH: AtomicU32 = AtomicU32::new(0);

pub(super) fn remember(manager: &Manager) {
    let mut managers = MANAGERS.lock().unwrap_or_else(PoisonError::into_inner);
    managers.retain(|other| other.strong_count() > 0);
    managers.push(std::sync::Arc::downgrade(&manager.inner));
}

fn alive() -> Vec<Manager> {
    let managers = MANAGERS.lock().unwrap_or_else(PoisonError::into_inner);
    managers.iter().filter_map(Weak::upgrade).map(|inner| Manager { inner }).collect()
}

/// Prepares a fork: background work pauses between two steps. Called in the parent.
pub fn before_fork() {
    if DEPTH.fetch_add(1, Ordering::AcqRel) == 0 {
        #[cfg(feature = "runtime")]
        super::runtime::park();
    }
}

/// Goes on after a fork. Called in the parent.
pub fn after_fork_parent() {
    if leave() {
        #[cfg(feature = "runtime")]
        super::runtime::unpark();
    }
}

/// Makes the child's managers usable. Called in the child.
pub fn after_fork_child() {
    if !leave() {
        return;
    }
    #[cfg(feature = "runtime")]
    super::runtime::abandon();
    for manager in alive() {
        manager.inner.shared.epoch.fetch_add(1, Ordering::AcqRel);
        for entry in manager.inner.providers.lock().iter() {
            entry.registry.list().iter().for_each(|member| member.state.forget_in_flight());
        }
        if manager.inner.config.fork_policy == ForkPolicy::Error {
            // Closed as well, so that picks stop without looking at a second flag.
            manager.inner.is_forked.store(true, Ordering::Release);
            manager.inner.shared.is_closed.store(true, Ordering::Release);
        }
        if !manager.is_closed() {
            manager.inner.background.restart();
            let entries = manager.inner.providers.lock().clone();
            entries.iter().for_each(|entry| entry.source.restart());
        }
    }
}

/// True for the outermost of nested hooks, and false for a call without its before.
fn leave() -> bool {
    let left =
        DEPTH.fetch_update(Ordering::AcqRel, Ordering::Acquire, |depth| depth.checked_sub(1));
    left == Ok(1)
}
