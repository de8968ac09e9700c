//! Every option once: path, type, range, default, since, meaning.
//!
//! Rows are data. Reading follows them, and the schema and the reference are made from them, so
//! adding an option is adding a row (and the field that it fills).
mod manager;
mod policy;
mod section;

pub(crate) use manager::MANAGER;
pub(crate) use policy::POLICY;

use std::time::Duration;

use crate::endpoint::document::Kind;

/// The shortest time that an option may ask a timer for.
const MILLISECOND: Duration = Duration::from_millis(1);
/// No wait of the engine is longer than a day: it would never be seen to end.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A time limit: at least a millisecond, since less ends before anything can happen.
const LIMIT: Kind = Kind::duration(MILLISECOND, DAY);
/// A wait that may be left out with 0.
const WAIT: Kind = Kind::duration(Duration::ZERO, DAY);
/// A share by which a time is moved at random.
const JITTER: Kind = Kind::Number { min: 0.0, max: 0.5 };

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::endpoint::document::{ENDPOINT, Preset, Row, check};

    fn every_row(rows: &'static [Row], seen: &mut Vec<&'static Row>) {
        for row in rows {
            seen.push(row);
            if let Kind::Section(rows) | Kind::Sections(rows) = &row.kind {
                every_row(rows, seen);
            }
        }
    }

    #[test]
    fn each_default_passes_its_own_check() {
        for rows in [POLICY, MANAGER, ENDPOINT] {
            let mut seen = Vec::new();
            every_row(rows, &mut seen);
            for row in seen {
                let Preset::Is(text) = row.preset else { continue };
                let value: Value = serde_json::from_str(text).expect(text);
                let document =
                    Value::Object([(row.name.to_owned(), value.clone())].into_iter().collect());
                let mut faults = Vec::new();

                let checked = check(std::slice::from_ref(row), &document, "", &mut faults);

                assert_eq!(faults, [], "{}", row.name);
                assert_eq!(checked.get(row.name), Some(&value), "{} is canonical", row.name);
            }
        }
    }

    #[test]
    fn each_option_is_explained() {
        for rows in [POLICY, MANAGER, ENDPOINT] {
            let mut seen = Vec::new();
            every_row(rows, &mut seen);
            for row in seen {
                assert!(row.meaning.ends_with('.'), "{}: {}", row.name, row.meaning);
                assert!(
                    !row.meaning.contains(['|', '\n']),
                    "{} breaks the Markdown table",
                    row.name
                );
            }
        }
    }
}
