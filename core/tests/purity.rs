//! Without its feature `runtime`, core is the pure decision engine: no I/O crate in its tree, and
//! no source file that starts a thread, opens a file or a socket.
//!
//! That lets it run where neither exists, and makes every decision testable without waiting.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Crates that do I/O or start threads; what needs one of them belongs to `runtime`.
const FORBIDDEN: &[&str] =
    &["hyper", "mio", "nix", "reqwest", "ring", "rustls", "socket2", "tokio", "tower"];

/// What starts threads, or reaches the file system, the network or other processes.
const OUTSIDE: &[&str] = &[
    "thread::spawn",
    "thread::Builder",
    "thread::scope",
    ".spawn(",
    "spawn_blocking",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process::Command",
    "std::env::var",
];

#[test]
fn without_runtime_no_crate_of_the_tree_does_io() {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "-p", "libfailover", "--no-default-features"])
        .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let crates: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split_whitespace().next()).collect();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(crates.contains("arc-swap"), "the tree was read: {text}");
    let forbidden: Vec<_> = FORBIDDEN.iter().filter(|name| crates.contains(**name)).collect();
    assert!(forbidden.is_empty(), "{forbidden:?} without `runtime`");
}

#[test]
fn without_runtime_no_source_reaches_outside() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    check_folder(&source, &mut wrong);

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks the files of a folder, leaving out modules that only `runtime` brings.
fn check_folder(folder: &Path, wrong: &mut Vec<String>) {
    let root = ["mod.rs", "lib.rs"].map(|name| folder.join(name)).into_iter().find(|p| p.exists());
    let gated = root.map_or_else(BTreeSet::new, |root| gated_modules(&read(&root)));
    for entry in fs::read_dir(folder).expect("the source folder is readable") {
        let path = entry.expect("the entry is readable").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if gated.contains(name) {
            continue;
        }
        if path.is_dir() {
            check_folder(&path, wrong);
        } else {
            check_file(&path, wrong);
        }
    }
}

fn check_file(path: &Path, wrong: &mut Vec<String>) {
    let text = read(path);
    let own = text.split("\nmod tests {").next().unwrap_or_default();
    let mut is_gated = false;
    for line in own.lines() {
        let code = line.split("//").next().unwrap_or_default();
        // A gated item ends with its closing brace in the first column, or with its one line.
        if is_gate(code.trim()) && !code.starts_with(' ') {
            is_gated = true;
        }
        if let Some(what) = OUTSIDE.iter().find(|what| code.contains(**what))
            && !is_gated
        {
            wrong.push(format!("{}: {what} without `runtime`", path.display()));
        }
        let is_over = code.starts_with('}') || (!code.starts_with(' ') && code.ends_with(';'));
        is_gated &= !is_over;
    }
}

/// The modules whose `mod` line stands under the gate.
fn gated_modules(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let gated = lines.windows(2).filter(|pair| is_gate(pair[0])).filter_map(|pair| {
        let (_, name) = pair[1].split_once("mod ")?;
        Some(name.trim_end_matches(';').to_owned())
    });
    gated.collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a listed source file is readable")
}

/// True for what only `runtime` brings, or a feature that brings that itself.
fn is_gate(line: &str) -> bool {
    line.starts_with("#[cfg(feature = \"") && line.ends_with("\")]")
}
