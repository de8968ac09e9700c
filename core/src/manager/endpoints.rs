//! Endpoints by verb: register, update, deregister, get, list.

use std::sync::Arc;

use super::Manager;
use crate::endpoint::document::refuse;
use crate::endpoint::{Endpoint, Member};
use crate::error::{Error, ErrorKind, Result};

impl Manager {
    /// Registers an endpoint with a provider; `None` is the default one.
    ///
    /// # Errors
    ///
    /// The endpoint's faults all at once, [`ErrorKind::AlreadyExists`] if its id is taken,
    /// [`ErrorKind::Provider`] if the provider can't register, [`ErrorKind::LimitExceeded`].
    pub fn register_endpoint(&self, provider: Option<&str>, endpoint: Endpoint) -> Result<()> {
        self.check_open()?;
        check(&endpoint)?;
        let entry = self.provider_entry(provider)?;
        entry.source.check_writable(&entry.name)?;
        let id = Arc::clone(&endpoint.id);
        entry.registry.register(endpoint)?;
        self.after_change(&entry, &self.endpoint(provider, &id)?, "registered")
    }

    /// Replaces the description of a registered endpoint; its live state carries over while its
    /// address and port stay the same.
    ///
    /// # Errors
    ///
    /// As [`register_endpoint`](Self::register_endpoint), and [`ErrorKind::NotFound`].
    pub fn update_endpoint(&self, provider: Option<&str>, mut endpoint: Endpoint) -> Result<()> {
        self.check_open()?;
        check(&endpoint)?;
        let entry = self.provider_entry(provider)?;
        entry.source.check_writable(&entry.name)?;
        let id = Arc::clone(&endpoint.id);
        endpoint.unmask(&*self.endpoint(provider, &id)?);
        entry.registry.update(endpoint)?;
        self.after_change(&entry, &self.endpoint(provider, &id)?, "updated")
    }

    /// Removes an endpoint; attempts on it end normally.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if provider or endpoint is unknown.
    pub fn deregister_endpoint(&self, provider: Option<&str>, id: &str) -> Result<()> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        entry.source.check_writable(&entry.name)?;
        let endpoint = self.endpoint(provider, id)?;
        entry.registry.deregister(id)?;
        self.after_change(&entry, &endpoint, "deregistered")
    }

    /// The endpoint of an id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if provider or endpoint is unknown.
    pub fn endpoint(&self, provider: Option<&str>, id: &str) -> Result<Arc<Endpoint>> {
        Ok(self.member(provider, id)?.endpoint)
    }

    /// All endpoints of a provider, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the provider is unknown.
    pub fn endpoints(&self, provider: Option<&str>) -> Result<Vec<Arc<Endpoint>>> {
        let members = self.provider_entry(provider)?.registry.list();
        Ok(members.into_iter().map(|member| member.endpoint).collect())
    }

    /// The endpoint of an id with its live state.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if provider or endpoint is unknown.
    pub fn member(&self, provider: Option<&str>, id: &str) -> Result<Member> {
        self.provider_entry(provider)?.registry.get(id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("endpoint {id:?}: not registered"))
        })
    }
}

fn check(endpoint: &Endpoint) -> Result<()> {
    let mut faults = Vec::new();
    endpoint.validate("", &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(refuse(ErrorKind::InvalidArgument, faults)) }
}
