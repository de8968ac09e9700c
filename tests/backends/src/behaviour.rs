//! What a backend does with its requests: a mode, the requests it applies to, and its spelling.
//!
//! One spelling serves control URLs and error messages, so a test in any language reads the same:
//! `status=503&retry_after=2&scope=work`. It is read as an HTML form, because clients such as
//! Python's `requests` escape the inner `=`.
//!
//! Used by [`crate::state`] to decide each answer and by [`crate::control`] to read commands.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::str::FromStr;

use crate::fault::{invalid, number};
use crate::mode::Mode;
use crate::scope::Scope;

/// A mode together with its `Retry-After` and its scope.
///
/// # Examples
///
/// ```
/// use failover_backends::{Behaviour, Mode, Scope};
///
/// let behaviour: Behaviour = "status=503&retry_after=2&scope=work".parse().unwrap();
///
/// assert_eq!(behaviour, Mode::Status(503).retry_after(2).only(Scope::Work));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    pub(crate) mode: Mode,
    pub(crate) retry_after_seconds: Option<u32>,
    pub(crate) scope: Scope,
}

impl Behaviour {
    /// Limits the behaviour to some requests; all others are answered with 200.
    #[must_use]
    pub fn only(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Refuses what no server could do, so that a typo does not pass for a healthy backend.
    pub(crate) fn check(self) -> io::Result<Self> {
        match self.mode {
            Mode::Status(code) if !(200..=599).contains(&code) => {
                Err(invalid(format!("status: expected 200..=599, got {code}")))
            }
            Mode::Flap(0) => Err(invalid("flap: expected 1 or more, got 0")),
            Mode::Refuse if self.scope != Scope::All => {
                Err(invalid("refuse: expected scope=all, a closed port has no paths"))
            }
            Mode::Status(_) => Ok(self),
            _ if self.retry_after_seconds.is_some() => {
                Err(invalid("retry_after: expected only with status=CODE"))
            }
            _ => Ok(self),
        }
    }
}

impl From<Mode> for Behaviour {
    fn from(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }
}

impl FromStr for Behaviour {
    type Err = io::Error;

    /// Reads the spelling that [`Display`] writes; the mode may also be given as `set=MODE`.
    fn from_str(text: &str) -> io::Result<Self> {
        let (mut mode, mut read) = (None, Self::default());
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            match (&*key, &*value) {
                ("scope", scope) => read.scope = Scope::parse(scope)?,
                ("retry_after", seconds) => {
                    read.retry_after_seconds = Some(number("retry_after", seconds)?);
                }
                _ if mode.is_some() => {
                    return Err(invalid(format!(
                        "mode: expected one mode with scope or retry_after, got {key:?} as well"
                    )));
                }
                ("set", word) => mode = Some(Mode::parse(word)?),
                (word, "") => mode = Some(Mode::parse(word)?),
                (word, value) => mode = Some(Mode::parse(&format!("{word}={value}"))?),
            }
        }
        let mode = mode.ok_or_else(|| invalid("mode: expected a mode, got nothing"))?;
        Self { mode, ..read }.check()
    }
}

impl Display for Behaviour {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mode)?;
        if let Some(seconds) = self.retry_after_seconds {
            write!(f, "&retry_after={seconds}")?;
        }
        if self.scope == Scope::All { Ok(()) } else { write!(f, "&scope={}", self.scope) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_reads_back_as_it_was_written() {
        for text in [
            "ok",
            "status=429",
            "status=503&retry_after=2&scope=work",
            "delay=250&scope=health",
            "hang",
            "close",
            "reset",
            "refuse",
            "flap=3",
        ] {
            let behaviour: Behaviour = text.parse().unwrap();

            assert_eq!(behaviour.to_string(), text);
        }
    }

    #[test]
    fn an_escaped_equals_sign_is_understood() {
        let behaviour: Behaviour = "set=status%3D503&scope=health".parse().unwrap();

        assert_eq!(behaviour, Mode::Status(503).only(Scope::Health));
    }

    #[test]
    fn nonsense_is_refused_with_what_was_expected() {
        for (text, message) in [
            ("", "mode: expected a mode"),
            ("brake", "mode: expected ok, status=CODE"),
            ("status", "mode: expected ok, status=CODE"),
            ("status=99", "status: expected 200..=599, got 99"),
            ("status=many", "status: expected a whole number"),
            ("delay=-1", "delay: expected a whole number"),
            ("flap=0", "flap: expected 1 or more"),
            ("ok&scope=some", "scope: expected all, health or work"),
            ("ok&hang", "mode: expected one mode"),
            ("hang&retry_after=1", "retry_after: expected only with status"),
            ("refuse&scope=work", "refuse: expected scope=all"),
        ] {
            let error = text.parse::<Behaviour>().unwrap_err();

            assert!(error.to_string().starts_with(message), "{text:?} gave {error}");
        }
    }
}
