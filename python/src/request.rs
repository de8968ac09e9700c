//! What one request wants of its endpoint, as options of a verb or as an object that is made once.

use std::time::Duration;

use failover::balance::Filter;
use failover::endpoint::Snapshot;
use failover::{EndpointId, ErrorKind, duration};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error::{Raise, refuse};
use crate::pool::PoolInner;

/// What one request wants of its endpoint. Made once and used for many calls, it saves reading the
/// options again.
#[derive(Debug, Default)]
#[pyclass(frozen, module = "failover")]
pub(crate) struct Request {
    plain: failover::Request,
    endpoint: Option<String>,
    excluded: Vec<String>,
}

/// What a call was asked, read for one pool.
#[derive(Debug, Default)]
pub(crate) struct Asked<'py> {
    pub(crate) request: failover::Request,
    /// The caller's own classifier.
    pub(crate) classify: Option<Bound<'py, PyAny>>,
}

#[pymethods]
impl Request {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut made = Self::default();
        for (name, value) in options.into_iter().flatten() {
            made.set(py, name.cast::<PyString>()?.to_cow()?.as_ref(), &value)?;
        }
        Ok(made)
    }
}

impl Request {
    fn set(&mut self, py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if value.is_none() {
            return Ok(());
        }
        let text = || value.extract::<String>();
        let plain = std::mem::take(&mut self.plain);
        self.plain = match name {
            "key" => plain.key(&text()?),
            "session" => plain.session(&text()?),
            "client_ip" => plain.client_ip(&text()?),
            "zone" => plain.zone(&text()?),
            "region" => plain.region(&text()?),
            "scope" => plain.scope(&text()?).or_raise(py)?,
            "position" => {
                let (latitude, longitude) = value.extract()?;
                plain.position(latitude, longitude)
            }
            "filter" => plain.filter(filter(py, value)?),
            "timeout" => plain.timeout(time(py, name, value)?),
            "idempotent" => plain.idempotent(value.extract()?),
            "nested" => plain.nested(value.extract()?),
            "endpoint" => {
                self.endpoint = Some(id_of(value)?);
                plain
            }
            "exclude" => {
                let ids: PyResult<Vec<_>> = value.try_iter()?.map(|one| id_of(&one?)).collect();
                self.excluded = ids?;
                plain
            }
            _ => {
                let text = format!("unexpected option {name:?} of a request");
                return Err(PyTypeError::new_err(text));
            }
        };
        Ok(())
    }

    fn resolved(&self, py: Python<'_>, pool: &PoolInner) -> PyResult<failover::Request> {
        let mut request = self.plain.clone();
        if let Some(id) = &self.endpoint {
            let found = find(pool, id).ok_or_else(|| {
                let text = format!("endpoint {id:?}: not in {}", pool.pool.name());
                refuse(py, ErrorKind::NotFound, &text)
            })?;
            request = request.endpoint(found);
        }
        // One that is gone is left out anyway.
        let excluded: Vec<_> = self.excluded.iter().filter_map(|id| find(pool, id)).collect();
        Ok(request.exclude(&excluded))
    }
}

/// Reads the options of a verb; `request` among them is what they are laid over.
pub(crate) fn read<'py>(
    py: Python<'py>,
    pool: &PoolInner,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Asked<'py>> {
    match options {
        None => Ok(Asked::default()),
        Some(options) => read_options(py, pool, options),
    }
}

#[cold]
fn read_options<'py>(
    py: Python<'py>,
    pool: &PoolInner,
    options: &Bound<'py, PyDict>,
) -> PyResult<Asked<'py>> {
    let mut own = Request::default();
    let mut base = None;
    let mut classify = None;
    for (name, value) in options {
        match name.cast::<PyString>()?.to_cow()?.as_ref() {
            "classify" => classify = Some(value).filter(|value| !value.is_none()),
            "request" if value.is_none() => {}
            "request" => base = Some(value.cast_into::<Request>()?),
            name => own.set(py, name, &value)?,
        }
    }
    let request = match base {
        None => own.resolved(py, pool)?,
        Some(base) if options.len() == 1 + usize::from(classify.is_some()) => {
            base.get().resolved(py, pool)?
        }
        Some(_) => {
            let text = "request: can't be given together with options of its own";
            return Err(PyTypeError::new_err(text));
        }
    };
    Ok(Asked { request, classify })
}

/// A duration as Python writes it: seconds, a `timedelta`, or text with a unit.
pub(crate) fn time(py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let wrong = |what: &str| refuse(py, ErrorKind::InvalidArgument, &format!("{name}: {what}"));
    if let Ok(text) = value.cast::<PyString>() {
        return duration::parse(text.to_cow()?.as_ref()).map_err(|what| wrong(&what));
    }
    let seconds: f64 = match value.extract() {
        Ok(seconds) => seconds,
        Err(_) => {
            value.call_method0("total_seconds").and_then(|all| all.extract()).map_err(|_| {
                wrong("must be seconds, a timedelta, or text with a unit such as \"250ms\"")
            })?
        }
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong("must be 0 or more, and finite"))
}

fn filter(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Filter> {
    let mut filter = Filter::default();
    for (name, value) in value.cast::<PyDict>()? {
        match name.cast::<PyString>()?.to_cow()?.as_ref() {
            "tags" => filter.tags = value.extract()?,
            "metadata" => filter.metadata = value.extract()?,
            name => {
                let text = format!("filter: unknown key {name:?}");
                return Err(refuse(py, ErrorKind::InvalidArgument, &text));
            }
        }
    }
    Ok(filter)
}

/// The id of an endpoint that is given as such or by its id.
pub(crate) fn id_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(text.to_cow()?.into_owned()),
        Err(_) => value.getattr("id")?.extract(),
    }
}

/// The number of an endpoint of a pool.
pub(crate) fn find(pool: &PoolInner, id: &str) -> Option<EndpointId> {
    let snapshot = pool.core.snapshot();
    snapshot.members().iter().find(|member| *member.endpoint.id == *id).map(|member| member.id)
}

/// The number of an endpoint that a program chose among candidates.
pub(crate) fn find_among(
    snapshot: &Snapshot,
    candidates: &[EndpointId],
    chosen: &Bound<'_, PyAny>,
) -> PyResult<EndpointId> {
    let id = id_of(chosen)?;
    let members = snapshot.members().iter();
    let named: Vec<_> =
        members.filter(|one| *one.endpoint.id == *id).map(|member| member.id).collect();
    let found = named.iter().find(|number| candidates.contains(number));
    // One that is no candidate is the machine's to refuse.
    found.or_else(|| named.first()).copied().ok_or_else(|| {
        let text = format!("endpoint {id:?}: not among the candidates");
        refuse(chosen.py(), ErrorKind::InvalidArgument, &text)
    })
}
