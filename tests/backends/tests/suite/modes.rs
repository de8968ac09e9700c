//! Each mode, seen from a client.

use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant};

use failover_backends::{Backend, Mode, Scope};

use crate::client::{Client, PATIENCE, get};

#[test]
fn a_fresh_backend_answers_every_path_with_its_name() {
    let backend = Backend::start("a").unwrap();

    for path in ["/health", "/", "/work/1?x=y"] {
        let response = get(backend.port(), path).unwrap();

        assert_eq!((response.status, response.body.as_str()), (200, "ok a\n"));
        assert_eq!(response.headers["x-backend"], "a");
    }
}

#[test]
fn one_connection_carries_many_requests_with_and_without_bodies() {
    let backend = Backend::start("a").unwrap();
    let mut client = Client::connect(backend.port()).unwrap();

    for _ in 0..10 {
        assert_eq!(client.get("/work").unwrap().status, 200);
        assert_eq!(client.post("/work", &"x".repeat(100_000)).unwrap().status, 200);
    }

    let stats = backend.stats();
    assert_eq!((stats.requests, stats.accepted_connections, stats.open_connections), (20, 1, 1));
}

#[test]
fn a_status_is_answered_with_its_retry_after() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Status(429).retry_after(7)).unwrap();

    let response = get(backend.port(), "/work").unwrap();

    assert_eq!((response.status, response.body.as_str()), (429, "429 a\n"));
    assert_eq!(response.headers["retry-after"], "7");
    assert_eq!(response.headers["x-backend"], "a");
}

#[test]
fn a_mode_for_health_leaves_the_work_alone_and_the_reverse() {
    let backend = Backend::start("a").unwrap();
    let statuses = || ["/health", "/work"].map(|path| get(backend.port(), path).unwrap().status);

    backend.set(Mode::Status(500).only(Scope::Health)).unwrap();
    assert_eq!(statuses(), [500, 200]);

    backend.set(Mode::Status(500).only(Scope::Work)).unwrap();
    assert_eq!(statuses(), [200, 500]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a delay can only be seen on a real clock")]
fn a_delayed_answer_comes_no_earlier() {
    let backend = Backend::start("a").unwrap();
    let delay = Duration::from_millis(40);
    backend.set(Mode::Delay(delay)).unwrap();

    let start = Instant::now();
    let response = get(backend.port(), "/work").unwrap();

    assert_eq!(response.status, 200);
    assert!(start.elapsed() >= delay, "answered after {:?}", start.elapsed());
}

#[test]
fn a_hung_request_stays_without_answer_while_later_ones_get_theirs() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Hang).unwrap();
    let mut hung = Client::connect(backend.port()).unwrap();
    hung.send("GET", "/work", "").unwrap();
    backend.wait_for(PATIENCE, |stats| stats.requests == 1).unwrap();

    backend.set(Mode::Ok).unwrap();
    assert_eq!(get(backend.port(), "/work").unwrap().status, 200);

    hung.tcp().set_nonblocking(true).unwrap();
    let error = hung.tcp().read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "neither answered nor closed");
    drop(hung);
    backend.wait_for(PATIENCE, |stats| stats.open_connections == 0).unwrap();
}

#[test]
fn close_breaks_off_in_the_middle_of_the_promised_body() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Close).unwrap();

    for _ in 0..50 {
        let mut client = Client::connect(backend.port()).unwrap();
        client.send("GET", "/work", "").unwrap();
        let text = client.rest().unwrap();

        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-length: 5"), "{head}");
        assert_eq!(body, "ok");
    }
}

#[test]
fn close_gives_a_head_request_no_answer_at_all() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Close).unwrap();
    let mut client = Client::connect(backend.port()).unwrap();

    client.send("HEAD", "/work", "").unwrap();

    assert_eq!(client.rest().unwrap(), "");
}

#[test]
fn reset_resets_new_connections_and_those_that_were_open() {
    let backend = Backend::start("a").unwrap();
    let mut open = Client::connect(backend.port()).unwrap();
    open.get("/work").unwrap();

    backend.set(Mode::Reset).unwrap();

    assert_eq!(open.get("/work").unwrap_err().kind(), ErrorKind::ConnectionReset);
    let fresh = get(backend.port(), "/work").unwrap_err();
    assert_eq!(fresh.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn reset_of_health_alone_lets_work_pass_on_the_same_connection() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Reset.only(Scope::Health)).unwrap();
    let mut client = Client::connect(backend.port()).unwrap();

    assert_eq!(client.get("/work").unwrap().status, 200);
    assert_eq!(client.get("/health").unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn refuse_is_in_force_when_set_returns_and_ok_opens_the_same_port() {
    let backend = Backend::start("a").unwrap();

    for _ in 0..100 {
        let mut open = Client::connect(backend.port()).unwrap();
        assert_eq!(open.get("/work").unwrap().status, 200);

        backend.set(Mode::Refuse).unwrap();
        assert_eq!(backend.stats().open_connections, 0);
        assert!(open.get("/work").is_err(), "an open connection ends too");
        let error = Client::connect(backend.port()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        backend.set(Mode::Ok).unwrap();
    }
}

#[test]
fn a_refusing_port_opens_for_any_other_mode_and_can_be_refused_twice() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Refuse).unwrap();
    backend.set(Mode::Refuse).unwrap();

    backend.set(Mode::Status(503)).unwrap();

    assert_eq!(get(backend.port(), "/work").unwrap().status, 503);
}

#[test]
fn flapping_alternates_over_all_connections() {
    let backend = Backend::start("a").unwrap();
    backend.set(Mode::Flap(2)).unwrap();

    let statuses = [(); 6].map(|()| get(backend.port(), "/work").unwrap().status);

    assert_eq!(statuses, [200, 200, 503, 503, 200, 200]);
}

#[test]
fn only_127_0_0_1_is_listened_on() {
    let backend = Backend::start("a").unwrap();

    for port in [backend.port(), backend.control_port()] {
        let error = std::net::TcpStream::connect(("127.0.0.2", port)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}
