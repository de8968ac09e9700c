//! Where endpoints come from: providers, and the guard that keeps their mistakes from the pools.
#[cfg(feature = "runtime")]
mod answer;
mod background;
#[cfg(feature = "runtime")]
mod backoff;
#[cfg(feature = "consul")]
pub mod consul;
mod custom;
#[cfg(feature = "dns")]
#[cfg(feature = "runtime")]
mod dns;
#[cfg(feature = "runtime")]
mod file;
mod guard;
mod info;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod memory;
#[cfg(feature = "runtime")]
mod one_service;
mod provider;
mod state;
#[cfg(feature = "runtime")]
mod task;
mod update;

pub use background::Background;
#[cfg(feature = "consul")]
pub use consul::Consul;
pub use custom::{Ask, Custom, Work};
#[cfg(feature = "dns")]
pub use dns::{Dns, DnsOptions, DnsRecords, IpFamily};
#[cfg(feature = "runtime")]
pub use file::File;
pub use guard::{Guard, GuardRules};
pub use info::{ProviderInfo, ProviderStatus};
pub use memory::Memory;
#[cfg(feature = "runtime")]
pub(crate) use one_service::OneService;
pub use provider::{BoxFuture, Capabilities, Provider, Reading, Sink};
#[cfg(feature = "runtime")]
pub use task::Feed;
pub use update::Update;
pub(crate) use update::{check as check_set, check_one};
