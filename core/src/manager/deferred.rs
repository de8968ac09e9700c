//! The verbs that wait, for a program whose thread must not: the result is handed to a function.
//!
//! A host whose loop answers the library's questions would wait for itself, and a pool of threads that is
//! shared with the program's own work may be full of those who wait for that work.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Manager;
use super::change::Change;
use super::runtime::begin;
use crate::discovery::check_one;
use crate::endpoint::{Endpoint, HealthStatus, Member};
use crate::error::Result;

/// The verbs of a manager that wait, without waiting: see [`Manager::deferred`].
#[derive(Clone, Copy, Debug)]
pub struct Deferred<'a>(&'a Manager);

impl Manager {
    /// The verbs that wait, without waiting.
    ///
    /// Each takes a function that gets the result exactly once: at once on the calling thread where nothing
    /// has to be waited for, else on the library's own thread, so it must not block. Until then the manager
    /// is kept.
    #[must_use]
    pub const fn deferred(&self) -> Deferred<'_> {
        Deferred(self)
    }
}

impl Deferred<'_> {
    /// [`Manager::health_check`].
    pub fn health_check(
        self,
        provider: Option<&str>,
        id: &str,
        done: impl FnOnce(Result<HealthStatus>) + Send + 'static,
    ) {
        let found = self
            .0
            .provider_entry(provider)
            .and_then(|entry| Ok((Arc::clone(&entry.name), vec![self.0.member(provider, id)?])));
        self.check(found, |manager, members| {
            done(members.map(|members| manager.published(&members[0])));
        });
    }

    /// [`Manager::health_check_all`].
    pub fn health_check_all(
        self,
        provider: Option<&str>,
        done: impl FnOnce(Result<BTreeMap<Arc<str>, HealthStatus>>) + Send + 'static,
    ) {
        let found = self.0.provider_entry(provider);
        let found = found.map(|entry| (Arc::clone(&entry.name), entry.registry.list()));
        self.check(found, |manager, members| {
            let status =
                |member: &Member| (Arc::clone(&member.endpoint.id), manager.published(member));
            done(members.map(|members| members.iter().map(status).collect()));
        });
    }

    /// [`Manager::register_endpoint`].
    pub fn register_endpoint(
        self,
        provider: Option<&str>,
        endpoint: Endpoint,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let change = check_one(&endpoint).map(|()| Change::Register(endpoint));
        self.change(provider, change, done);
    }

    /// [`Manager::update_endpoint`].
    pub fn update_endpoint(
        self,
        provider: Option<&str>,
        endpoint: Endpoint,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        self.change(provider, self.0.update_of(provider, endpoint), done);
    }

    /// [`Manager::deregister_endpoint`].
    pub fn deregister_endpoint(
        self,
        provider: Option<&str>,
        id: &str,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        self.change(provider, self.0.end_of(provider, id), done);
    }

    fn check(
        self,
        found: Result<(Arc<str>, Vec<Member>)>,
        done: impl FnOnce(&Manager, Result<Vec<Member>>) + Send + 'static,
    ) {
        let manager = self.0.clone();
        let (name, members) = match manager.check_open().and(found) {
            Ok(found) => found,
            Err(error) => return done(&manager, Err(error)),
        };
        let checker = manager.inner.background.checker.clone();
        let work = async move {
            checker.check_all(&name, &members).await;
            Ok(members)
        };
        begin(work, move |members| done(&manager, members));
    }

    fn change(
        self,
        provider: Option<&str>,
        change: Result<Change>,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let open = self.0.check_open();
        match open.and_then(|()| Ok((self.0.provider_entry(provider)?, change?))) {
            Ok((entry, change)) => self.0.change_later(entry, change, done),
            Err(error) => done(Err(error)),
        }
    }
}
