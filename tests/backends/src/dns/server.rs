//! A running DNS server as a value: start it, change its zone, read its counts.
//!
//! It runs on a thread of its own, so that blocking and async tests use it alike.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::data::DnsData;
use super::mode::DnsMode;
use super::socket::{Shared, bind, serve_tcp, serve_udp};
use super::stats::DnsStats;
use super::zone::{Zone, absolute};

/// A real DNS server on 127.0.0.1, over UDP and TCP, that misbehaves on command.
///
/// Dropping it kills it.
///
/// # Threads
///
/// Calls block for microseconds and may be made from any thread, async tasks included.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl DnsServer {
    /// Starts a server on a free port, with an empty zone.
    ///
    /// # Errors
    ///
    /// The system gives no socket or thread.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("failover-dns")
            .enable_all()
            .build()?;
        let (sender, bound) = std::sync::mpsc::sync_channel(1);
        runtime.spawn(async move {
            // The receiver below waits for it.
            let _ = sender.send(bind().await);
        });
        let bound = bound.recv().unwrap_or_else(|error| Err(io::Error::other(error)));
        let opened = bound.and_then(|(udp, tcp)| Ok((tcp.local_addr()?, udp, tcp)));
        let (address, udp, tcp) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // Dropping it here would panic if the caller is an async task.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let shared = Arc::new(Shared::default());
        runtime.spawn(serve_udp(udp, Arc::clone(&shared)));
        runtime.spawn(serve_tcp(tcp, Arc::clone(&shared)));
        Ok(Self { address, shared, runtime: Some(runtime) })
    }

    /// Where it is asked, over UDP and TCP.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces everything that is known of a name; without data the name exists and has no records.
    ///
    /// `ttl` is in seconds. Names are absolute, with and without their last dot.
    ///
    /// # Errors
    ///
    /// What is no DNS name.
    pub fn put(&self, name: &str, ttl: u32, data: &[DnsData]) -> io::Result<()> {
        self.change(|zone| zone.put(name, ttl, data))
    }

    /// Forgets a name.
    ///
    /// # Errors
    ///
    /// What is no DNS name.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.change(|zone| zone.remove(name))
    }

    /// Has absences believed for so many seconds; none sends no such word.
    pub fn set_negative_ttl(&self, seconds: Option<u32>) {
        self.change(|zone| zone.negative_ttl = seconds);
    }

    /// Puts manners in force for every name that has none of its own.
    pub fn set(&self, mode: DnsMode) {
        self.change(|zone| zone.mode = mode);
    }

    /// Puts manners in force for queries of one name.
    ///
    /// # Errors
    ///
    /// What is no DNS name.
    pub fn set_for(&self, name: &str, mode: DnsMode) -> io::Result<()> {
        let name = absolute(name)?;
        self.change(|zone| zone.modes.insert(name, mode));
        Ok(())
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> DnsStats {
        self.shared.tally.snapshot()
    }

    /// Blocks until the counts fulfil `is_reached`, and returns them.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) with the counts in its message.
    pub fn wait_for(
        &self,
        timeout: Duration,
        is_reached: impl Fn(&DnsStats) -> bool,
    ) -> io::Result<DnsStats> {
        let (stats, is_reached) = self.shared.tally.wait_for(timeout, is_reached);
        if is_reached {
            return Ok(stats);
        }
        let text = format!("DNS server {} has {stats:?}", self.address);
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Zone) -> T) -> T {
        // Every change is one assignment, so a panic elsewhere leaves nothing half-done.
        change(&mut self.shared.zone.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not waited for: that would panic if the caller is an async task.
            runtime.shutdown_background();
        }
    }
}
