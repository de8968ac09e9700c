//! A proxy in front of an agent that spoils answers on command, one request for each connection.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use failover::lock::Lock;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is answered with these bytes, by the proxy itself.
    Say(Vec<u8>),
    /// It is answered by a head that promises that many bytes, and as many without end.
    Flood(usize),
    /// Only the first bytes of the agent's answer come through.
    Cut(usize),
    /// The agent's index is replaced.
    Index(&'static str),
    /// It is taken and the connection closed.
    Drop,
}

impl Fault {
    /// An answer with a body of JSON.
    pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
        Self::Say(format!("{head}{body}").into_bytes())
    }
}

/// The proxy. It ends with the process.
pub(crate) struct Proxy {
    port: u16,
    inside: Arc<Inside>,
}

struct Inside {
    agent: u16,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    once: VecDeque<Fault>,
    always: Option<Fault>,
    /// The first lines of all requests.
    asked: Vec<String>,
    /// Connections that are open, to both sides.
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Starts a proxy in front of the agent on a port.
    pub(crate) fn start(agent: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let inside = Arc::new(Inside { agent, state: Lock::default() });
        let serving = Arc::clone(&inside);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // A connection that breaks is what the tests are about.
                thread::spawn(move || serving.serve(client).unwrap_or_default());
            }
        });
        Self { port, inside }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Spoils the next answers, one each.
    pub(crate) fn once(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inside.state.lock().once.extend(faults);
    }

    /// Spoils all answers from now on, or none.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        self.inside.state.lock().always = fault;
    }

    /// Ends all connections, so that a question that is being held comes again.
    pub(crate) fn cut_all(&self) {
        for stream in self.inside.state.lock().open.drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// The first lines of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.inside.state.lock().asked.clone()
    }
}

impl Inside {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        self.state.lock().open.push(client.try_clone()?);
        let request = read_request(&mut client)?;
        let text = String::from_utf8_lossy(&request);
        let mut state = self.state.lock();
        state.asked.push(text.lines().next().unwrap_or_default().to_owned());
        let fault = state.once.pop_front().or_else(|| state.always.clone());
        drop(state);
        match fault {
            Some(Fault::Say(answer)) => client.write_all(&answer)?,
            Some(Fault::Flood(length)) => flood(&mut client, length)?,
            Some(Fault::Cut(most)) => {
                let answer = self.ask(&request)?;
                client.write_all(&answer[..most.min(answer.len())])?;
            }
            Some(Fault::Index(index)) => {
                client.write_all(&with_index(&self.ask(&request)?, index))?;
            }
            Some(Fault::Drop) => {}
            None => client.write_all(&self.ask(&request)?)?,
        }
        client.shutdown(Shutdown::Both)
    }

    /// The agent's whole answer.
    fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut agent = TcpStream::connect((Ipv4Addr::LOCALHOST, self.agent))?;
        self.state.lock().open.push(agent.try_clone()?);
        let end = request.windows(2).position(|two| two == b"\r\n").unwrap_or(request.len());
        agent.write_all(&request[..end])?;
        agent.write_all(b"\r\nConnection: close")?;
        agent.write_all(&request[end..])?;
        let mut answer = Vec::new();
        agent.read_to_end(&mut answer)?;
        if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
    }
}

/// Reads a request with its body.
fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
    client.read_exact(&mut body)?;
    request.extend(body);
    Ok(request)
}

/// The answer with another index.
fn with_index(answer: &[u8], index: &str) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0);
    let head = String::from_utf8_lossy(&answer[..end]);
    let lines: Vec<String> = head
        .lines()
        .map(|line| match line.to_ascii_lowercase().starts_with("x-consul-index:") {
            true => format!("X-Consul-Index: {index}"),
            false => line.to_owned(),
        })
        .collect();
    [lines.join("\r\n").as_bytes(), &answer[end..]].concat()
}

/// A body that never ends; its length is told if it isn't 0.
fn flood(client: &mut TcpStream, length: usize) -> io::Result<()> {
    let told = match length {
        0 => "Transfer-Encoding: chunked".to_owned(),
        _ => format!("Content-Length: {length}"),
    };
    client.write_all(format!("HTTP/1.1 200 OK\r\n{told}\r\n\r\n").as_bytes())?;
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    loop {
        client.write_all(&chunk)?;
    }
}
