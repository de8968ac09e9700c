//! Endpoints in a file, read again when its content changes.
//!
//! The content is compared and not the time stamp: Kubernetes swaps a symbolic link, an editor may
//! write twice within one tick of the clock, and a copy may carry an old date. A file that is
//! missing, half-written or invalid changes nothing but the provider's staleness. Whoever writes it
//! does best to write beside it and rename.

use std::io::Read as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::answer::{in_time, late};
use super::{BoxFuture, Capabilities, Provider, Sink, Update};
use crate::clock::nanos;
use crate::endpoint::Endpoint;
use crate::endpoint::document::{Format, MAX_DOCUMENT_BYTES, parse_list};
use crate::error::{Error, ErrorKind, Result};
use crate::rng;

/// A provider that reads a JSON or TOML document.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    format: Format,
    poll_interval: Duration,
    /// Hash of the content that was taken in last; 0 for none.
    seen: AtomicU64,
}

impl File {
    /// Makes the provider of the document at `path`, which is looked at every `poll_interval`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, format: Format, poll_interval: Duration) -> Self {
        Self { path: path.into(), format, poll_interval, seen: AtomicU64::new(0) }
    }

    /// Reads the file off the runtime's threads: a network disk may hang.
    async fn read(&self) -> Result<String> {
        let path = self.path.clone();
        let reading = tokio::task::spawn_blocking(move || read(path));
        let text = reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()));
        text.map_err(|error| self.place(&error))
    }

    /// Takes in `text`, unless it is what was taken in last.
    fn take(&self, text: &str) -> Option<Result<Vec<Endpoint>>> {
        let hash = rng::hash(text.as_bytes(), CONTENT) | 1;
        if self.seen.swap(hash, Ordering::Relaxed) == hash {
            return None;
        }
        Some(parse_list(text, self.format).map_err(|error| self.place(&error)))
    }

    /// The error with the file's name before it.
    fn place(&self, error: &Error) -> Error {
        Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }

    async fn follow(&self, sink: Sink) {
        let clock = sink.clock().clone();
        loop {
            clock.sleep_until_async(clock.now().saturating_add(nanos(self.poll_interval))).await;
            let mut reading = pin!(self.read());
            let in_time = in_time(&clock, reading.as_mut()).await;
            let read = match in_time {
                Some(read) => read,
                None => {
                    self.seen.store(0, Ordering::Relaxed);
                    sink.send(Update::unavailable(&late()));
                    // No other reading meanwhile: it would take one more thread and hang as well.
                    reading.await
                }
            };
            let found = match read {
                Ok(text) => self.take(&text),
                Err(error) => {
                    // What comes back may be what was there before, and must end the staleness.
                    self.seen.store(0, Ordering::Relaxed);
                    Some(Err(error))
                }
            };
            match found {
                None => {}
                Some(Ok(set)) => sink.send(Update::Full(set)),
                Some(Err(error)) => sink.send(Update::unavailable(&error)),
            }
        }
    }
}

impl Provider for File {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY.watching()
    }

    fn poll_interval(&self) -> Duration {
        self.poll_interval
    }

    fn takes_sets(&self) -> bool {
        false
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        Box::pin(async move {
            let text = self.read().await?;
            self.seen.store(0, Ordering::Relaxed);
            self.take(&text).unwrap_or_else(|| Ok(Vec::new()))
        })
    }

    fn watch(&self, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        Some(Box::pin(self.follow(sink)))
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.read().await.map(drop) })
    }
}

fn read(path: PathBuf) -> Result<String> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let text = format!("must be at most {MAX_DOCUMENT_BYTES} bytes (64 MiB)");
        return Err(Error::new(ErrorKind::LimitExceeded, text));
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| Error::new(ErrorKind::InvalidUtf8, "must be UTF-8 text"))
}

/// The seed that sets these hashes apart.
const CONTENT: u64 = 0xf11e;
