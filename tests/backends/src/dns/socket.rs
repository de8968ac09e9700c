//! The loops that read queries and send replies.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::mode::DnsMode;
use super::reply::{Transport, reply};
use super::stats::Tally;
use super::zone::Zone;

/// What all sockets of one server share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) zone: Mutex<Zone>,
    pub(super) tally: Tally,
}

impl Shared {
    fn cuts(&self) -> bool {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).mode == DnsMode::Cut
    }

    fn respond(&self, bytes: &[u8], transport: Transport) -> Vec<Vec<u8>> {
        let Ok(query) = Message::from_vec(bytes) else { return Vec::new() };
        // Decided before it is counted: who saw the count changes what the next query meets.
        let zone = self.zone.lock().unwrap_or_else(PoisonError::into_inner);
        let replies = reply(&zone, &query, transport);
        drop(zone);
        self.tally.count(&query, transport);
        replies
    }
}

/// Binds the same free port for UDP and for TCP.
pub(super) async fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..TRIES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((socket, listener)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Answers queries that come as datagrams, for ever.
pub(super) async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>) {
    let mut buffer = vec![0; LONGEST];
    loop {
        // An error is about an earlier datagram's receiver, who has gone.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        for bytes in shared.respond(&buffer[..length], Transport::Udp) {
            send(&socket, &bytes, from).await;
        }
    }
}

async fn send(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) {
    // Nobody is told of a datagram that is lost.
    let _ = socket.send_to(bytes, to).await;
}

/// Answers queries on connections, for ever.
pub(super) async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A connection that breaks ends; its client sees that.
            let _ = converse(stream, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Answers the queries of one connection until it closes.
async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut bytes = vec![0; length.into()];
        stream.read_exact(&mut bytes).await?;
        for bytes in shared.respond(&bytes, Transport::Tcp) {
            let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
            stream.write_u16(length).await?;
            if shared.cuts() {
                return stream.write_all(&bytes[..bytes.len() / 2]).await;
            }
            stream.write_all(&bytes).await?;
        }
    }
}

/// Somebody else may have the UDP port of a number that is free for TCP.
const TRIES: u32 = 100;

/// The longest message.
const LONGEST: usize = 65_535;
