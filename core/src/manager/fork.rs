//! Life after `fork`: a child selects at once, and background work that ran begins anew in it.
//!
//! Threads don't survive a fork, and an inherited runtime can't be dropped without hanging. So the
//! child forgets it, forgets attempts that only the parent can finish, and draws from a seed of its
//! own unless the program fixed it: else all children would pick and wait alike. Hooks are counted, since two layers may both call them.

use std::cell::Cell;
use std::sync::Weak;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Manager;
use super::manager::{Inner, random_seed};
use crate::clock::wall_nanos;
use crate::config::ForkPolicy;
use crate::lock::{self, Lock};
use crate::rng;

/// Guards the managers of this process; taken when one is made and around a fork.
static MANAGERS: Lock<Vec<Weak<Inner>>> = Lock::new(Vec::new());

/// Forks so far, from parent to child. Written while nobody else runs in the child.
static FORKS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// How many callers of the thread are between before and after. Two threads may fork at once, and
    /// each child is to be made usable.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

pub(super) fn remember(manager: &Manager) {
    let mut managers = MANAGERS.lock();
    managers.retain(|other| other.strong_count() > 0);
    managers.push(std::sync::Arc::downgrade(&manager.inner));
}

fn alive() -> Vec<Manager> {
    let managers = MANAGERS.lock();
    managers.iter().filter_map(Weak::upgrade).map(|inner| Manager { inner }).collect()
}

/// Prepares a fork: background work pauses between two steps, and no lock of the library is held
/// while the process forks. Called in the parent, on the thread that forks.
pub fn before_fork() {
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    if depth == 0 {
        lock::reserve();
        // Before the locks: the worker may need one to come to its next step.
        #[cfg(feature = "runtime")]
        super::runtime::park();
        lock::hold();
    }
}

/// Goes on after a fork. Called in the parent.
pub fn after_fork_parent() {
    if leave() {
        // Before another thread's fork can park it again.
        #[cfg(feature = "runtime")]
        super::runtime::unpark();
        lock::let_go();
    }
}

/// Makes the child's managers usable. Called in the child.
pub fn after_fork_child() {
    if !leave() {
        return;
    }
    FORKS.fetch_add(1, Ordering::AcqRel);
    lock::let_go_in_child();
    #[cfg(feature = "runtime")]
    super::runtime::abandon();
    crate::stats::forget_other_threads();
    for manager in alive() {
        manager.inner.shared.epoch.fetch_add(1, Ordering::AcqRel);
        if manager.inner.config.seed.is_none() {
            manager.inner.shared.seed.store(own_seed(), Ordering::Relaxed);
        }
        for registry in manager.inner.providers.registries() {
            registry.forget_in_flight();
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

/// How many forks lie between the process that first used the library and this one.
///
/// Whoever keeps something that is the parent's alone compares it with what it was before.
#[must_use]
pub fn forks() -> u32 {
    FORKS.load(Ordering::Acquire)
}

/// A seed that differs from the parent's, and from that of every other child: the standard library's
/// hash keys are inherited, but the process's number and the time are the child's own.
fn own_seed() -> u64 {
    let process = u64::from(std::process::id());
    rng::mix(random_seed() ^ rng::mix(process) ^ wall_nanos())
}

/// True for the outermost of nested hooks, and false for a call without its before.
fn leave() -> bool {
    let depth = DEPTH.get();
    DEPTH.set(depth.saturating_sub(1));
    depth == 1
}
