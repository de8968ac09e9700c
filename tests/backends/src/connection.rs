//! One accepted connection, plain or TLS, from its first byte to its last.
//!
//! hyper closes a connection when its service fails; a reset needs one step more, the socket's
//! linger set to zero before it is dropped. So hyper is run without its own shutdown, and the
//! socket is taken back from it to be ended as commanded.
//!
//! Used by [`crate::driver`], which owns the tasks, for the service and the control port.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::service::{Broken, Reply, answer};
use crate::state::State;

/// Serves one connection of the service port until either side ends it.
///
/// # Errors
///
/// Whatever ended the connection early: a failed handshake, a lost peer, a socket error.
pub(crate) async fn serve(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    state: Arc<State>,
) -> io::Result<()> {
    let _open = Open::new(Arc::clone(&state));
    let handler = move |request| answer(Arc::clone(&state), request);
    match tls {
        Some(acceptor) => exchange(acceptor.accept(tcp).await?, handler).await,
        None => exchange(tcp, handler).await,
    }
}

/// Lets `handler` answer the requests of a connection, then ends it as the last answer demands.
///
/// # Errors
///
/// A socket error while ending the connection.
pub(crate) async fn exchange<S, H, F>(socket: S, handler: H) -> io::Result<()>
where
    S: Socket,
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Reply>, Broken>> + Send + 'static,
{
    // Boxed, because hyper gives the socket back only if the future can be moved.
    let service = service_fn(|request| Box::pin(handler(request)) as Pin<Box<F>>);
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    let mut socket = connection.into_parts().io.into_inner();
    match outcome {
        Ok(()) => socket.shutdown().await,
        Err(error) if cause(&error) == Some(Broken::Reset) => socket.tcp().set_zero_linger(),
        // Cut off in the middle: no TLS farewell either, as from a crashed process.
        Err(_) => Ok(()),
    }
}

fn cause(error: &hyper::Error) -> Option<Broken> {
    error.source().and_then(|source| source.downcast_ref::<Broken>()).copied()
}

/// A byte stream over TCP whose socket can be reached.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// The socket under any encryption.
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Counts a connection as open for as long as it lives, also if its task is aborted.
struct Open(Arc<State>);

impl Open {
    fn new(state: Arc<State>) -> Self {
        state.tally.count_opened();
        Self(state)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.tally.count_closed();
    }
}
