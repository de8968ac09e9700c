//! The loops that own a backend's sockets and tasks.
//!
//! One task owns the service port and all its connections, and takes commands between accepts. A
//! command is answered only after it was carried out, connections closed and port shut, so a test
//! that got its answer needs no sleep.
//!
//! Used by [`crate::backend`], which starts both loops, and by [`crate::control`] to command.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::behaviour::Behaviour;
use crate::connection::{exchange, serve};
use crate::control;
use crate::door::{Door, Listener};
use crate::mode::Mode;
use crate::state::State;

/// A way to command the loop that owns the service port; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Remote(mpsc::Sender<Command>);

/// An order to the loop, with where to say that it was carried out.
#[derive(Debug)]
enum Command {
    Set(Behaviour, oneshot::Sender<io::Result<()>>),
    Stop(oneshot::Sender<io::Result<()>>),
}

impl Remote {
    /// Puts a behaviour in force. Returns once it is.
    pub(crate) async fn set(&self, behaviour: Behaviour) -> io::Result<()> {
        let behaviour = behaviour.check()?;
        self.send(|done| Command::Set(behaviour, done)).await
    }

    /// Closes port and connections for good. Returns once they are closed.
    pub(crate) async fn stop(&self) -> io::Result<()> {
        self.send(Command::Stop).await
    }

    async fn send(
        &self,
        command: impl FnOnce(oneshot::Sender<io::Result<()>>) -> Command,
    ) -> io::Result<()> {
        let (done, outcome) = oneshot::channel();
        self.0.send(command(done)).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

/// The service port with everything that answers on it.
#[derive(Debug)]
pub(crate) struct Service {
    door: Door,
    port: u16,
    tls: Option<Tls>,
    state: Arc<State>,
    connections: JoinSet<()>,
    commands: mpsc::Receiver<Command>,
}

impl Service {
    pub(crate) fn open(
        port: u16,
        tls: Option<TlsAcceptor>,
        state: Arc<State>,
    ) -> io::Result<(Self, Remote)> {
        let (door, port) = Door::open(port)?;
        let (sender, commands) = mpsc::channel(1);
        let connections = JoinSet::new();
        let tls = tls.map(Tls);
        Ok((Self { door, port, tls, state, connections, commands }, Remote(sender)))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Accepts and obeys until it is told to stop, or until nobody is left who could.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Set(behaviour, done)) => {
                        let outcome = self.set(behaviour).await;
                        tell(done, outcome);
                    }
                    Some(Command::Stop(done)) => {
                        drop(self.door);
                        self.connections.shutdown().await;
                        return tell(done, Ok(()));
                    }
                    None => return,
                },
                Some(_) = self.connections.join_next() => {}
                accepted = self.door.accept() => match accepted {
                    Ok(tcp) => self.welcome(tcp),
                    Err(_) => pause().await,
                },
            }
        }
    }

    async fn set(&mut self, behaviour: Behaviour) -> io::Result<()> {
        if behaviour.mode == Mode::Refuse {
            self.state.set(behaviour);
            let outcome = self.door.shut(self.port);
            self.connections.shutdown().await;
            return outcome;
        }
        let was_refusing = !matches!(self.door, Door::Open(_));
        if was_refusing {
            self.door.reopen(self.port)?;
        }
        self.state.set(behaviour);
        Ok(())
    }

    fn welcome(&mut self, tcp: TcpStream) {
        self.state.tally.count_accepted();
        if self.state.resets_at_accept() && tcp.set_zero_linger().is_ok() {
            return;
        }
        let (tls, state) = (self.tls.as_ref().map(|tls| tls.0.clone()), Arc::clone(&self.state));
        self.connections.spawn(async move {
            // A connection that ends in an error is the point of this program; the client sees it.
            let _ = serve(tcp, tls, state).await;
        });
    }
}

/// Answers commands on the control port until its task is aborted.
pub(crate) async fn run_control(listener: Listener, state: Arc<State>, remote: Remote) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok(tcp) => {
                    let (state, remote) = (Arc::clone(&state), remote.clone());
                    connections.spawn(exchange(tcp, move |request| {
                        control::answer(Arc::clone(&state), remote.clone(), request)
                    }));
                }
                Err(_) => pause().await,
            },
        }
    }
}

/// TLS settings, with the `Debug` that the acceptor lacks.
struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn tell(done: oneshot::Sender<io::Result<()>>, outcome: io::Result<()>) {
    // The one who asked may have gone away; the order was carried out all the same.
    let _ = done.send(outcome);
}

fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the backend is stopped")
}

/// Waits a little after a failed accept: out of descriptors, trying at once would only spin.
#[expect(clippy::disallowed_methods, reason = "descriptors come back in real time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
