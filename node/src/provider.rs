//! Providers by verb, as JavaScript has them; those of the program's own are asked on the loop.

use std::sync::Arc;
use std::time::Duration;

use failover::Endpoint;
use failover::discovery::{BoxFuture, Capabilities, Custom, Work as Asked};
use failover::endpoint::document::{self, Format, parse_list};
use napi::Result;
use napi_derive::napi;
use serde_json::{Value, json};

use crate::fault::thrown;
use crate::manager::{NativeManager, ms};
use crate::work::Work;

#[napi]
impl NativeManager {
    /// The names of the providers.
    #[napi(catch_unwind)]
    pub fn providers(&self) -> Vec<String> {
        self.manager.providers().iter().map(ToString::to_string).collect()
    }

    /// The provider that serves calls that name none.
    #[napi(catch_unwind)]
    pub fn default_provider(&self) -> Result<String> {
        let name = self.manager.default_provider().map_err(|error| thrown(&error))?;
        Ok(name.to_string())
    }

    /// How every provider is doing.
    #[napi(catch_unwind)]
    pub fn provider_info(&self) -> Result<String> {
        let shown = serde_json::to_string(&self.manager.provider_info());
        shown.map_err(|error| napi::Error::from_reason(error.to_string()))
    }

    /// Registers a provider that the library makes itself.
    #[napi(catch_unwind)]
    pub fn register_provider(&self, name: String, document: String) -> Result<()> {
        self.manager.register_provider_json(&name, &document).map_err(|error| thrown(&error))
    }

    /// Registers a provider whose sets the program publishes.
    #[napi(catch_unwind)]
    pub fn register_pushed(&self, name: String) -> Result<()> {
        self.manager.register_pushed_provider(&name).map_err(|error| thrown(&error))
    }

    /// Registers a provider of the program's own, which is asked. `able` names what it can do: `list`,
    /// `watch`, `register`, `authoritative`.
    #[napi(catch_unwind)]
    pub fn register_asked(&self, name: String, able: Vec<String>, poll_ms: f64) -> Result<()> {
        let has = |what: &str| able.iter().any(|one| one == what);
        let mut can = Capabilities::READ_ONLY;
        can.can_list = has("list");
        can.can_watch = has("watch");
        can.can_register = has("register");
        can.is_authoritative = has("authoritative");
        let (work, provider) = (Arc::clone(&self.work), name.clone());
        let mut custom =
            Custom::asking(can, Arc::new(move |asked| answer(&work, &provider, &asked)));
        if poll_ms > 0.0 {
            custom = custom.with_poll_interval(ms(poll_ms));
        }
        let registered = self.manager.register_provider(&name, Arc::new(custom));
        registered.map_err(|error| thrown(&error))
    }

    /// Removes a provider.
    #[napi(catch_unwind)]
    pub fn deregister_provider(&self, name: String) -> Result<()> {
        self.manager.deregister_provider(&name).map_err(|error| thrown(&error))
    }

    /// Replaces a provider's whole set.
    #[napi(catch_unwind)]
    pub fn publish(&self, provider: Option<String>, endpoints: String) -> Result<()> {
        let published = parse_list(&endpoints, Format::Json)
            .and_then(|endpoints| self.manager.publish(provider.as_deref(), endpoints));
        published.map_err(|error| thrown(&error))
    }
}

/// Hands a provider's work to the program.
fn answer(
    work: &Arc<Work>,
    provider: &str,
    asked: &Asked,
) -> BoxFuture<'static, failover::Result<Vec<Endpoint>>> {
    let (verb, subject) = match asked {
        Asked::List => ("list", Value::Null),
        Asked::Watch => ("watch", Value::Null),
        Asked::Unwatch => {
            work.tell(json!({ "kind": "provider", "verb": "unwatch", "provider": provider }));
            return Box::pin(async { Ok(Vec::new()) });
        }
        Asked::Register(endpoint) => ("register", document::to_json(endpoint)),
        Asked::Update(endpoint) => ("update", document::to_json(endpoint)),
        Asked::Deregister(id) => ("deregister", id.as_str().into()),
        _ => ("ping", Value::Null),
    };
    let question =
        json!({ "kind": "provider", "verb": verb, "provider": provider, "subject": subject });
    // A watch may go on for as long as it likes before it says that it began.
    let time = if verb == "watch" { Duration::MAX } else { PROVIDER_TIME };
    let answer = work.ask(question, time);
    let is_list = matches!(asked, Asked::List);
    Box::pin(async move {
        let told = answer.await?;
        if is_list { parse_list(&told.to_string(), Format::Json) } else { Ok(Vec::new()) }
    })
}

/// How long the program has for a piece of a provider's work.
const PROVIDER_TIME: Duration = Duration::from_secs(10);
