//! The control port: commands and counts over plain HTTP, so that every language can steer.
//!
//! It is a port of its own because the service port may be refusing, hanging or speaking TLS.
//! Any method is accepted: `curl` without options must do.
//!
//! ```text
//! /mode                                           the behaviour in force
//! /mode/status=503?retry_after=2&scope=work       sets it; answers once it is in force
//! /mode?set=status=503&retry_after=2&scope=work   the same
//! /stats                                          counts, with the behaviour in force
//! /reset                                          clears the counts
//! ```
//!
//! Used by [`crate::driver`].

use std::io;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::driver::Remote;
use crate::service::{Broken, Reply};
use crate::state::State;

/// Answers one request of the control port.
pub(crate) async fn answer(
    state: Arc<State>,
    remote: Remote,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Broken> {
    let query = request.uri().query().unwrap_or_default();
    let (status, body) = match request.uri().path() {
        "/mode" if query.is_empty() => (StatusCode::OK, mode(&state)),
        "/mode" => set(&state, &remote, query).await,
        "/stats" => (StatusCode::OK, stats(&state)),
        "/reset" => {
            state.tally.reset();
            (StatusCode::OK, stats(&state))
        }
        path => match path.strip_prefix("/mode/") {
            Some(mode) => set(&state, &remote, &format!("set={mode}&{query}")).await,
            None => (StatusCode::NOT_FOUND, fault("expected /mode/MODE, /stats or /reset")),
        },
    };
    let mut response = Response::new(Reply::whole(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn set(state: &State, remote: &Remote, text: &str) -> (StatusCode, Value) {
    let outcome = match text.parse() {
        Ok(behaviour) => remote.set(behaviour).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => (StatusCode::OK, mode(state)),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            (StatusCode::BAD_REQUEST, fault(&error.to_string()))
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, fault(&error.to_string())),
    }
}

fn mode(state: &State) -> Value {
    json!({ "name": state.name, "mode": state.behaviour().to_string() })
}

fn stats(state: &State) -> Value {
    let mut counts = state.tally.snapshot().to_json();
    counts["name"] = state.name.clone().into();
    counts["mode"] = state.behaviour().to_string().into();
    counts
}

fn fault(message: &str) -> Value {
    json!({ "error": message })
}
