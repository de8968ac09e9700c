//! The registry's own list: every endpoint once, in the order of its id.
//!
//! A sorted vector, since each change builds whole new sets anyway, and a tree of the same endpoints
//! would take twice the memory.

use super::Member;

/// An endpoint, and the registry's version from which on it is there.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) member: Member,
    pub(super) since: u64,
}

impl Entry {
    fn id(&self) -> &str {
        &self.member.endpoint.id
    }
}

/// The endpoints of one provider.
#[derive(Debug, Default)]
pub(super) struct Roster(Vec<Entry>);

impl Roster {
    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.place(id).ok().map(|at| &self.0[at])
    }

    /// Adds an entry; one of the same id gives way to it.
    pub(super) fn insert(&mut self, entry: Entry) {
        match self.place(entry.id()) {
            Ok(at) => self.0[at] = entry,
            Err(at) => self.0.insert(at, entry),
        }
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Entry> {
        self.place(id).ok().map(|at| self.0.remove(at))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter().map(|entry| &entry.member)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, id: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| entry.id().cmp(id))
    }
}

impl IntoIterator for Roster {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Vec<Entry>> for Roster {
    /// Takes entries of distinct ids in any order.
    fn from(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|one, other| one.id().cmp(other.id()));
        Self(entries)
    }
}
