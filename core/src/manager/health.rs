//! Active checks by verb: run one now, run all now, or take the program's word.

#[cfg(feature = "runtime")]
use std::collections::BTreeMap;
#[cfg(feature = "runtime")]
use std::sync::Arc;

use super::Manager;
use crate::endpoint::{HealthStatus, Member};
use crate::error::Result;
use crate::health::CheckResult;

impl Manager {
    /// Checks one endpoint now and returns what it is found to be.
    ///
    /// The result counts like that of a scheduled check. An endpoint without a health check is
    /// reported as its state stands.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if provider or endpoint is unknown.
    #[cfg(feature = "runtime")]
    pub fn health_check(&self, provider: Option<&str>, id: &str) -> Result<HealthStatus> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        let member = self.member(provider, id)?;
        self.check_members(&entry.name, vec![member.clone()])?;
        Ok(self.published(&member))
    }

    /// Checks every endpoint of a provider now, at most `max_concurrent_checks` at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the provider is unknown.
    #[cfg(feature = "runtime")]
    pub fn health_check_all(
        &self,
        provider: Option<&str>,
    ) -> Result<BTreeMap<Arc<str>, HealthStatus>> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        let members = entry.registry.list();
        self.check_members(&entry.name, members.clone())?;
        let found =
            members.iter().map(|member| (Arc::clone(&member.endpoint.id), self.published(member)));
        Ok(found.collect())
    }

    /// Gives the program's own check, for endpoints whose health check is of the type `custom`. The
    /// first one stays.
    ///
    /// It runs on the library's one background thread, so it must not block.
    #[cfg(feature = "runtime")]
    pub fn set_check_function(&self, check: crate::health::CheckFunction) {
        self.inner.background.custom.get_or_init(|| check);
    }

    /// Takes the program's own finding on an endpoint, as if a check had found it.
    ///
    /// Rise and fall apply: one bad finding among good ones changes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if provider or endpoint is unknown.
    pub fn report_health(
        &self,
        provider: Option<&str>,
        id: &str,
        is_good: bool,
        reason: &str,
    ) -> Result<HealthStatus> {
        let reason = reason.to_owned();
        let result = if is_good { CheckResult::good(reason) } else { CheckResult::bad(reason) };
        self.report_check(provider, id, &result)
    }

    /// As [`report_health`](Self::report_health), with all that a check can find: an endpoint may also
    /// be degraded, which works and is to be spared.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if provider or endpoint is unknown.
    pub fn report_check(
        &self,
        provider: Option<&str>,
        id: &str,
        result: &CheckResult,
    ) -> Result<HealthStatus> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        let member = self.member(provider, id)?;
        let rules = self.policy().health;
        self.inner.background.take_result(
            (&entry.name, Some(&entry.counters)),
            &member,
            (&rules, self.clock().now()),
            result,
        );
        Ok(self.published(&member))
    }

    /// An endpoint's published status. A breaker that the policy has turned off bars nobody.
    pub(super) fn published(&self, member: &Member) -> HealthStatus {
        let ignored = self.lock_policy().breaker.ignored();
        member.state.status().without(ignored).health()
    }

    #[cfg(feature = "runtime")]
    fn check_members(&self, provider: &str, members: Vec<Member>) -> Result<()> {
        let checker = self.inner.background.checker.clone();
        let provider = provider.to_owned();
        super::runtime::wait_for(async move { checker.check_all(&provider, &members).await })?;
        Ok(())
    }
}
