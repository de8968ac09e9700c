//! The Python binding: the engine as the extension module `failover._failover`.
//!
//! It wraps core directly and decides nothing: what a program sees (dataclasses, exceptions, the async
//! driver) is in the Python package beside it, what is here converts and drives. Two rules hold
//! everywhere. No native thread ever attaches to the interpreter: what the engine wants of the program
//! is a queue that a Python thread or loop drains (`work`). And whatever can block does so detached,
//! in slices, so that other threads go on and Ctrl-C is heard (`wait`).
mod begin;
mod bell;
mod call;
mod endpoint;
mod error;
mod events;
mod execute;
mod fork;
mod json;
mod lease;
mod logs;
mod manager;
mod nest;
mod past;
mod pool;
mod request;
mod result;
mod wait;
mod work;

use pyo3::prelude::*;

/// The native half of the package `failover`.
#[pymodule(gil_used = false)]
mod _failover {
    #[pymodule_export]
    use super::call::Call;
    #[pymodule_export]
    use super::events::EventQueue;
    #[pymodule_export]
    use super::lease::Lease;
    #[pymodule_export]
    use super::logs::LogQueue;
    #[pymodule_export]
    use super::manager::Manager;
    #[pymodule_export]
    use super::nest::current_attempt;
    #[pymodule_export]
    use super::pool::Pool;
    #[pymodule_export]
    use super::request::Request;
    #[pymodule_export]
    use super::result::FailoverResult;
    #[pymodule_export]
    use super::wait::leave;
    #[pymodule_export]
    use super::work::{WorkItem, WorkQueue};

    #[pymodule_init]
    fn init(_module: &super::Bound<'_, super::PyModule>) -> super::PyResult<()> {
        super::fork::register_hooks();
        Ok(())
    }
}
