//! Which requests a mode applies to: health checks, work, or both.
//!
//! A server whose health check passes while its work fails, and the reverse, are the cases in
//! which active and passive checks disagree, so both have to be makeable.
//!
//! Used by [`crate::behaviour`] and [`crate::state`].

use std::fmt::{self, Display, Formatter};
use std::io;

use crate::fault::invalid;

/// Which requests a mode applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every request. Spelled `all`.
    #[default]
    All,
    /// Only the path `/health`, whatever its query. Spelled `health`.
    Health,
    /// Every path but `/health`. Spelled `work`.
    Work,
}

impl Scope {
    /// Whether a request for `path` is meant.
    #[must_use]
    pub fn covers(self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Health => path == HEALTH_PATH,
            Self::Work => path != HEALTH_PATH,
        }
    }

    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        match text {
            "all" => Ok(Self::All),
            "health" => Ok(Self::Health),
            "work" => Ok(Self::Work),
            _ => Err(invalid(format!("scope: expected all, health or work, got {text:?}"))),
        }
    }
}

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Health => "health",
            Self::Work => "work",
        })
    }
}

const HEALTH_PATH: &str = "/health";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scopes_health_and_work_split_all_paths() {
        for (path, is_health) in [("/health", true), ("/health/deep", false), ("/", false)] {
            assert_eq!(Scope::Health.covers(path), is_health);
            assert_eq!(Scope::Work.covers(path), !is_health);
            assert!(Scope::All.covers(path));
        }
    }
}
