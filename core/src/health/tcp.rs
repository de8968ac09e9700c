//! The simplest check: can a connection be opened?

use tokio::net::TcpStream;

use super::probe::{Place, io_reason};
use crate::events::Reason;

/// Opens a connection and closes it; all addresses of a name are tried.
pub(super) async fn check(place: Place<'_>) -> Result<Reason, Reason> {
    match TcpStream::connect((place.host, place.port)).await {
        Ok(_) => Ok("connected".into()),
        Err(error) => Err(io_reason(&error)),
    }
}
