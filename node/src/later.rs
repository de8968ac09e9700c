//! Verbs that wait: they run on a thread of the host's pool, and JavaScript gets a promise.
//!
//! While one is under way the process stays alive, as for any other promise of the host.

use std::panic::{AssertUnwindSafe, catch_unwind};

use failover::{Error, ErrorKind, Result};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};

use crate::fault::thrown;

type Run = Box<dyn FnOnce() -> Result<String> + Send>;

/// One verb that waits.
#[expect(missing_debug_implementations, reason = "only the host holds one")]
pub struct Later(Option<Run>);

/// Makes the promise of a verb that waits.
pub(crate) fn later(run: impl FnOnce() -> Result<String> + Send + 'static) -> AsyncTask<Later> {
    AsyncTask::new(Later(Some(Box::new(run))))
}

impl Task for Later {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        let broken = || Error::new(ErrorKind::Panic, "a defect of the library was caught");
        let run = self.0.take().ok_or_else(|| thrown(&broken()))?;
        let ended = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(broken()));
        ended.map_err(|error| thrown(&error))
    }

    fn resolve(&mut self, _env: Env, output: String) -> napi::Result<String> {
        Ok(output)
    }
}
