//! One question to one server: by UDP, sent again when it may be lost, and by TCP when the answer is too
//! long for that.
//!
//! Each question has a socket and a number of its own, so that who doesn't see it can't guess what an
//! answer to it must look like, and nothing is kept that could be out of date or another process's after
//! a fork. The socket is connected: a port where nobody listens is noticed at once.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::clock::{Clock, Nanos};

/// Asks and waits for the answer, for ever if need be; the error says what the server did.
pub(super) async fn exchange(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
    (clock, patience): (&Clock, Nanos),
) -> Result<Message, String> {
    let resend = patience / SENDS;
    let answer = ask(server, &question(name, kind, true), clock, resend).await?;
    let is_refusal = matches!(
        answer.metadata.response_code,
        ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS
    );
    if !is_refusal {
        return Ok(answer);
    }
    // It may know the form of queries from before EDNS only.
    ask(server, &question(name, kind, false), clock, resend).await
}

async fn ask(
    server: SocketAddr,
    question: &Message,
    clock: &Clock,
    resend: Nanos,
) -> Result<Message, String> {
    let bytes = question.to_vec().map_err(|error| format!("can't be asked that: {error}"))?;
    let answer = by_udp(server, question, &bytes, (clock, resend)).await?;
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    let answer = by_tcp(server, &bytes).await.map_err(|error| unreachable(&error))?;
    let answer = read(&answer)?;
    if !is_to(&answer, question) || answer.metadata.truncation {
        return Err("sent an answer by TCP that is cut short or to another question".to_owned());
    }
    Ok(answer)
}

async fn by_udp(
    server: SocketAddr,
    question: &Message,
    bytes: &[u8],
    (clock, resend): (&Clock, Nanos),
) -> Result<Message, String> {
    let own: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // Counted from before it is sent: then nobody who sees it come can be ahead of that.
    let mut again_at = clock.now().saturating_add(resend);
    let opened = async {
        // The system draws the port.
        let socket = UdpSocket::bind(own).await?;
        socket.connect(server).await?;
        socket.send(bytes).await?;
        io::Result::Ok(socket)
    };
    let socket = opened.await.map_err(|error| unreachable(&error))?;
    let mut buffer = vec![0; ROOM];
    loop {
        let received = tokio::select! {
            biased;
            received = socket.recv(&mut buffer) => received,
            () = clock.sleep_until_async(again_at) => {
                again_at = clock.now().saturating_add(resend);
                socket.send(bytes).await.map(|_| 0)
            }
        };
        let length = received.map_err(|error| unreachable(&error))?;
        let came = &buffer[..length];
        // What has another number is nobody's answer, or a forged one.
        if came.first_chunk() != Some(&question.metadata.id.to_be_bytes()) {
            continue;
        }
        let answer = read(came)?;
        if is_to(&answer, question) {
            return Ok(answer);
        }
    }
}

async fn by_tcp(server: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

fn question(name: &Name, kind: RecordType, with_edns: bool) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), kind));
    if with_edns {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_PAYLOAD);
        message.set_edns(edns);
    }
    message
}

fn read(bytes: &[u8]) -> Result<Message, String> {
    Message::from_vec(bytes).map_err(|error| format!("sent what is no DNS message: {error}"))
}

fn is_to(answer: &Message, question: &Message) -> bool {
    answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.queries == question.queries
}

fn unreachable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "closed the connection in the middle of its answer".to_owned()
        }
        _ => format!("can't be reached: {error}"),
    }
}

/// So often a question is sent before its server counts as silent: datagrams get lost.
const SENDS: u64 = 3;

/// Fits into one packet everywhere (<https://www.dnsflagday.net/2020/>).
const UDP_PAYLOAD: u16 = 1_232;

/// Room for an answer by UDP, and some more for servers that pass over what was asked for.
const ROOM: usize = 4_096;
