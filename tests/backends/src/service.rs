//! The HTTP service: carries out what [`crate::state`] decided for a request.
//!
//! A body that is cut short is a body type of its own, because it has to be sent before the
//! connection breaks: hyper drops unsent bytes when a body fails, so [`Reply`] lets it write once
//! in between. Without that, a client would see either half a body or nothing, by chance.
//!
//! Used by [`crate::connection`] on each connection of the service port.

use std::error::Error as StdError;
use std::fmt::{self, Display, Formatter};
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};

use crate::state::{Answer, State};

/// Why a connection ends before its answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Close it.
    Closed,
    /// Reset it.
    Reset,
}

impl Display for Broken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed on command",
            Self::Reset => "reset on command",
        })
    }
}

impl StdError for Broken {}

/// Answers one request of the service port.
pub(crate) async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Broken> {
    let answer = state.decide(request.uri().path());
    let is_head = request.method() == Method::HEAD;
    if answer == Answer::Reset {
        return Err(Broken::Reset);
    }
    drain(request.into_body()).await?;
    match answer {
        Answer::Status(code, retry_after) => respond(&state, code, retry_after),
        Answer::Late(delay) => {
            pause(delay).await;
            respond(&state, 200, None)
        }
        Answer::Never => pending().await,
        // An answer to HEAD has no body that could be cut.
        Answer::Truncated if is_head => Err(Broken::Closed),
        Answer::Truncated => {
            let mut response = respond(&state, 200, None)?;
            response.body_mut().stage = Stage::Half;
            Ok(response)
        }
        Answer::Reset => Err(Broken::Reset),
    }
}

/// Reads the request to its end, so that the connection can carry the next one.
async fn drain(mut body: Incoming) -> Result<(), Broken> {
    while let Some(frame) = body.frame().await {
        frame.map_err(|_| Broken::Closed)?;
    }
    Ok(())
}

fn respond(state: &State, code: u16, retry_after: Option<u32>) -> Result<Response<Reply>, Broken> {
    let status = StatusCode::from_u16(code).map_err(|_| Broken::Closed)?;
    state.tally.count_status(code);
    let word = if code == 200 { "ok".to_owned() } else { code.to_string() };
    let mut response = Response::new(Reply::whole(format!("{word} {}\n", state.name)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert("x-backend", state.name_header.clone());
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

#[expect(clippy::disallowed_methods, reason = "a real server is late in real time")]
async fn pause(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// A body in memory that arrives whole, or half and then breaks the connection.
#[derive(Debug)]
pub(crate) struct Reply {
    text: Bytes,
    stage: Stage,
}

/// What [`Reply`] does when it is next polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Whole,
    Half,
    /// Half is handed over; hyper still has to write it.
    Flush,
    Break,
    Done,
}

impl Reply {
    pub(crate) fn whole(text: String) -> Self {
        Self { text: Bytes::from(text), stage: Stage::Whole }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let (next, poll) = match self.stage {
            Stage::Whole => (Stage::Done, Poll::Ready(Some(Ok(Frame::data(self.text.clone()))))),
            Stage::Half => {
                let half = self.text.slice(..self.text.len() / 2);
                (Stage::Flush, Poll::Ready(Some(Ok(Frame::data(half)))))
            }
            Stage::Flush => {
                cx.waker().wake_by_ref();
                (Stage::Break, Poll::Pending)
            }
            Stage::Break => (Stage::Done, Poll::Ready(Some(Err(Broken::Closed)))),
            Stage::Done => (Stage::Done, Poll::Ready(None)),
        };
        self.stage = next;
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.stage == Stage::Done
    }

    /// The whole length, which is what `Content-Length` promises even if half will come.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.stage == Stage::Done { 0 } else { self.text.len() as u64 })
    }
}
