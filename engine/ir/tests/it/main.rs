//! The IR's form: the parser and the published JSON Schema agree, every error comes at once, and
//! the canonical form is the same IR again.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bind;
mod schema;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// Every IR among the cases of the whole repository, with the name of its case.
fn every_ir() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut irs = Vec::new();
    for file in yaml_files(&root.join("engine/tests/cases/plans")) {
        let set: serde_json::Map<String, Value> = read(&file);
        irs.extend(set);
    }
    for file in yaml_files(&root.join("tests/answers")) {
        let cases: Vec<Value> = read(&file);
        irs.extend(cases.iter().map(|c| (c["name"].to_string(), c["ir"].clone())));
    }
    assert!(irs.len() > 200, "{} IRs", irs.len());
    irs
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|f| f.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> T {
    let text = std::fs::read_to_string(file).unwrap();
    match serde_saphyr::from_str(&text) {
        Ok(value) => value,
        Err(error) => panic!("{}: {error}", file.display()),
    }
}
