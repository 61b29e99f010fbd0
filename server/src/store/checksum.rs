//! Checksums of JSON documents.
//!
//! Two documents that differ only in the order of keys or in white space have one checksum.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// SHA-256 of the canonical form, as 64 hexadecimal digits.
pub(crate) fn checksum(document: &Value) -> String {
    let digest = Sha256::digest(canonical_json(document).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keys sorted, no white space; the order of lists stays.
pub(crate) fn canonical_json(document: &Value) -> String {
    sorted(document).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            let pairs = keys.into_iter().map(|key| (key.clone(), sorted(&map[key])));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_of_keys_does_not_matter_and_all_else_does() {
        let one = json!({"b": [1, {"y": 2, "x": 3}], "a": null});
        let same: Value = serde_json::from_str(r#"{ "a":null, "b":[1,{"x":3,"y":2}] }"#).unwrap();
        assert_eq!(canonical_json(&one), r#"{"a":null,"b":[1,{"x":3,"y":2}]}"#);
        assert_eq!(checksum(&one), checksum(&same));
        assert_ne!(checksum(&one), checksum(&json!({"b": [{"x": 3, "y": 2}, 1], "a": null})));
        assert_eq!(checksum(&json!({})).len(), 64);
    }
}
