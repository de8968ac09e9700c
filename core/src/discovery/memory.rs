//! The embedded provider: the program registers its endpoints, and nothing has to be installed.
//!
//! The registry is the source itself, so there is nothing to read, nothing to lose, and an empty
//! set is one that the program emptied.

use std::sync::Arc;

use super::update::check_one;
use super::{BoxFuture, Capabilities, Provider};
use crate::endpoint::{Endpoint, Registry};
use crate::error::Result;

/// A provider whose endpoints are those that the program registers.
#[derive(Clone, Debug)]
pub struct Memory {
    registry: Arc<Registry>,
}

impl Memory {
    /// Makes the provider of `registry`'s endpoints.
    #[must_use]
    pub const fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }
}

impl Provider for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::PUSHED.authoritative().registering()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let members = self.registry.list();
        Box::pin(
            async move { Ok(members.iter().map(|member| (*member.endpoint).clone()).collect()) },
        )
    }

    fn register(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            check_one(&endpoint)?;
            self.registry.register(endpoint)
        })
    }

    fn update(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            check_one(&endpoint)?;
            self.registry.update(endpoint)
        })
    }

    fn deregister(&self, id: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.registry.deregister(&id) })
    }
}
