use super::*;
use crate::auth::Role;

fn policy(text: Value) -> Policy {
    let text = |name: &str| text[name].as_str().unwrap_or_default().to_owned();
    Policy {
        datasource: "shop".parse().unwrap(),
        entity: text("entity"),
        roles: Vec::new(),
        claim: serde_json::Map::new(),
        rows: Vec::new(),
        hide: Vec::new(),
    }
}

fn ann(claims: Value) -> Principal {
    let claims = claims.as_object().cloned().unwrap_or_default();
    Principal::new("ann", Role::Viewer, claims)
}

fn by_team() -> Policy {
    Policy {
        roles: vec![Role::Viewer],
        claim: json!({"team": "ops"}).as_object().cloned().unwrap_or_default(),
        rows: vec![json!({"field": "region", "op": "in", "value": "{{claim.regions}}"})],
        hide: vec!["amount".to_owned()],
        ..policy(json!({"entity": "orders"}))
    }
}

#[test]
fn a_claim_has_the_value_or_holds_it() {
    let policy = by_team();
    assert!(matches(&policy, &ann(json!({"team": "ops"}))));
    assert!(matches(&policy, &ann(json!({"team": ["dev", "ops"]}))));
    assert!(!matches(&policy, &ann(json!({"team": "dev"}))));
    assert!(!matches(&policy, &ann(json!({}))));
    let editor = Principal { role: Role::Editor, ..ann(json!({"team": "ops"})) };
    assert!(!matches(&policy, &editor), "roles are named, not ordered");
}

#[test]
fn claims_take_their_places_and_missing_ones_refuse() {
    let policy = by_team();
    let shown_to = |claims| shown(&[&policy], &ann(claims));
    let rows = vec![json!({"field": "region", "op": "in", "value": ["north"]})];
    let hidden = BTreeSet::from(["amount".to_owned()]);
    assert_eq!(
        shown_to(json!({"team": "ops", "regions": ["north"]})),
        Shown::Part { rows, hidden }
    );
    assert_eq!(shown_to(json!({"team": "dev"})), Shown::Nothing);
    for bad in
        [json!(null), json!({"a": 1}), json!([["x"]]), json!("{{claim.sub}}"), json!("{{x}}")]
    {
        let shown = shown_to(json!({"team": "ops", "regions": bad}));
        assert!(matches!(shown, Shown::Refused(_)), "{shown:?}");
    }
}

#[test]
fn all_that_match_hold_together() {
    let north = Policy {
        rows: vec![json!({"field": "region", "op": "=", "value": "north"})],
        hide: vec!["id".to_owned()],
        ..policy(json!({"entity": "Orders"}))
    };
    let Shown::Part { rows, hidden } =
        shown(&[&by_team(), &north], &ann(json!({"team": "ops", "regions": ["south"]})))
    else {
        panic!("it is shown")
    };
    assert_eq!((rows.len(), hidden.len()), (2, 2));
}

#[test]
fn what_is_seen_tells_principals_apart() {
    let policies = vec![by_team()];
    let shop: DatasourceId = "shop".parse().unwrap();
    let print = |claims| fingerprint(&policies, &ann(claims), &shop);
    let north = print(json!({"team": "ops", "regions": ["north"]}));
    assert_eq!(north, print(json!({"team": "ops", "regions": ["north"], "jti": 7})));
    assert_ne!(north, print(json!({"team": "ops", "regions": ["south"]})));
    assert_ne!(north, print(json!({"team": "ops"})));
    assert_ne!(north, print(json!({})));
    assert_eq!(fingerprint(&policies, &ann(json!({})), &"other".parse().unwrap()), "");
}
