//! What `api/generate` makes from the contract.

mod operations;
#[cfg(test)]
mod round_trip;
pub mod types;

#[cfg(test)]
mod tests {
    use super::round_trip::round_trip;
    use serde::Deserialize;
    use serde_json::Value;

    #[derive(Deserialize)]
    struct Example {
        schema: String,
        value: Value,
    }

    #[test]
    fn every_example_of_the_contract_goes_through_its_type_unchanged() {
        let examples: Vec<Example> =
            serde_json::from_str(include_str!("generated/examples.json")).unwrap();
        assert!(examples.len() > 30);
        for Example { schema, value } in examples {
            let back = round_trip(&schema, value.clone())
                .unwrap_or_else(|| panic!("{schema} has no type"))
                .unwrap_or_else(|error| panic!("{schema}: {error} in {value}"));
            assert_eq!(back, value, "{schema}");
        }
    }

    #[test]
    fn a_request_refuses_what_it_does_not_know() {
        let value = serde_json::json!({"key": "a", "title": "A", "owner": "me"});
        let error = round_trip("ReportCreate", value).unwrap().unwrap_err();
        assert!(error.to_string().contains("owner"), "{error}");
    }
}
