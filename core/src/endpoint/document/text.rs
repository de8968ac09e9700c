//! From the bytes of a document to its value: JSON or TOML, with a limit on the size.
//!
//! Size is judged before parsing, because parsing is what costs memory. Syntax errors carry line
//! and column, and nothing of the document itself, which may hold secrets.

use serde_json::{Map, Number, Value};

use super::unique::Unique;
use crate::error::{Error, ErrorKind, Fault, Result};

/// How a document is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JSON (RFC 8259).
    #[default]
    Json,
    /// TOML 1.0.
    Toml,
}

impl Format {
    /// The format that a file's name says: TOML for `.toml`, else JSON.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let is_toml = std::path::Path::new(path)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
        if is_toml { Self::Toml } else { Self::Json }
    }
}

/// Largest document in bytes; a larger one is refused before parsing.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// Reads a document's value; syntax errors are of `kind`.
pub(crate) fn read(text: &str, format: Format, kind: ErrorKind) -> Result<Value> {
    if text.len() > MAX_DOCUMENT_BYTES {
        let message = format!(
            "the document must be at most {MAX_DOCUMENT_BYTES} bytes (64 MiB), got {} bytes",
            text.len()
        );
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    let value = match format {
        Format::Json => read_json(text),
        Format::Toml => read_toml(text),
    };
    value
        .map_err(|expected| Error::from_faults(kind, vec![Fault { path: String::new(), expected }]))
}

fn read_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map(|Unique(value)| value).map_err(|error| {
        let whole = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let said = whole.strip_suffix(&place).unwrap_or(&whole);
        format!("invalid JSON at line {}, column {}: {said}", error.line(), error.column())
    })
}

fn read_toml(text: &str) -> Result<Value, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        let said = error.message().trim_end().replace('\n', ", ");
        format!("invalid TOML at line {line}, column {column}: {said}")
    })?;
    Ok(from_toml(toml::Value::Table(table)))
}

/// Line and column, from 1, of a byte offset.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// The same value as JSON has it. Dates become text, and so do NaN and the infinities, which no
/// option accepts.
fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(list) => list.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => {
            let entries = table.into_iter().map(|(key, value)| (key, from_toml(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, format: Format) -> String {
        read(text, format, ErrorKind::InvalidConfig).expect_err(text).to_string()
    }

    #[test]
    fn syntax_errors_carry_line_and_column() {
        assert!(
            fault("{\n  \"a\": ,\n}", Format::Json)
                .starts_with("invalid JSON at line 2, column 8: ")
        );
        assert!(
            fault("a = 1\nb = = 2\n", Format::Toml).starts_with("invalid TOML at line 2, column 5")
        );
    }

    #[test]
    fn both_formats_give_the_same_value() {
        let json =
            read(r#"{"a": {"b": [1, 2.5, true, "x"]}}"#, Format::Json, ErrorKind::InvalidConfig);
        let toml = read("[a]\nb = [1, 2.5, true, \"x\"]", Format::Toml, ErrorKind::InvalidConfig);

        assert_eq!(json.expect("valid JSON"), toml.expect("valid TOML"));
    }

    #[test]
    fn a_document_over_the_limit_is_refused_before_parsing() {
        let text = "x".repeat(MAX_DOCUMENT_BYTES + 1);

        let error = read(&text, Format::Json, ErrorKind::InvalidConfig).expect_err("too large");

        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        assert_eq!(Format::of_path("/etc/a.TOML"), Format::Toml);
        assert_eq!(Format::of_path("/etc/toml"), Format::Json);
    }
}
