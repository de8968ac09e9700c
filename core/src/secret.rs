//! Text that must not leave the process by accident: header values, tokens, keys.
//!
//! `Debug`, `Display` and serialisation show `***`, so configuration dumps, events, logs and error
//! messages cannot carry it. Only [`Secret::reveal`] gives the text, and each use of it is a place
//! that a reviewer can find.

use std::fmt;
use std::sync::Arc;

/// Text that shows as `***` everywhere but in [`reveal`](Self::reveal).
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The text itself, for the one who sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is shown in place of a secret.
pub const MASK: &str = "***";

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MASK)
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}
