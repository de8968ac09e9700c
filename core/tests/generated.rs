//! The generated pages are what the tables in core say.

use std::fs;
use std::path::Path;

#[expect(dead_code, reason = "its main writes what this test compares")]
#[path = "../examples/generate.rs"]
mod generate;

#[test]
fn the_reference_is_what_the_tables_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");

    for (name, text) in generate::pages() {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        let is_same = committed == text;
        assert!(is_same, "docs/reference/{name} is not what core's tables say: run `make gen`");
    }
}

#[test]
fn every_page_of_the_reference_is_generated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    let names: Vec<_> = generate::pages().into_iter().map(|(name, _)| name).collect();

    for entry in fs::read_dir(folder).expect("docs/reference is there") {
        let name = entry.expect("the entry is readable").file_name();
        assert!(names.iter().any(|known| name == *known), "{name:?} is written by hand");
    }
}
