//! Scopes: names of operations whose failures say nothing of each other.
//!
//! A server can fail one route, or one of its models, and serve all others. A request that names its
//! scope moves the breaker of that scope alone. Names are kept for the whole process and become
//! numbers, so that a request owns no text and carries across any border; finding a known name takes
//! no lock and allocates nothing. They are never given back, hence the limit: a scope is one of a few
//! dozen operations, not a user's id.

use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::race::OnceBox;

use crate::error::{Error, ErrorKind, Result};
use crate::rng;

/// The name of an operation, as a number of this process. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope(u16);

#[derive(Debug)]
struct Name {
    hash: u64,
    text: Box<str>,
}

impl Scope {
    /// No scope.
    pub const NONE: Self = Self(0);
    /// A scope for which there was no room.
    pub(crate) const BEYOND: Self = Self(u16::MAX);
    /// Longest name, in bytes.
    pub const MOST_BYTES: usize = 512;
    /// Names that one process keeps.
    pub const MOST_NAMES: u32 = 4096;

    /// The scope of a name; none for an empty one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if the name has over [`MOST_BYTES`](Self::MOST_BYTES) bytes.
    pub fn new(name: &str) -> Result<Self> {
        if name.is_empty() {
            return Ok(Self::NONE);
        }
        if name.len() > Self::MOST_BYTES {
            let text = format!("scope: must be at most 512 bytes, got {} bytes", name.len());
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        Ok(find_or_add(name))
    }

    /// The name; absent if there is none, or there was no room for it.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|name| &*name.text)
    }

    /// The number, 0 for none. It means nothing outside of this process.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// The scope of a number; one that is nobody's names no scope of any endpoint.
    #[must_use]
    pub const fn from_code(code: u16) -> Self {
        Self(code)
    }

    /// True for the scope of a request that names none.
    #[must_use]
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// A reason of something that happened in this scope, in words.
    pub(crate) fn tells(self, reason: &str) -> String {
        format!("scope {:?}: {reason}", self.name().unwrap_or_default())
    }

    /// Tells the scope's randomness apart from that of others, in every process alike.
    pub(crate) fn hash(self) -> u64 {
        self.entry().map_or(0, |name| name.hash)
    }

    fn entry(self) -> Option<&'static Name> {
        NAMES.get(usize::from(self.0).checked_sub(1)?)?.get()
    }
}

fn find_or_add(text: &str) -> Scope {
    let hash = rng::hash(text.as_bytes(), NAME_SEED);
    // At most a quarter of the places is taken, so a free one is near.
    for step in 0..PLACES as u64 {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of places")]
        let place = (hash.wrapping_add(step) % PLACES as u64) as usize;
        let name = match NAMES[place].get() {
            Some(name) => name,
            None if COUNT.fetch_add(1, Ordering::Relaxed) < Scope::MOST_NAMES => {
                add(place, hash, text)
            }
            None => {
                COUNT.fetch_sub(1, Ordering::Relaxed);
                return Scope::BEYOND;
            }
        };
        if name.hash == hash && *name.text == *text {
            return u16::try_from(place + 1).map_or(Scope::BEYOND, Scope);
        }
    }
    Scope::BEYOND
}

/// The name at a place that was free, be it this one or that of a faster thread.
#[cold]
fn add(place: usize, hash: u64, text: &str) -> &'static Name {
    if NAMES[place].set(Box::new(Name { hash, text: text.into() })).is_err() {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
    NAMES[place].get().expect("a place that was set stays so")
}

/// Every name, at a place near its hash.
static NAMES: [OnceBox<Name>; PLACES] = [const { OnceBox::new() }; PLACES];

/// Names that are there, or are being added.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Four for each name that may come.
const PLACES: usize = 4 * Scope::MOST_NAMES as usize;

/// Sets names of scopes apart from other hashes.
const NAME_SEED: u64 = 0x5c0b_e000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_the_same_scope_for_every_thread() {
        let names: Vec<String> =
            (0..100).map(|number| format!("scope of a test {number}")).collect();
        let all = || names.iter().map(|name| Scope::new(name).unwrap()).collect::<Vec<_>>();

        let found: Vec<Vec<Scope>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(all)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(found.iter().all(|one| *one == found[0]));
        let back: Vec<_> = found[0].iter().filter_map(|scope| scope.name()).collect();
        assert_eq!(back, names);
    }

    #[test]
    fn an_empty_name_is_none_and_a_long_one_is_refused() {
        assert_eq!(Scope::new("").unwrap(), Scope::NONE);
        assert!(Scope::new(&"x".repeat(512)).unwrap().name().is_some());
        assert!(Scope::new(&"x".repeat(513)).is_err());
    }

    #[test]
    fn a_number_that_is_nobodys_has_no_name() {
        for code in [0, 9_999, u16::MAX] {
            assert_eq!(Scope::from_code(code).name(), None, "{code}");
        }
    }
}
