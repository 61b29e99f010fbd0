//! The arrows between the crates, as DESIGN draws them: a new one fails here.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Who may see whom.
const ALLOWED: &[(&str, &str)] = &[
    ("air-engine", "air-ir"),
    ("air-connectors", "air-ir"),
    ("air-connectors", "air-engine"),
    ("air-distributed", "air-engine"),
    ("air-distributed", "air-connectors"),
    // for its tests
    ("air-distributed", "air-ir"),
    ("air-server", "air-ir"),
    ("air-server", "air-engine"),
    ("air-server", "air-connectors"),
    ("air-server", "air-distributed"),
    ("air-server", "air-heap"),
    ("aircli", "air-ir"),
    ("aircli", "air-client"),
    ("air-benches", "air-ir"),
    ("air-benches", "air-engine"),
    ("air-benches", "air-connectors"),
    ("air-python", "air-ir"),
    ("air-python", "air-engine"),
    ("air-python", "air-connectors"),
];

#[test]
fn crates_see_only_whom_they_may() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let own: BTreeSet<&str> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(own.len(), 10, "{own:?}");
    let mut arrows = BTreeSet::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().unwrap() {
            let (from, to) =
                (package["name"].as_str().unwrap(), dependency["name"].as_str().unwrap());
            if own.contains(to) {
                arrows.insert((from, to));
            }
        }
    }
    let new: Vec<_> = arrows.iter().filter(|a| !ALLOWED.contains(a)).collect();
    assert!(new.is_empty(), "new arrows between crates: {new:?}");
}
