//! What to ask an API server next: pure.
//!
//! A list gives the whole truth and its version, a watch every change since a version. The art is in
//! what follows when they fail. A connection that broke is followed by a list at least as new as
//! what is known; only that notices a store that was restored from a backup, whose versions begin
//! anew, where a watch would be silent for ever. A version that is too old, or that isn't there yet, is
//! forgotten, and the store itself is asked. A watch that ends by its time goes on from where it was.
//! The steps of client-go's reflector are the model; unlike it, a watch that never said anything, not
//! even a bookmark, isn't trusted and is followed by a list.

use super::refusal::Refusal;
use crate::clock::Nanos;

/// How new a list has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// What the server has at hand.
    Any,
    /// That version or a later one.
    AtLeast(String),
    /// What the store has now.
    Latest,
}

/// The next question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    List(Version),
    /// Changes since that version.
    Watch(String),
}

/// When it may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    AtOnce,
    /// After the service's next wait.
    Later,
    /// When the server may be asked again.
    AtTheGate,
}

/// How a watch ended that began well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By the server, as agreed.
    Closed,
    /// By a connection that broke or fell silent, or by something that can't be read.
    Broken,
}

/// What is known, and what is to be asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The version of what is known.
    version: Option<String>,
    need: Need,
    /// True until something was heard after a version was forgotten.
    has_forgotten: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    List,
    ListFromStore,
    Watch,
}

impl Cursor {
    /// Knows nothing.
    pub(super) const fn new() -> Self {
        Self { version: None, need: Need::List, has_forgotten: false }
    }

    /// The next question.
    pub(super) fn question(&self) -> Question {
        match (self.need, &self.version) {
            (Need::ListFromStore, _) => Question::List(Version::Latest),
            (Need::Watch, Some(version)) => Question::Watch(version.clone()),
            (_, Some(version)) => Question::List(Version::AtLeast(version.clone())),
            (_, None) => Question::List(Version::Any),
        }
    }

    /// A list came. One without a version can't be followed by a watch.
    pub(super) fn listed(&mut self, version: &str) -> Pace {
        if !is_version(version) {
            self.version = None;
            self.need = Need::List;
            return Pace::Later;
        }
        self.version = Some(version.to_owned());
        self.need = Need::Watch;
        Pace::AtOnce
    }

    /// An event or a bookmark of a watch came. True if it brought a new version.
    pub(super) fn moved(&mut self, version: &str) -> bool {
        if !is_version(version) || self.version.as_deref() == Some(version) {
            return false;
        }
        self.version = Some(version.to_owned());
        self.has_forgotten = false;
        true
    }

    /// The server refused a list or a watch, the latter perhaps in the middle of it.
    pub(super) fn refused(&mut self, refusal: &Refusal) -> Pace {
        if !refusal.is_expired() && !refusal.is_of_the_future() {
            if self.need == Need::Watch {
                self.need = Need::List;
            }
            return Pace::Later;
        }
        self.version = None;
        self.need = Need::ListFromStore;
        // Whoever refuses the newest version too has to be left alone.
        let is_again = std::mem::replace(&mut self.has_forgotten, true);
        if is_again { Pace::Later } else { Pace::AtOnce }
    }

    /// There was no answer, or none that can be read.
    pub(super) fn failed(&mut self) -> Pace {
        if self.need == Need::Watch {
            self.need = Need::List;
        }
        Pace::Later
    }

    /// A watch ended `lived` after it began; `has_moved` says whether it brought a new version.
    pub(super) fn ended(&mut self, end: End, lived: Nanos, has_moved: bool) -> Pace {
        let is_useless = !has_moved && lived < SHORTEST_WATCH;
        self.need = match end {
            End::Closed if has_moved => Need::Watch,
            _ => Need::List,
        };
        if is_useless { Pace::Later } else { Pace::AtOnce }
    }

    /// Another server may be asked from now on, whose versions mean nothing here.
    pub(super) fn forget(&mut self) {
        self.version = None;
        self.need = Need::ListFromStore;
    }
}

/// True for a version to begin a watch from: 0 means any, and begins with events of its own.
fn is_version(version: &str) -> bool {
    !version.is_empty() && version != "0"
}

