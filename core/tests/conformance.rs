//! Runs the scenarios of `tests/conformance`: the contract made exact, on the manual clock.
//!
//! This is the runner for Rust; each language has its own, written from that folder's `README.md`.
//! Nothing but the public API is used, so what passes here is what a program can see.

#[path = "conformance/expect.rs"]
mod expect;
#[path = "conformance/perform.rs"]
mod perform;
#[path = "conformance/read.rs"]
mod read;
#[path = "conformance/shape.rs"]
mod shape;
#[path = "conformance/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shape::Shape;
use world::World;

#[test]
fn every_scenario_holds() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance");
    let room = room.canonicalize().expect("the room of the scenarios is there");
    let shape = Shape::new(json(&room.join("schema.json")).expect("the schema is JSON"));
    let shape = shape.expect("the schema knows the library's names");
    let mut files = Vec::new();
    list(&room.join("scenarios"), &mut files);
    files.sort();
    // A part of a path, to run some of them by hand.
    let only = std::env::var("CONFORMANCE").unwrap_or_default();
    files.retain(|file| file.to_string_lossy().contains(&only));

    let results: Vec<_> = files.iter().map(|file| run(&shape, file)).collect();

    let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    println!("conformance: scenarios={} failed={}", results.len(), failures.len());
    report_areas(&room.join("scenarios"), &files, &results);
    let report: Vec<_> = failures.iter().map(|failure| failure.as_str()).collect();
    assert!(failures.is_empty(), "\n\n{}\n", report.join("\n\n"));
    assert!(!results.is_empty(), "no scenario in {}", room.display());
    assert_eq!(results.len(), files.len(), "files found and scenarios run");
}

/// Appends how many scenarios of each area passed and failed to the file that `FAILOVER_REPORT` names,
/// for the table of all runners.
fn report_areas(scenarios: &Path, files: &[PathBuf], results: &[Result<(), String>]) {
    let Ok(target) = std::env::var("FAILOVER_REPORT") else { return };
    let mut areas: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for (file, result) in files.iter().zip(results) {
        let inside = file.strip_prefix(scenarios).expect("a scenario lies in their folder");
        let area = inside.iter().next().expect("a scenario has an area");
        let counts = areas.entry(area.to_string_lossy().into_owned()).or_default();
        counts[usize::from(result.is_err())] += 1;
    }
    let mut report =
        fs::OpenOptions::new().append(true).create(true).open(target).expect("a report");
    for (area, [passed, failed]) in areas {
        writeln!(report, "rust\t{area}\t{passed}\t{failed}").expect("a line of the report");
    }
}

/// All files below `folder`; anything that is not a scenario's file is listed too, and then fails.
fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of scenarios is readable");
    for entry in entries {
        let path = entry.expect("a folder's entry is readable").path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn run(shape: &Shape, file: &Path) -> Result<(), String> {
    let place = |what: String| format!("{}\n  {what}", file.display());
    let scenario = json(file).map_err(place)?;
    shape.check(&scenario).map_err(place)?;
    let said = |what: &str| {
        let text = |name: &str| scenario[name].as_str().unwrap_or_default();
        place(format!("name: {}\n  why:  {}\n  {what}", text("name"), text("why")))
    };
    let mut world = World::new(&scenario).map_err(|what| said(&what))?;
    for (number, step) in scenario["steps"].as_array().into_iter().flatten().enumerate() {
        let done = match step.get("do") {
            Some(_) => perform::perform(&mut world, step),
            None => expect::expect(&world, step),
        };
        done.map_err(|what| said(&format!("step {}: {step}\n  {what}", number + 1)))?;
    }
    expect::end(&world, &scenario["then"]).map_err(|what| said(&format!("then: {what}")))
}

fn json(file: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
