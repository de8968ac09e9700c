//! The service port: open, or refusing while it stays ours.
//!
//! Closing the listener alone would give the port back to the system. Another program could then
//! get it, and, on loopback, a client that dials it often enough can even meet itself: the kernel
//! picks the same port as the source and TCP connects the socket to itself. So a refusing door
//! keeps a socket that is bound but does not listen; dialling it is refused, and opening again
//! is only a `listen`.
//!
//! Used by [`crate::driver`].

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A port on 127.0.0.1 that accepts or refuses.
#[derive(Debug)]
pub(crate) enum Door {
    /// Accepting.
    Open(Listener),
    /// Refusing; the socket holds the port.
    Shut(TcpSocket),
    /// Neither: the port could not be kept. Dialling is refused here too.
    Lost,
}

impl Door {
    /// Opens a port; 0 picks a free one.
    pub(crate) fn open(port: u16) -> io::Result<(Self, u16)> {
        let (listener, port) = Listener::open(port)?;
        Ok((Self::Open(listener), port))
    }

    /// The next connection; none ever while shut.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        match self {
            Self::Open(listener) => listener.accept().await,
            Self::Shut(_) | Self::Lost => pending().await,
        }
    }

    /// Refuses from here on. Returns once it does.
    pub(crate) fn shut(&mut self, port: u16) -> io::Result<()> {
        // The old socket has to be gone before a new one can be bound.
        drop(std::mem::replace(self, Self::Lost));
        *self = Self::Shut(bind(port)?);
        Ok(())
    }

    /// Accepts from here on, on the same port.
    pub(crate) fn reopen(&mut self, port: u16) -> io::Result<()> {
        let socket = match std::mem::replace(self, Self::Lost) {
            Self::Open(listener) => {
                *self = Self::Open(listener);
                return Ok(());
            }
            Self::Shut(socket) => socket,
            Self::Lost => bind(port)?,
        };
        *self = Self::Open(Listener(socket.listen(BACKLOG)?));
        Ok(())
    }
}

/// A listening socket that stops listening when it is dropped, whoever else holds it.
///
/// Closing a descriptor ends a socket only with its last copy, and a process that another thread
/// of a test just forked holds copies of all of them until it executes its program. Shutting the
/// socket down ends it for all.
#[derive(Debug)]
pub(crate) struct Listener(TcpListener);

impl Listener {
    /// Listens on a port of 127.0.0.1; 0 picks a free one.
    pub(crate) fn open(port: u16) -> io::Result<(Self, u16)> {
        let listener = bind(port)?.listen(BACKLOG)?;
        let port = listener.local_addr()?.port();
        Ok((Self(listener), port))
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        self.0.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Systems that cannot shut a listener down still close it.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
    }
}

fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections of the previous listener may linger in TIME_WAIT on this port.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

/// As many as the kernel's own usual limit, so that a burst of a test is not dropped.
const BACKLOG: u32 = 4_096;
