//! Verbs that wait: they end on the library's own thread, and the loop is told by an item of work.
//!
//! No thread of the host's pool waits for them: it has four, which a check or a provider of the program's
//! own may need to answer.

use std::sync::Arc;

use failover::{Error, ErrorKind, Manager, Result};
use napi_derive::napi;
use serde_json::{Value, json};

use failover::endpoint::document::{Format, parse};

use crate::fault::shown;
use crate::manager::NativeManager;
use crate::work::Work;

/// Who waits for a verb's end; whoever drops it without one says that it is closed.
struct End {
    work: Arc<Work>,
    token: u32,
    is_told: bool,
}

impl End {
    fn tell(mut self, ended: Result<String>) {
        self.is_told = true;
        self.say(ended);
    }

    fn say(&self, ended: Result<String>) {
        let (is_good, text) = match ended {
            Ok(text) => (true, text),
            Err(error) => (false, shown(&error)),
        };
        let news = json!({ "kind": "end", "of": self.token, "is_good": is_good, "text": text });
        self.work.tell(news);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.is_told {
            self.say(Err(Error::new(ErrorKind::Closed, "background work has ended")));
        }
    }
}

#[napi]
impl NativeManager {
    /// Begins a verb that waits. Its end comes as an item of the kind `end`, with this number in `of`.
    #[napi(catch_unwind)]
    pub fn begin(&self, verb: String, provider: Option<String>, subject: String) -> u32 {
        let token = self.work.number();
        let end = End { work: Arc::clone(&self.work), token, is_told: false };
        begin(&self.manager, &verb, provider.as_deref(), &subject, end);
        token
    }
}

fn begin(manager: &Manager, verb: &str, provider: Option<&str>, subject: &str, end: End) {
    let verbs = manager.deferred();
    let unit = |ended: Result<()>| ended.map(|()| String::new());
    match verb {
        "healthCheck" => verbs.health_check(provider, subject, |found| {
            end.tell(found.map(|health| health.name().to_owned()));
        }),
        "healthCheckAll" => verbs.health_check_all(provider, |found| {
            end.tell(found.map(|all| {
                let all = all.iter().map(|(id, health)| (id.to_string(), health.name().into()));
                Value::Object(all.collect()).to_string()
            }));
        }),
        "deregister" => {
            verbs.deregister_endpoint(provider, subject, move |ended| end.tell(unit(ended)));
        }
        _ => match parse(subject, Format::Json) {
            Err(error) => end.tell(Err(error)),
            Ok(endpoint) if verb == "update" => {
                verbs.update_endpoint(provider, endpoint, move |ended| end.tell(unit(ended)));
            }
            Ok(endpoint) => {
                verbs.register_endpoint(provider, endpoint, move |ended| end.tell(unit(ended)));
            }
        },
    }
}
