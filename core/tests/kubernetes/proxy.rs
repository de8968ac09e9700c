//! A proxy that can fall silent: connections stay open, and nothing gets through any more.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A proxy of one server. Its threads end with its connections.
pub(crate) struct Proxy {
    port: u16,
    /// Connections that were made.
    made: Arc<AtomicU64>,
    /// Connections with a lower number are silent.
    silent_below: Arc<AtomicU64>,
}

impl Proxy {
    /// Begins to pass connections on to `port`.
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("bound").port();
        let (made, silent_below) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, silent) = (Arc::clone(&made), Arc::clone(&silent_below));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let [near_too, far_too] = [&near, &far].map(|end| end.try_clone().expect("a copy"));
                let [one, two] = [Arc::clone(&silent), Arc::clone(&silent)];
                thread::spawn(move || pass(near, far, || number < one.load(Ordering::SeqCst)));
                thread::spawn(move || {
                    pass(far_too, near_too, || number < two.load(Ordering::SeqCst));
                });
            }
        });
        Self { port: own, made, silent_below }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Lets nothing through any more on the connections that there are. New ones are well.
    pub(crate) fn fall_silent(&self) {
        self.silent_below.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// How many connections were made.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_silent: impl Fn() -> bool) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !is_silent() && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Whoever is silent doesn't say that it ends.
    if !is_silent() {
        let _ = to.shutdown(Shutdown::Both);
    }
}
