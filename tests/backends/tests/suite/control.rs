//! The control port, seen from a client.

use std::io::ErrorKind;

use failover_backends::{Backend, Mode};
use serde_json::{Value, json};

use crate::client::{Client, get};

fn command(backend: &Backend, path: &str) -> (u16, Value) {
    let response = get(backend.control_port(), path).unwrap();
    assert_eq!(response.headers["content-type"], "application/json");
    (response.status, serde_json::from_str(&response.body).unwrap())
}

#[test]
fn both_spellings_of_a_command_do_the_same() {
    let backend = Backend::start("a").unwrap();

    for path in [
        "/mode/status=503?retry_after=2&scope=work",
        "/mode?set=status=503&retry_after=2&scope=work",
        "/mode?scope=work&set=status%3D503&retry_after=2",
    ] {
        backend.set(Mode::Ok).unwrap();
        let (status, body) = command(&backend, path);

        assert_eq!(status, 200);
        assert_eq!(body, json!({ "name": "a", "mode": "status=503&retry_after=2&scope=work" }));
        assert_eq!(get(backend.port(), "/work").unwrap().headers["retry-after"], "2");
        assert_eq!(get(backend.port(), "/health").unwrap().status, 200);
    }
}

#[test]
fn post_is_as_good_as_get() {
    let backend = Backend::start("a").unwrap();
    let mut client = Client::connect(backend.control_port()).unwrap();

    assert_eq!(client.post("/mode?set=hang", "").unwrap().status, 200);

    let body = client.post("/mode", "").unwrap().body;
    assert!(body.contains(r#""mode":"hang""#), "{body}");
}

#[test]
fn a_refusing_backend_still_takes_commands() {
    let backend = Backend::start("a").unwrap();

    for _ in 0..20 {
        assert_eq!(command(&backend, "/mode/refuse").0, 200);
        let error = Client::connect(backend.port()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        assert_eq!(command(&backend, "/mode/ok").0, 200);
        assert_eq!(get(backend.port(), "/").unwrap().status, 200);
    }
}

#[test]
fn a_wrong_command_is_refused_with_the_reason_and_changes_nothing() {
    let backend = Backend::start("a").unwrap();
    command(&backend, "/mode/status=503");

    for path in ["/mode/brake", "/mode/status=99", "/mode/refuse?scope=work", "/mode/ok?scop=all"] {
        let (status, body) = command(&backend, path);

        assert_eq!(status, 400, "{path}");
        assert!(body["error"].as_str().unwrap().contains("expected"), "{path}: {body}");
    }
    assert_eq!(command(&backend, "/start").0, 404);
    assert_eq!(command(&backend, "/mode").1["mode"], "status=503");
}

#[test]
fn stats_tell_paths_and_statuses_and_reset_clears_them() {
    let backend = Backend::start("a").unwrap();
    let mut client = Client::connect(backend.port()).unwrap();
    client.get("/health").unwrap();
    client.get("/work?id=1").unwrap();
    command(&backend, "/mode/status=503");
    client.get("/work?id=2").unwrap();

    let expected = json!({
        "name": "a",
        "mode": "status=503",
        "requests": 3,
        "paths": { "/health": 1, "/work": 2 },
        "statuses": { "200": 2, "503": 1 },
        "open_connections": 1,
        "accepted_connections": 1,
    });
    assert_eq!(command(&backend, "/stats"), (200, expected));

    let (status, cleared) = command(&backend, "/reset");
    assert_eq!(status, 200);
    assert_eq!((&cleared["requests"], &cleared["open_connections"]), (&json!(0), &json!(1)));
    assert_eq!(cleared["paths"], json!({}));
}
