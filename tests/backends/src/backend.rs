//! A running backend as a value: start it, steer it, read its counts, kill it.
//!
//! It runs on a thread of its own with a runtime of its own, so that blocking and async tests use
//! it alike, a test that stalls its runtime does not stall the server, and killing it takes
//! everything with it.
//!
//! Used by Rust tests, and by the binary, which is a command line over it.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::behaviour::Behaviour;
use crate::door::Listener;
use crate::driver::{Remote, Service, run_control};
use crate::state::State;
use crate::stats::Stats;
use crate::tls::TlsFiles;

/// How a backend is started; `Options::default()` is what [`Backend::start`] uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Port of the service; 0 picks a free one.
    pub port: u16,
    /// Port for commands; 0 picks a free one.
    pub control_port: u16,
    /// Makes the service speak https instead of http. Control stays plain.
    pub tls: Option<TlsFiles>,
}

/// A real HTTP/1.1 server on 127.0.0.1 that misbehaves on command.
///
/// Dropping it kills it.
///
/// # Threads
///
/// Calls block for microseconds and may be made from any thread, async tasks included.
#[derive(Debug)]
pub struct Backend {
    state: Arc<State>,
    remote: Remote,
    port: u16,
    control_port: u16,
    /// The runtime with the task of the control port; none once killed.
    running: Option<(Runtime, JoinHandle<()>)>,
}

impl Backend {
    /// Starts a backend on free ports, answering 200.
    ///
    /// # Errors
    ///
    /// The name cannot be a header value, or the system gives no socket or thread.
    pub fn start(name: &str) -> io::Result<Self> {
        Self::start_with(name, &Options::default())
    }

    /// Starts a backend with chosen ports or TLS.
    ///
    /// # Errors
    ///
    /// Those of [`Self::start`], a port in use, a TLS file that is missing or not as it should be.
    pub fn start_with(name: &str, options: &Options) -> io::Result<Self> {
        let state = State::new(name)?;
        let tls = options.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("failover-backend")
            .enable_all()
            .build()?;
        match Sockets::open(&runtime, options, tls, &state) {
            Ok(sockets) => Ok(Self::run(runtime, sockets, state)),
            Err(error) => {
                // Dropping it here would panic if the caller is an async task.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    fn run(runtime: Runtime, sockets: Sockets, state: Arc<State>) -> Self {
        let Sockets { service, remote, control, control_port } = sockets;
        let port = service.port();
        runtime.spawn(service.run());
        let control = runtime.spawn(run_control(control, Arc::clone(&state), remote.clone()));
        Self { state, remote, port, control_port, running: Some((runtime, control)) }
    }

    /// Port of the service on 127.0.0.1; the same for as long as the backend lives.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Port for commands on 127.0.0.1.
    #[must_use]
    pub fn control_port(&self) -> u16 {
        self.control_port
    }

    /// Puts a behaviour in force: every request that arrives after the return meets it.
    ///
    /// Starts a new count of requests for [`Mode::Flap`](crate::Mode::Flap).
    ///
    /// # Errors
    ///
    /// The behaviour is impossible (a status of 99), the backend was killed, or the port could
    /// not be kept or taken again.
    pub fn set(&self, behaviour: impl Into<Behaviour>) -> io::Result<()> {
        let (remote, behaviour) = (self.remote.clone(), behaviour.into());
        let (runtime, _) = self.running.as_ref().ok_or_else(gone)?;
        wait(runtime, async move { remote.set(behaviour).await })
    }

    /// Counts since the start or the last [`Self::reset`].
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.state.tally.snapshot()
    }

    /// Clears the counts. Connections that are open stay counted as open.
    pub fn reset(&self) {
        self.state.tally.reset();
    }

    /// Blocks until the counts fulfil `is_reached`, and returns them.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) with the counts in its message.
    pub fn wait_for(
        &self,
        timeout: Duration,
        is_reached: impl Fn(&Stats) -> bool,
    ) -> io::Result<Stats> {
        let (stats, is_reached) = self.state.tally.wait_for(timeout, is_reached);
        if is_reached {
            return Ok(stats);
        }
        let message = format!("backend {} has {}", self.state.name, stats.to_json());
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    }

    /// Ends the backend as a crash would: ports and connections are closed when it returns.
    ///
    /// The port is free for others afterwards; to test a refused connection without that risk,
    /// set [`Mode::Refuse`](crate::Mode::Refuse). A second call does nothing.
    pub fn kill(&mut self) {
        let Some((runtime, control)) = self.running.take() else { return };
        let remote = self.remote.clone();
        // Errors say that the tasks have ended already, which is what is asked for.
        let _ = wait(&runtime, async move {
            control.abort();
            let _ = control.await;
            remote.stop().await
        });
        // Not waited for: that would panic if the caller is an async task.
        runtime.shutdown_background();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The sockets of a backend, bound but not yet served.
struct Sockets {
    service: Service,
    remote: Remote,
    control: Listener,
    control_port: u16,
}

impl Sockets {
    fn open(
        runtime: &Runtime,
        options: &Options,
        tls: Option<TlsAcceptor>,
        state: &Arc<State>,
    ) -> io::Result<Self> {
        let _entered = runtime.enter();
        let (service, remote) = Service::open(options.port, tls, Arc::clone(state))?;
        let (control, control_port) = Listener::open(options.control_port)?;
        Ok(Self { service, remote, control, control_port })
    }
}

/// Runs `task` on the backend's own thread and blocks until it is done.
fn wait(
    runtime: &Runtime,
    task: impl Future<Output = io::Result<()>> + Send + 'static,
) -> io::Result<()> {
    let (sender, outcome) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // The receiver below waits until the outcome is there.
        let _ = sender.send(task.await);
    });
    outcome.recv().map_err(|_| gone())?
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the backend was killed")
}
