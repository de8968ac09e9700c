//! One option of a document as data: name, kind, default, since when, meaning.
//!
//! Reading, checking, the JSON Schema and the reference all follow from the same rows, so an
//! option cannot be understood by one and unknown to another.

use std::time::Duration;

/// One option.
#[derive(Debug)]
pub(crate) struct Row {
    /// The key in its object.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// What holds when it is absent.
    pub(crate) preset: Preset,
    /// The release that brought it.
    pub(crate) since: &'static str,
    /// Meaning, unit, what 0 means and what goes wrong at either end, as Markdown.
    pub(crate) meaning: &'static str,
}

/// What an option may hold.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Text such as `250ms`.
    Duration { min: Duration, max: Duration },
    /// A whole number.
    Integer { min: u64, max: u64 },
    /// 1 to 65535, or 0 where none is needed.
    Port,
    /// A number from `min` to `max`, both included.
    Number { min: f64, max: f64 },
    /// A number above 0 and up to 1.
    Share,
    /// True or false.
    Flag,
    /// Text of so many bytes.
    Text { min: usize, max: usize },
    /// One of the names; the reserved ones are for a later release.
    Choice { names: &'static [&'static str], reserved: &'static [&'static str] },
    /// Text that is never shown.
    Secret,
    /// A map from header name to text that is never shown.
    Secrets,
    /// A map from endpoint id to weight.
    Weights,
    /// A map from text to text.
    Labels,
    /// A list of text.
    Texts,
    /// A list of HTTP statuses and ranges: 204, `200-299`.
    Statuses,
    /// A point in time as RFC 3339.
    WallTime,
    /// Any object, kept as it is.
    Any,
    /// An object with these options.
    Section(&'static [Row]),
    /// A map from name to an object with these options.
    Sections(&'static [Row]),
    /// A name reserved for a later release.
    Reserved,
}

/// What holds when an option is absent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Preset {
    /// The document is refused.
    Required,
    /// Nothing; the text says what that means.
    Absent(&'static str),
    /// This value, as JSON.
    Is(&'static str),
    /// The manager's option of this name.
    Manager(&'static str),
}

impl Row {
    /// Makes a row of the first release.
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        preset: Preset,
        meaning: &'static str,
    ) -> Self {
        Self { name, kind, preset, since: "0.1.0", meaning }
    }

    /// Makes the row of an object; absent, its options have their defaults.
    pub(crate) const fn section(
        name: &'static str,
        rows: &'static [Self],
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Kind::Section(rows), Preset::Is("{}"), meaning)
    }

    /// Makes the row of a name that a later release will understand.
    pub(crate) const fn reserved(name: &'static str, meaning: &'static str) -> Self {
        Self::new(name, Kind::Reserved, Preset::Absent("not available yet"), meaning)
    }
}

impl Kind {
    /// A duration from `min` to `max`.
    pub(crate) const fn duration(min: Duration, max: Duration) -> Self {
        Self::Duration { min, max }
    }

    /// A whole number from `min` to `max`.
    pub(crate) const fn integer(min: u64, max: u64) -> Self {
        Self::Integer { min, max }
    }

    /// One of the names.
    pub(crate) const fn choice(names: &'static [&'static str]) -> Self {
        Self::Choice { names, reserved: &[] }
    }

    /// Text of 1 to `max` bytes.
    pub(crate) const fn text(max: usize) -> Self {
        Self::Text { min: 1, max }
    }
}
