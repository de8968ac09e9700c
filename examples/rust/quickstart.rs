//! Five minutes: two servers, one of them dead, and no failed call.
//!
//! Run it with `cargo run --release -p libfailover --example quickstart`.

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use failover::{Endpoint, Manager, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let manager = Manager::from_json(r#"{ "failover": { "strategy": "round_robin" } }"#)?;
    manager.register_endpoint(None, Endpoint::new("a", "hello", "127.0.0.1", dead_port()?))?;
    manager.register_endpoint(None, Endpoint::new("b", "hello", "127.0.0.1", serve()?))?;
    let pool = manager.pool(None, Some("hello"))?;

    // The dead one gets its turn until its breaker opens; each such call is saved by the other.
    for number in 1..=10 {
        let served = pool.execute_blocking(Request::new(), |attempt| {
            ask(&attempt.endpoint.address, attempt.endpoint.port)
        })?;
        let (text, by, attempts) = (&served.value, &served.endpoint.id, served.attempts);
        writeln!(out, "call {number:2}: {text:?} from {by}, attempts: {attempts}")?;
    }

    for member in pool.snapshot().members() {
        let circuit = member.state.status().circuit().name();
        writeln!(out, "endpoint {}: breaker {circuit}", member.endpoint.id)?;
    }
    let stats = pool.stats();
    let (good, failed) = (&stats["successful_requests"], &stats["failed_requests"]);
    writeln!(out, "calls: {good}, failed: {failed}, failovers: {}", stats["failovers"])?;
    Ok(())
}

/// The call that is made safe: an ordinary function that may fail.
fn ask(address: &str, port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((address, port))?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// A server that greets whoever connects; returns its port.
fn serve() -> io::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A client that went away is not this server's trouble.
            let _ = stream.write_all(b"hello");
        }
    });
    Ok(port)
}

/// A port where nobody listens.
fn dead_port() -> io::Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}
