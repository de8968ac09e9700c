//! A bell that an event loop hears: a pipe with something in it while there is something to read.
//!
//! A pipe goes along to a forked child, and one who rings there would be heard in the parent. So a bell
//! belongs to the process that made it, and does nothing in another one.

use std::io::{PipeReader, PipeWriter};
use std::io::{Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use failover::manager;

/// A bell that an event loop hears.
#[derive(Debug)]
pub(crate) struct Bell {
    reader: PipeReader,
    writer: PipeWriter,
    is_rung: AtomicBool,
    /// Forks up to when it was made.
    forks: u32,
}

impl Bell {
    pub(crate) fn new() -> std::io::Result<Self> {
        let (reader, writer) = pipe()?;
        Ok(Self { reader, writer, is_rung: AtomicBool::new(false), forks: manager::forks() })
    }

    /// True in the process that made it.
    pub(crate) fn is_ours(&self) -> bool {
        self.forks == manager::forks()
    }

    /// The descriptor that is readable while the bell rings.
    pub(crate) fn descriptor(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// Rings. Never blocks: there is one byte at most.
    pub(crate) fn ring(&self) {
        // AcqRel: what is to be read was put there before, and is seen by who quiets.
        if self.is_ours() && !self.is_rung.swap(true, Ordering::AcqRel) {
            // A pipe whose reader is here can't refuse one byte.
            let _ = (&self.writer).write(&[1]);
        }
    }

    /// Stops ringing. What comes from now on rings again; what came before is to be read after this.
    pub(crate) fn quiet(&self) {
        if self.is_ours() && self.is_rung.load(Ordering::Acquire) {
            let _ = (&self.reader).read(&mut [0]);
            self.is_rung.store(false, Ordering::Release);
        }
    }
}
