//! The token that is sent with each request: a fixed one, or what a file holds at the time.
//!
//! Kubernetes replaces a Pod's token while the Pod runs. So the file is read again every minute; if it
//! can't be read, the last token goes on being used. A token is never shown, not even the part of a
//! file that isn't one.

use std::path::{Path, PathBuf};

use hyper::http::HeaderValue;

use crate::clock::{Clock, Nanos};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;

/// Where the token comes from.
#[derive(Debug)]
pub(super) enum Token {
    /// None is sent, or `kube` adds one.
    Absent,
    Fixed(HeaderValue),
    File {
        path: PathBuf,
        /// Guards what was read last and when.
        held: Lock<(HeaderValue, Nanos)>,
    },
}

impl Token {
    /// A token that stays.
    ///
    /// # Errors
    ///
    /// If it can't be sent.
    pub(super) fn fixed(text: &str) -> Result<Self> {
        let refused = || Error::new(ErrorKind::Provider, "the token can't be sent in a header");
        bearer(text).map(Self::Fixed).ok_or_else(refused)
    }

    /// The token that the file at `path` holds. Blocks.
    ///
    /// # Errors
    ///
    /// If there is none now.
    pub(super) fn of_file(path: &Path, now: Nanos) -> Result<Self> {
        let held = Lock::new((read(path)?, now));
        Ok(Self::File { path: path.to_owned(), held })
    }

    /// The header's value, read again if it is old.
    pub(super) async fn header(&self, clock: &Clock) -> Option<HeaderValue> {
        let (path, held) = match self {
            Self::Absent => return None,
            Self::Fixed(value) => return Some(value.clone()),
            Self::File { path, held } => (path, held),
        };
        let (last, read_at) = held.lock().clone();
        if clock.now().saturating_sub(read_at) < MINUTE {
            return Some(last);
        }
        let path = path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        // Kubernetes asks clients for this: some remove the file once it was read.
        let value = read.ok().and_then(Result::ok).unwrap_or(last);
        *held.lock() = (value.clone(), clock.now());
        Some(value)
    }
}

fn read(path: &Path) -> Result<HeaderValue> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::new(ErrorKind::Provider, format!("token file {name}: {error}")))?;
    let refused = || Error::new(ErrorKind::Provider, format!("token file {name}: holds no token"));
    bearer(&text).ok_or_else(refused)
}

fn bearer(text: &str) -> Option<HeaderValue> {
    let text = text.trim();
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let mut value = HeaderValue::from_str(&format!("Bearer {text}")).ok().filter(|_| is_token)?;
    value.set_sensitive(true);
    Some(value)
}

const MINUTE: Nanos = 60_000_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shown(value: Option<HeaderValue>) -> String {
        value.expect("a token").to_str().expect("text").to_owned()
    }

    #[tokio::test]
    async fn a_file_is_read_again_every_minute_and_its_last_token_outlives_it() {
        let path = std::env::temp_dir().join(format!("failover-token-{}", std::process::id()));
        let clock = Clock::manual(false);
        std::fs::write(&path, "one\n").expect("written");
        let token = Token::of_file(&path, clock.now()).expect("a token");
        std::fs::write(&path, " two \n").expect("written");

        assert_eq!(shown(token.header(&clock).await), "Bearer one");
        assert!(clock.advance(Duration::from_secs(60)));
        assert_eq!(shown(token.header(&clock).await), "Bearer two");

        std::fs::remove_file(&path).expect("ours");
        assert!(clock.advance(Duration::from_secs(60)));
        assert_eq!(shown(token.header(&clock).await), "Bearer two");
        let error = Token::of_file(&path, clock.now()).expect_err("it is gone");
        assert!(error.to_string().starts_with("token file "), "{error}");
    }

    #[test]
    fn what_can_not_be_sent_is_refused_and_not_shown() {
        for text in ["", " \n", "s3cret s3cret", "s3cret\ns3cret", "s3cret\u{fc}", "s3cret\0"] {
            let error = Token::fixed(text).expect_err("no token");

            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let token = Token::fixed("s3cret").expect("a token");
        assert!(!format!("{token:?}").contains("s3cret"), "{token:?}");
    }
}
