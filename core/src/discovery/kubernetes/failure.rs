//! Why a question had no answer, in words that hold no secret.

use super::refusal::Refusal;
use crate::clock::Nanos;
use crate::error::{Error, ErrorKind};

/// Why a question had no answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// Configuration or credentials can't be had or used.
    Unusable(String),
    /// The server couldn't be reached, or the connection broke.
    Unreachable(String),
    /// What came can't be read.
    Garbled(String),
    /// The server said no.
    Refused(Refusal),
}

impl Failure {
    /// True if it is about the server or the credentials, and not about one service.
    pub(super) fn is_general(&self) -> bool {
        match self {
            Self::Unusable(_) | Self::Unreachable(_) => true,
            Self::Garbled(_) => false,
            Self::Refused(refusal) => refusal.is_general(),
        }
    }

    /// True if another look at configuration and credentials may help.
    pub(super) fn asks_for_credentials(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 401)
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Nanos> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// The error that people see; `address` is the server's, `verb` what was asked, `namespace` where.
    pub(super) fn error(&self, address: &str, verb: &str, namespace: &str) -> Error {
        let cause = match self {
            Self::Unusable(cause) => return Error::new(ErrorKind::Provider, cause.clone()),
            Self::Unreachable(cause) | Self::Garbled(cause) => cause.clone(),
            Self::Refused(refusal) => refusal.describe(verb, namespace),
        };
        Error::new(ErrorKind::Provider, format!("Kubernetes API server {address}: {cause}"))
    }
}
