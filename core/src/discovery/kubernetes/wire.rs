//! The two things an API server sends: a list, and the events of a watch.

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;
use super::refusal::Refusal;
use super::slices::{Metadata, Slice};

/// A list of slices with its version.
#[derive(Debug, PartialEq)]
pub(super) struct List {
    pub(super) version: String,
    pub(super) slices: Vec<Slice>,
}

/// What a watch tells.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// A slice is new or has changed.
    Put(Slice),
    /// A slice is gone, or is another service's now.
    Removed(Metadata),
    /// Nothing changed until this version.
    Bookmark(Metadata),
    /// The watch can't go on.
    Refused(Refusal),
}

/// Reads a list. Something else is never taken for an empty one: it may be a proxy's page.
///
/// # Errors
///
/// [`Failure::Garbled`] for anything that isn't a whole list of slices.
pub(super) fn list(body: &[u8]) -> Result<List, Failure> {
    let read: Listed = serde_json::from_slice(body).map_err(|error| garbled("list", &error))?;
    if read.kind != "EndpointSliceList" {
        return Err(Failure::Garbled("the answer is not a list of EndpointSlices".to_owned()));
    }
    if !read.metadata.more.is_empty() {
        return Err(Failure::Garbled("the list came in parts, which wasn't asked for".to_owned()));
    }
    let slices = read.items.unwrap_or_default();
    Ok(List { version: read.metadata.resource_version, slices })
}

/// Reads an event; nothing for one of a kind that is not known.
///
/// # Errors
///
/// [`Failure::Garbled`] for what isn't an event.
pub(super) fn event(line: &[u8]) -> Result<Option<Event>, Failure> {
    let read: Told = serde_json::from_slice(line).map_err(|error| garbled("event", &error))?;
    Ok(match &*read.kind {
        "ADDED" | "MODIFIED" => Some(Event::Put(read.object)),
        "DELETED" => Some(Event::Removed(read.object.metadata)),
        "BOOKMARK" => Some(Event::Bookmark(read.object.metadata)),
        "ERROR" => Some(Event::Refused(refusal(line))),
        _ => None,
    })
}

fn refusal(line: &[u8]) -> Refusal {
    let event: Value = serde_json::from_slice(line).unwrap_or_default();
    let status = event.get("object").map(ToString::to_string).unwrap_or_default();
    Refusal::read(500, status.as_bytes())
}

/// Where it can't be read, and nothing of what stands there.
fn garbled(what: &str, error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let text = match error.is_eof() {
        true => format!("the {what} was cut off after column {column} of line {line}"),
        false => format!("the {what} can't be read at line {line}, column {column}"),
    };
    Failure::Garbled(text)
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    kind: String,
    metadata: ListMetadata,
    items: Option<Vec<Slice>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    more: String,
}

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    object: Slice,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_of_slices_is_an_empty_list() {
        let empty =
            r#"{"kind": "EndpointSliceList", "metadata": {"resourceVersion": "7"}, "items": "#;
        for items in ["[]}", "null}"] {
            let read = list(format!("{empty}{items}").as_bytes()).expect("a list");

            assert_eq!(read, List { version: "7".to_owned(), slices: Vec::new() });
        }
        let others = [
            "",
            "{}",
            "[]",
            "null",
            "<html>",
            "{\"items\": []}",
            empty,
            r#"{"kind": "PodList", "metadata": {}, "items": []}"#,
            r#"{"kind": "EndpointSliceList", "items": []}"#,
            r#"{"kind": "EndpointSliceList", "metadata": {"continue": "x"}, "items": []}"#,
            r#"{"kind": "EndpointSliceList", "metadata": {}, "items": [{"endpoints": 1}]}"#,
        ];
        for body in others {
            let failure = list(body.as_bytes()).expect_err(body);

            assert!(matches!(failure, Failure::Garbled(_)), "{body}: {failure:?}");
        }
    }

    #[test]
    fn events_are_told_apart() {
        let event = |kind: &str, object: &str| {
            event(format!(r#"{{"type": "{kind}", "object": {object}}}"#).as_bytes())
        };
        let object = r#"{"metadata": {"name": "a", "resourceVersion": "8"}}"#;
        let metadata = Metadata { name: "a".to_owned(), resource_version: "8".to_owned() };
        let slice = Slice { metadata: metadata.clone(), ..Slice::default() };

        assert_eq!(event("ADDED", object), Ok(Some(Event::Put(slice.clone()))));
        assert_eq!(event("MODIFIED", object), Ok(Some(Event::Put(slice))));
        assert_eq!(event("DELETED", object), Ok(Some(Event::Removed(metadata.clone()))));
        assert_eq!(event("BOOKMARK", object), Ok(Some(Event::Bookmark(metadata))));
        assert_eq!(event("SOMETHING", object), Ok(None));
        let status = r#"{"kind": "Status", "metadata": {}, "status": "Failure", "code": 410}"#;
        let Ok(Some(Event::Refused(refusal))) = event("ERROR", status) else {
            panic!("a refusal");
        };
        assert!(refusal.is_expired());
        assert!(event("ADDED", "7").is_err());
    }

    #[test]
    fn what_was_cut_off_is_said_to_be_and_not_shown() {
        let cut = br#"{"kind": "EndpointSliceList", "metadata": {"resourceVersion": "s3cret"#;
        let failure = list(cut).expect_err("half of it");

        let Failure::Garbled(text) = failure else { panic!("garbled") };
        assert_eq!(text, "the list was cut off after column 69 of line 1");
    }
}
