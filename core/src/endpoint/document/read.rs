//! Typed reading of an object that was checked and filled: nothing is left to refuse here.
//!
//! A value that is absent reads as the type's zero. It cannot be: the rows give a default, which
//! the test of the defaults proves.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::duration;

/// A checked object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Reader<'a> {
    /// The section of this name.
    pub(crate) fn section(self, name: &str) -> Option<Self> {
        self.0.get(name).and_then(Value::as_object).map(Reader)
    }

    /// The text, if it is there.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A copy of the text, if it is there.
    pub(crate) fn owned(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The duration.
    pub(crate) fn duration(self, name: &str) -> Duration {
        self.some_duration(name).unwrap_or_default()
    }

    /// The duration, if it is there.
    pub(crate) fn some_duration(self, name: &str) -> Option<Duration> {
        self.text(name).and_then(|text| duration::parse(text).ok())
    }

    /// The whole number.
    pub(crate) fn integer<T: TryFrom<u64> + Default>(self, name: &str) -> T {
        self.some_integer(name).unwrap_or_default()
    }

    /// The whole number, if it is there.
    pub(crate) fn some_integer<T: TryFrom<u64>>(self, name: &str) -> Option<T> {
        self.0.get(name).and_then(Value::as_u64).and_then(|number| T::try_from(number).ok())
    }

    /// The number.
    pub(crate) fn number(self, name: &str) -> f64 {
        self.some_number(name).unwrap_or_default()
    }

    /// The number, if it is there.
    pub(crate) fn some_number(self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// True or false.
    pub(crate) fn flag(self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The map, with its values made by `make`.
    pub(crate) fn map<T>(
        self,
        name: &str,
        make: impl Fn(&'a Value) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let entries = self.0.get(name).and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), make(value)?))).collect()
    }

    /// The map of text.
    pub(crate) fn labels(self, name: &str) -> BTreeMap<String, String> {
        self.map(name, |value| value.as_str().map(str::to_owned))
    }

    /// The list.
    pub(crate) fn list(self, name: &str) -> &'a [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}
