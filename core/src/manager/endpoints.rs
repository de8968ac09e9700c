//! Endpoints by verb: register, update, deregister, get, list.

use std::sync::Arc;

use super::Manager;
use super::change::Change;
use crate::discovery::check_one;
use crate::endpoint::{Endpoint, Member};
use crate::error::{Error, ErrorKind, Result};

impl Manager {
    /// Registers an endpoint with a provider; `None` is the default one.
    ///
    /// A provider of the program's own that takes registrations is asked first, and the calling thread
    /// waits for its answer, ten seconds of the manager's clock at most (on a manual one another thread has
    /// to move it). Once it agreed, the endpoint is in the set at once; the
    /// next set that it delivers replaces all, so that one should hold the endpoint. A provider that is
    /// read again and again is read right then.
    ///
    /// # Errors
    ///
    /// The endpoint's faults all at once, [`ErrorKind::AlreadyExists`] if its id is taken,
    /// [`ErrorKind::Provider`] if the provider can't register, [`ErrorKind::LimitExceeded`]; of a
    /// provider that is asked its own error, and [`ErrorKind::Timeout`] if it doesn't answer;
    /// [`ErrorKind::Io`] if the system refuses the thread that is to check it. Then nothing changes.
    pub fn register_endpoint(&self, provider: Option<&str>, endpoint: Endpoint) -> Result<()> {
        self.check_open()?;
        check_one(&endpoint)?;
        let entry = self.provider_entry(provider)?;
        self.change(&entry, Change::Register(endpoint))
    }

    /// Replaces the description of a registered endpoint; its live state carries over while its
    /// service, address and port stay the same. A provider of the program's own is asked, as for a
    /// registration.
    ///
    /// # Errors
    ///
    /// As [`register_endpoint`](Self::register_endpoint), and [`ErrorKind::NotFound`].
    pub fn update_endpoint(&self, provider: Option<&str>, endpoint: Endpoint) -> Result<()> {
        self.check_open()?;
        let change = self.update_of(provider, endpoint)?;
        let entry = self.provider_entry(provider)?;
        self.change(&entry, change)
    }

    pub(super) fn update_of(
        &self,
        provider: Option<&str>,
        mut endpoint: Endpoint,
    ) -> Result<Change> {
        check_one(&endpoint)?;
        self.provider_entry(provider)?.check_writable()?;
        endpoint.unmask(&*self.endpoint(provider, &endpoint.id)?);
        Ok(Change::Update(endpoint))
    }

    /// Removes an endpoint; attempts on it end normally. A provider of the program's own is asked, as for
    /// a registration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if provider or endpoint is unknown, and those of a provider that is asked.
    pub fn deregister_endpoint(&self, provider: Option<&str>, id: &str) -> Result<()> {
        self.check_open()?;
        let change = self.end_of(provider, id)?;
        let entry = self.provider_entry(provider)?;
        self.change(&entry, change)
    }

    pub(super) fn end_of(&self, provider: Option<&str>, id: &str) -> Result<Change> {
        self.provider_entry(provider)?.check_writable()?;
        Ok(Change::Deregister(self.endpoint(provider, id)?))
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
