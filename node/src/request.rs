//! What one request wants, read from the text that the package writes.
//!
//! The package checks types before; what is wrong here all the same is an error that names the key.

use std::time::Duration;

use failover::balance::Filter;
use failover::execute::PoolCore;
use failover::{EndpointId, Error, ErrorKind, Request, Result, duration};
use serde_json::Value;

/// Reads a request for a pool, among whose endpoints `endpoint` and `exclude` name theirs.
pub(crate) fn read(text: &str, core: &PoolCore) -> Result<Request> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| wrong("request", &error.to_string()))?;
    let mut request = Request::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        request = match key.as_str() {
            "key" => request.key(word(key, value)?),
            "session" => request.session(word(key, value)?),
            "client_ip" => request.client_ip(word(key, value)?),
            "zone" => request.zone(word(key, value)?),
            "region" => request.region(word(key, value)?),
            "scope" => request.scope(word(key, value)?)?,
            "position" => request.position(
                degrees("latitude", &value[0], 90.0)?,
                degrees("longitude", &value[1], 180.0)?,
            ),
            "filter" => request.filter(filter(value)?),
            "timeout" => request.timeout(time(key, value)?),
            "idempotent" => request.idempotent(flag(key, value)?),
            "nested" => request.nested(flag(key, value)?),
            "endpoint" => request.endpoint(number(core, word(key, value)?)?),
            "exclude" => {
                let ids = value.as_array().ok_or_else(|| wrong(key, "must be a list of ids"))?;
                let numbers: Result<Vec<_>> =
                    ids.iter().map(|id| number(core, word(key, id)?)).collect();
                request.exclude(&numbers?)
            }
            _ => return Err(wrong(key, "is not known")),
        };
    }
    Ok(request)
}

/// The number of an endpoint of the pool.
fn number(core: &PoolCore, id: &str) -> Result<EndpointId> {
    let snapshot = core.snapshot();
    let member = snapshot.members().iter().find(|member| *member.endpoint.id == *id);
    let unknown =
        || Error::new(ErrorKind::NotFound, format!("endpoint {id:?}: not in {}", core.name()));
    member.map(|member| member.id).ok_or_else(unknown)
}

fn filter(value: &Value) -> Result<Filter> {
    let mut filter = Filter::default();
    for (key, value) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "tags" => {
                let tags =
                    value.as_array().ok_or_else(|| wrong("filter.tags", "must be a list"))?;
                let tags: Result<Vec<_>> =
                    tags.iter().map(|tag| word("filter.tags", tag).map(str::to_owned)).collect();
                filter.tags = tags?;
            }
            "metadata" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let value = word("filter.metadata", value)?.to_owned();
                    filter.metadata.insert(name.clone(), value);
                }
            }
            _ => return Err(wrong("filter", "knows tags and metadata alone")),
        }
    }
    Ok(filter)
}

fn word<'a>(key: &str, value: &'a Value) -> Result<&'a str> {
    value.as_str().ok_or_else(|| wrong(key, "must be a text"))
}

fn flag(key: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong(key, "must be true or false"))
}

fn time(key: &str, value: &Value) -> Result<Duration> {
    duration::parse(word(key, value)?).map_err(|what| wrong(key, &what))
}

fn degrees(key: &str, value: &Value, most: f64) -> Result<f64> {
    let found = value.as_f64().filter(|found| found.abs() <= most);
    found.ok_or_else(|| wrong(key, &format!("must be within -{most} and {most} degrees")))
}

fn wrong(key: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("request.{key}: {what}"))
}