/// A watch that ends sooner and brings nothing is a failure.
const SHORTEST_WATCH: Nanos = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn refusal(code: u16) -> Refusal {
        Refusal::read(code, b"")
    }

    fn of_the_future() -> Refusal {
        let body = r#"{"kind": "Status", "code": 504,
            "details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}}"#;
        Refusal::read(504, body.as_bytes())
    }

    fn list(version: Version) -> Question {
        Question::List(version)
    }

    fn at_least(version: &str) -> Question {
        list(Version::AtLeast(version.to_owned()))
    }

    fn watch(version: &str) -> Question {
        Question::Watch(version.to_owned())
    }

    /// Watches from version 5.
    fn watching() -> Cursor {
        let mut cursor = Cursor::new();
        assert_eq!(cursor.listed("5"), Pace::AtOnce);
        cursor
    }

    #[test]
    fn the_first_list_takes_what_the_server_has_and_a_watch_follows_from_there() {
        let mut cursor = Cursor::new();
        assert_eq!(cursor.question(), list(Version::Any));

        assert_eq!(cursor.listed("5"), Pace::AtOnce);
        assert_eq!(cursor.question(), watch("5"));

        assert!(cursor.moved("9"));
        assert!(!cursor.moved("9"), "a bookmark of the same version is none");
        assert!(!cursor.moved(""), "nor is an object without one");
        assert_eq!(cursor.question(), watch("9"));
    }

    #[test]
    fn a_list_without_a_version_is_not_followed_by_a_watch() {
        for version in ["", "0"] {
            let mut cursor = Cursor::new();

            assert_eq!(cursor.listed(version), Pace::Later);
            assert_eq!(cursor.question(), list(Version::Any));
        }
    }

    #[test]
    fn what_follows_the_end_of_a_watch() {
        let cases = [
            (End::Closed, 300 * SECOND, true, watch("5"), Pace::AtOnce),
            (End::Closed, 300 * SECOND, false, at_least("5"), Pace::AtOnce),
            (End::Closed, SECOND / 2, true, watch("5"), Pace::AtOnce),
            (End::Closed, SECOND / 2, false, at_least("5"), Pace::Later),
            (End::Broken, 300 * SECOND, true, at_least("5"), Pace::AtOnce),
            (End::Broken, 300 * SECOND, false, at_least("5"), Pace::AtOnce),
            (End::Broken, 0, false, at_least("5"), Pace::Later),
        ];
        for (end, lived, has_moved, next, pace) in cases {
            let mut cursor = watching();

            assert_eq!(cursor.ended(end, lived, has_moved), pace, "{end:?} {lived} {has_moved}");
            assert_eq!(cursor.question(), next, "{end:?} {lived} {has_moved}");
        }
    }

    #[test]
    fn a_version_that_is_too_old_or_not_there_yet_is_forgotten_and_the_store_is_asked() {
        for refusal in [refusal(410), of_the_future()] {
            let mut listing = watching();
            listing.failed();
            for mut cursor in [watching(), listing] {
                assert_eq!(cursor.refused(&refusal), Pace::AtOnce);
                assert_eq!(cursor.question(), list(Version::Latest));

                assert_eq!(cursor.refused(&refusal), Pace::Later, "the newest one is refused too");
                assert_eq!(cursor.question(), list(Version::Latest));
                assert_eq!(cursor.listed("7"), Pace::AtOnce);
                assert_eq!(cursor.refused(&refusal), Pace::Later, "nothing was heard in between");

                assert_eq!(cursor.listed("7"), Pace::AtOnce);
                assert!(cursor.moved("8"));
                assert_eq!(cursor.refused(&refusal), Pace::AtOnce);
            }
        }
    }

    #[test]
    fn any_other_refusal_keeps_the_version_and_waits() {
        for code in [400, 401, 403, 404, 429, 500, 503, 504] {
            let mut cursor = watching();

            assert_eq!(cursor.refused(&refusal(code)), Pace::Later, "{code}");
            assert_eq!(cursor.question(), at_least("5"), "{code}");
            assert_eq!(cursor.refused(&refusal(code)), Pace::Later, "{code}");
            assert_eq!(cursor.question(), at_least("5"), "{code}");
        }
        let mut first = Cursor::new();
        assert_eq!(first.refused(&refusal(403)), Pace::Later);
        assert_eq!(first.question(), list(Version::Any));
    }

    #[test]
    fn a_list_from_the_store_is_repeated_until_it_is_answered() {
        let mut cursor = watching();
        cursor.refused(&refusal(410));

        assert_eq!(cursor.failed(), Pace::Later);
        assert_eq!(cursor.question(), list(Version::Latest));
        assert_eq!(cursor.refused(&refusal(500)), Pace::Later);
        assert_eq!(cursor.question(), list(Version::Latest));
    }

    #[test]
    fn of_another_server_nothing_is_known() {
        let mut cursor = watching();

        cursor.forget();

        assert_eq!(cursor.question(), list(Version::Latest));
    }
}
