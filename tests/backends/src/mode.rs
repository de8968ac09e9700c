//! The ways in which a backend can misbehave.
//!
//! Each is one that a client meets in production, and each looks different on the wire: a test
//! that passes with a 503 says nothing about a reset.
//!
//! Used by [`crate::behaviour`], which adds to which requests a mode applies.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::time::Duration;

use crate::behaviour::Behaviour;
use crate::fault::{invalid, number};
use crate::scope::Scope;

/// How a backend treats requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Answers 200. Opens the port again if it was refusing. Spelled `ok`.
    #[default]
    Ok,
    /// Answers this status, 200..=599. Spelled `status=503`.
    Status(u16),
    /// Answers 200 after this long; 0 is the same as [`Self::Ok`]. Spelled `delay=250`, in ms.
    Delay(Duration),
    /// Accepts and reads, and never answers, not even after a later change of mode; the client
    /// has to give up. Spelled `hang`.
    Hang,
    /// Promises a body, sends half of it, and closes the connection. Spelled `close`.
    Close,
    /// Answers with a TCP reset: at accept if the scope is [`Scope::All`], so that a client may
    /// see it before it has sent anything, otherwise once the path has been read.
    /// Spelled `reset`.
    Reset,
    /// Closes the listening socket and every connection, as if the process had died, but keeps
    /// the port reserved. Needs [`Scope::All`]. Spelled `refuse`.
    Refuse,
    /// Answers this many requests with 200, as many with 503, and so on; at least 1.
    /// Spelled `flap=3`.
    Flap(u32),
}

impl Mode {
    /// Adds a `Retry-After` header of this many seconds; needs [`Self::Status`].
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Behaviour {
        Behaviour { retry_after_seconds: Some(seconds), ..self.into() }
    }

    /// Limits the mode to some requests; all others are answered with 200.
    #[must_use]
    pub fn only(self, scope: Scope) -> Behaviour {
        Behaviour::from(self).only(scope)
    }

    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        let (word, value) = text.split_once('=').map_or((text, None), |(w, v)| (w, Some(v)));
        match (word, value) {
            ("ok", None) => Ok(Self::Ok),
            ("hang", None) => Ok(Self::Hang),
            ("close", None) => Ok(Self::Close),
            ("reset", None) => Ok(Self::Reset),
            ("refuse", None) => Ok(Self::Refuse),
            ("status", Some(code)) => Ok(Self::Status(number("status", code)?)),
            ("delay", Some(ms)) => Ok(Self::Delay(Duration::from_millis(number("delay", ms)?))),
            ("flap", Some(count)) => Ok(Self::Flap(number("flap", count)?)),
            _ => Err(invalid(format!(
                "mode: expected ok, status=CODE, delay=MS, hang, close, reset, refuse or flap=N, \
                 got {text:?}"
            ))),
        }
    }
}

impl Display for Mode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Status(code) => write!(f, "status={code}"),
            Self::Delay(delay) => write!(f, "delay={}", delay.as_millis()),
            Self::Hang => f.write_str("hang"),
            Self::Close => f.write_str("close"),
            Self::Reset => f.write_str("reset"),
            Self::Refuse => f.write_str("refuse"),
            Self::Flap(count) => write!(f, "flap={count}"),
        }
    }
}
