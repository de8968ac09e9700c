//! The layers hold: a module uses only those below it.
//!
//! The order is the one that ARCHITECTURE.md explains. Links in comments are free to point upwards.

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. A module may use any module above its own line in this list.
const LAYERS: &[&str] = &[
    "error",
    "sync",
    "lock",
    "clock",
    "answer",
    "rng",
    "secret",
    "duration",
    "stats",
    "endpoint",
    "events",
    "discovery",
    "outlier",
    "health",
    "balance",
    "execute",
    "config",
    "manager",
];

#[test]
fn no_module_uses_one_above_it() {
    let mut wrong = Vec::new();
    for (file, module) in source_files() {
        let level = level_of(&module);
        for used in used_modules(&read(&file), depth(&file)) {
            if level_of(&used) > level {
                wrong.push(format!("{} uses crate::{used}", file.display()));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_top_level_module_has_its_layer() {
    let modules: Vec<String> = source_files().into_iter().map(|(_, module)| module).collect();

    for module in &modules {
        assert!(level_of(module).is_some(), "{module} is missing in LAYERS");
    }
    for layer in LAYERS {
        assert!(modules.iter().any(|module| module == layer), "{layer} is in LAYERS, not in src");
    }
}

#[test]
fn each_way_to_name_a_module_is_seen() {
    let text = "
        use crate::{balance::{self, Level}, clock::Clock};
        use super::super::execute::Call; // crate::manager
        let bus = crate::events::Bus::new();
        /* crate::config */
        #[cfg(test)]
        mod tests { use super::super::health; }
    ";

    assert_eq!(used_modules(text, 2), ["balance", "clock", "events", "execute"]);
    assert_eq!(used_modules("pub(in crate::stats) fn f() {}", 1), ["stats"]);
    assert_eq!(used_modules("use super::rng::Rng;", 1), ["rng"]);
    assert_eq!(used_modules("use super::rng::Rng;", 2), [""; 0], "a sibling, not a layer");
}

fn level_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

/// Every source file with the top-level module that it belongs to; the crate's root is above all.
fn source_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    walk(&source(), &mut files);
    files.sort();
    let with_module = files.into_iter().filter_map(|file| {
        let inside = file.strip_prefix(source()).ok()?.to_owned();
        let first = inside.components().next()?.as_os_str().to_str()?.to_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        (module != "lib").then_some((file, module))
    });
    with_module.collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the source folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// How many `super` lead from the file's own module to the crate's root.
fn depth(file: &Path) -> usize {
    let inside = file.strip_prefix(source()).expect("the file is in the source folder");
    let names = inside.components().count();
    if inside.ends_with("mod.rs") { names - 1 } else { names }
}

/// The top-level modules that `text` names, sorted, each once.
fn used_modules(text: &str, depth: usize) -> Vec<String> {
    let code = without_comments(text);
    let own = code.split("#[cfg(test)]").next().unwrap_or_default();
    let to_root = "super::".repeat(depth);
    let mut used = Vec::new();
    for (code, root) in [(&*code, "crate::"), (own, &*to_root)] {
        for (at, _) in code.match_indices(root) {
            // `super::super::` holds `super::` twice; only the whole of it leads to the root.
            let is_inner = code[..at].ends_with("::") || code[..at].ends_with(is_of_a_name);
            if !is_inner {
                used.extend(named_after(&code[at + root.len()..]));
            }
        }
    }
    used.retain(|name| level_of(name).is_some());
    used.sort();
    used.dedup();
    used
}

/// The first name of each path that follows: one, or those of a group in braces.
fn named_after(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else { return vec![first_name(rest)] };
    let mut names = vec![first_name(group)];
    let mut nesting = 0_u32;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => nesting += 1,
            '}' if nesting == 0 => break,
            '}' => nesting -= 1,
            ',' if nesting == 0 => names.push(first_name(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> String {
    text.trim_start().chars().take_while(|sign| is_of_a_name(*sign)).collect()
}

fn is_of_a_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

fn without_comments(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    while let Some(start) = code.find("/*") {
        let end = code[start..].find("*/").map_or(code.len(), |at| start + at + 2);
        code.replace_range(start..end, "");
    }
    code
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("a listed source file is readable")
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
