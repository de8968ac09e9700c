//! How one endpoint is changed: at once where the program keeps the set, else by asking its provider.
//!
//! No lock is held while a provider is asked, and what it agreed to is applied at once instead of with
//! its next set: whoever registers an endpoint may use it. The next set replaces all.

use std::sync::Arc;

use super::Manager;
use super::providers::Entry;
use super::source::Source;
use crate::endpoint::{Endpoint, Registry};
use crate::error::{Error, ErrorKind, Result};

/// A change of one endpoint.
pub(super) enum Change {
    /// It comes.
    Register(Endpoint),
    /// It is described anew.
    Update(Endpoint),
    /// It goes.
    Deregister(Arc<Endpoint>),
}

impl Entry {
    /// Refuses to register with a provider that only reads.
    pub(super) fn check_writable(&self) -> Result<()> {
        let is_writable = match &self.source {
            Source::Registered(_) => true,
            _ => self.provider.capabilities().can_register,
        };
        if is_writable {
            return Ok(());
        }
        let text = format!("provider {:?}: can't register, it only reads", self.name);
        Err(Error::new(ErrorKind::Provider, text))
    }

    /// Whose provider is asked for a change in a service; `None` where the program keeps the set.
    #[cfg(feature = "runtime")]
    fn asked(&self, service: &Arc<str>) -> Result<Option<crate::discovery::Feed>> {
        match &self.source {
            Source::Registered(_) => Ok(None),
            Source::Read(feed) => Ok(Some(feed.clone())),
            Source::Services(services) => services
                .want(service)?
                .ok_or_else(|| super::providers::unknown(&self.name))
                .map(Some),
        }
    }
}

impl Manager {
    /// Makes a change, after asking the provider if the set is not the program's.
    pub(super) fn change(&self, entry: &Entry, change: Change) -> Result<()> {
        self.prepare(entry, &change)?;
        #[cfg(feature = "runtime")]
        if let Some(feed) = entry.asked(change.service())? {
            let (asked, work) = (feed.clone(), change.to_work());
            super::runtime::wait_for(async move { asked.hand_over(work).await })??;
            return self.settle(entry, &feed, change);
        }
        let (id, what) = (Arc::clone(change.id()), change.verb());
        let given = change.apply(&entry.registry)?;
        self.tell(entry, &id, given, what);
        Ok(())
    }

    /// The same without waiting: `done` gets what came of it.
    #[cfg(feature = "runtime")]
    pub(super) fn change_later(
        &self,
        entry: Arc<Entry>,
        change: Change,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let prepared = self.prepare(&entry, &change);
        let feed = match prepared.and_then(|()| entry.asked(change.service())) {
            Ok(Some(feed)) => feed,
            Ok(None) => return done(self.change(&entry, change)),
            Err(error) => return done(Err(error)),
        };
        let manager = self.clone();
        let work = async move {
            feed.hand_over(change.to_work()).await?;
            manager.settle(&entry, &feed, change)
        };
        super::runtime::begin(work, done);
    }

    /// Refuses what could not be done, before anybody is asked.
    fn prepare(&self, entry: &Entry, change: &Change) -> Result<()> {
        entry.check_writable()?;
        // Before the set is touched, since it may be refused: then nothing changes.
        self.inner.background.ensure_checks(change.to_come())?;
        #[cfg(feature = "runtime")]
        if !matches!(entry.source, Source::Registered(_)) {
            change.check(&entry.registry)?;
        }
        Ok(())
    }

    /// Makes a change that the provider agreed to.
    #[cfg(feature = "runtime")]
    fn settle(&self, entry: &Entry, feed: &crate::discovery::Feed, change: Change) -> Result<()> {
        self.check_open()?;
        let (id, what, given) = (Arc::clone(change.id()), change.verb(), change.endpoint());
        feed.guard().change(self.clock().now(), |registry| match change.apply(registry) {
            // A set that came before the answer knows already, and its word is the newer one.
            Err(error) if is_settled(error.kind()) => Ok(()),
            other => other.map(drop),
        })?;
        let able = entry.provider.capabilities();
        if able.can_list && !able.can_watch {
            feed.refresh();
        }
        self.tell(entry, &id, given, what);
        Ok(())
    }

    fn tell(&self, entry: &Entry, id: &str, given: Arc<Endpoint>, what: &'static str) {
        let kept = entry.registry.get(id).map(|member| member.endpoint);
        // A set that came meanwhile may be without it.
        self.after_change(entry, &kept.unwrap_or(given), what);
    }
}

impl Change {
    fn id(&self) -> &Arc<str> {
        match self {
            Self::Register(endpoint) | Self::Update(endpoint) => &endpoint.id,
            Self::Deregister(endpoint) => &endpoint.id,
        }
    }

    #[cfg(feature = "runtime")]
    fn service(&self) -> &Arc<str> {
        match self {
            Self::Register(endpoint) | Self::Update(endpoint) => &endpoint.name,
            Self::Deregister(endpoint) => &endpoint.name,
        }
    }

    /// The endpoint as it is to be, if it is to be.
    const fn to_come(&self) -> &[Endpoint] {
        match self {
            Self::Register(endpoint) | Self::Update(endpoint) => std::slice::from_ref(endpoint),
            Self::Deregister(_) => &[],
        }
    }

    const fn verb(&self) -> &'static str {
        match self {
            Self::Register(_) => "registered",
            Self::Update(_) => "updated",
            Self::Deregister(_) => "deregistered",
        }
    }

    fn apply(self, registry: &Registry) -> Result<Arc<Endpoint>> {
        let endpoint = self.endpoint();
        match self {
            Self::Register(given) => registry.register(given)?,
            Self::Update(given) => registry.update(given)?,
            Self::Deregister(known) => registry.deregister(&known.id)?,
        }
        Ok(endpoint)
    }

    fn endpoint(&self) -> Arc<Endpoint> {
        match self {
            Self::Register(endpoint) | Self::Update(endpoint) => Arc::new(endpoint.clone()),
            Self::Deregister(endpoint) => Arc::clone(endpoint),
        }
    }

    /// Refuses what could not be applied, before anybody is asked.
    #[cfg(feature = "runtime")]
    fn check(&self, registry: &Registry) -> Result<()> {
        match self {
            Self::Register(endpoint) => registry.check_new(&endpoint.id),
            Self::Update(_) | Self::Deregister(_) => Ok(()),
        }
    }

    #[cfg(feature = "runtime")]
    fn to_work(&self) -> crate::discovery::Work {
        use crate::discovery::Work;
        match self {
            Self::Register(endpoint) => Work::Register(endpoint.clone()),
            Self::Update(endpoint) => Work::Update(endpoint.clone()),
            Self::Deregister(endpoint) => Work::Deregister(endpoint.id.to_string()),
        }
    }
}

#[cfg(feature = "runtime")]
fn is_settled(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::AlreadyExists | ErrorKind::NotFound)
}
