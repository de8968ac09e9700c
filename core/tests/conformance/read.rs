//! Values of a scenario, typed; a wrong type fails the scenario and is never skipped.

use std::time::Duration;

use failover::balance::Filter;
use failover::endpoint::document::{Format, parse};
use failover::{Endpoint, EndpointId, Error, Outcome, Pool, Request};
use serde_json::Value;

/// A text.
pub(crate) fn text<'a>(step: &'a Value, key: &str) -> Result<&'a str, String> {
    step[key].as_str().ok_or_else(|| format!("{key}: must be a text"))
}

/// A text that may be absent.
pub(crate) fn some_text<'a>(step: &'a Value, key: &str) -> Result<Option<&'a str>, String> {
    step.get(key).map(|_| text(step, key)).transpose()
}

/// A list of texts.
pub(crate) fn texts(step: &Value, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("{key}: must be a list of texts");
    let list = step[key].as_array().ok_or_else(wrong)?;
    list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// A time in nanoseconds.
pub(crate) fn time(step: &Value, key: &str) -> Result<u64, String> {
    Ok(duration(step, key)?.as_nanos().try_into().unwrap_or(u64::MAX))
}

/// A time in nanoseconds, 0 if absent.
pub(crate) fn some_time(step: &Value, key: &str) -> Result<u64, String> {
    step.get(key).map_or(Ok(0), |_| time(step, key))
}

/// A duration.
pub(crate) fn duration(step: &Value, key: &str) -> Result<Duration, String> {
    failover::duration::parse(text(step, key)?).map_err(|what| format!("{key}: {what}"))
}

/// A whole number.
pub(crate) fn number(step: &Value, key: &str) -> Result<u64, String> {
    step[key].as_u64().ok_or_else(|| format!("{key}: must be a whole number"))
}

/// True or false.
pub(crate) fn flag(step: &Value, key: &str) -> Result<bool, String> {
    step[key].as_bool().ok_or_else(|| format!("{key}: must be true or false"))
}

/// An outcome.
pub(crate) fn outcome(step: &Value, key: &str) -> Result<Outcome, String> {
    let name = text(step, key)?;
    Outcome::from_name(name).ok_or_else(|| format!("{key}: unknown outcome {name:?}"))
}

/// An endpoint's document, as the library reads it.
pub(crate) fn endpoint(document: &Value) -> Result<Endpoint, Error> {
    parse(&document.to_string(), Format::Json)
}

/// A request. Endpoints are named by their ids among those of `pool`.
pub(crate) fn request(value: Option<&Value>, pool: &Pool) -> Result<Request, String> {
    let Some(value) = value else { return Ok(Request::new()) };
    let mut request = Request::new();
    for key in value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()) {
        request = match key {
            "key" => request.key(text(value, key)?),
            "session" => request.session(text(value, key)?),
            "client_ip" => request.client_ip(text(value, key)?),
            "zone" => request.zone(text(value, key)?),
            "region" => request.region(text(value, key)?),
            "scope" => request.scope(text(value, key)?).map_err(|error| error.to_string())?,
            "latitude" => request.position(degrees(value, key)?, degrees(value, "longitude")?),
            "longitude" => request,
            "filter" => request.filter(filter(&value[key])?),
            "timeout" => request.timeout(duration(value, key)?),
            "idempotent" => request.idempotent(flag(value, key)?),
            "nested" => request.nested(flag(value, key)?),
            "exclude" => {
                let ids: Result<Vec<_>, _> =
                    texts(value, key)?.iter().map(|id| find(pool, id)).collect();
                request.exclude(&ids?)
            }
            "endpoint" => request.endpoint(find(pool, text(value, key)?)?),
            _ => return Err(format!("request: unknown key {key:?}")),
        };
    }
    Ok(request)
}

/// The number of an endpoint of a pool.
pub(crate) fn find(pool: &Pool, id: &str) -> Result<EndpointId, String> {
    let snapshot = pool.snapshot();
    let member = snapshot.members().iter().find(|member| *member.endpoint.id == *id);
    member.map(|member| member.id).ok_or_else(|| format!("endpoint {id:?}: not in {}", pool.name()))
}

fn filter(value: &Value) -> Result<Filter, String> {
    let mut filter = Filter::default();
    if value.get("tags").is_some() {
        filter.tags = texts(value, "tags")?;
    }
    for (key, _) in value["metadata"].as_object().into_iter().flatten() {
        filter.metadata.insert(key.clone(), text(&value["metadata"], key)?.to_owned());
    }
    Ok(filter)
}

fn degrees(value: &Value, key: &str) -> Result<f64, String> {
    value[key].as_f64().ok_or_else(|| format!("{key}: must be a number of degrees"))
}
