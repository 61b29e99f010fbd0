//! Checks on the rows as such: there, complete, unique, not multiplied.

use super::*;
use air_engine::qa::RUBRIC_VERSION;
use datafusion::arrow::array::{BooleanArray, DictionaryArray, NullArray};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::Int32Type;

const BY_SHOP: &str = r#"{"dimensions":["shop"],"metrics":[{"name":"n","agg":"count"}]}"#;

fn by_shop(shops: &[&str]) -> Case {
    let n = integers((1..).take(shops.len()));
    let shops = dimension("shop", text(shops.iter().copied()));
    Case::new(BY_SHOP, vec![shops, metric("n", Agg::Count, n)])
}

#[test]
fn the_verdict_is_the_worst_check() {
    let verdict = by_shop(&["a", "b"]).verdict();
    assert_eq!(
        (verdict.status, verdict.rubric_version.as_str()),
        (CheckStatus::Pass, RUBRIC_VERSION)
    );
    assert_eq!(by_shop(&[]).verdict().status, CheckStatus::Warn);
    assert_eq!(by_shop(&["a", "a"]).verdict().status, CheckStatus::Fail);
}

#[test]
fn empty_result() {
    assert_eq!(by_shop(&["a"]).status("empty_result"), PASS);
    assert_eq!(by_shop(&[]).status("empty_result"), WARN);
}

#[test]
fn one_row_without_data_is_empty() {
    let ir = r#"{"metrics":[{"name":"n","agg":"count"},{"name":"kwh","agg":"sum"},
                            {"name":"even","expr":"coalesce(kwh, 1)"}]}"#;
    let case = |n, kwh| {
        let kwh: ArrayRef = Arc::new(Float64Array::from(vec![kwh]));
        let columns = vec![
            metric("n", Agg::Count, integers([n])),
            metric("kwh", Agg::Sum, kwh),
            metric("even", None, floats([1.0])),
        ];
        Case::new(ir, columns).status("empty_result")
    };
    assert_eq!(case(0, None), WARN);
    assert_eq!(case(1, None), PASS, "there is a row, of null");
    assert_eq!(case(0, Some(0.0)), PASS, "a sum of 0 is the sum of something");
}

#[test]
fn truncated() {
    let mut case = by_shop(&["a", "b"]);
    assert_eq!(case.status("truncated"), PASS);
    case.truncated = true;
    assert_eq!(case.message("truncated"), "The result was cut after 2 rows; more exist.");
    assert_eq!(case.status("truncated"), WARN);
    case.ir.limit = Some(2);
    assert_eq!(case.status("truncated"), WARN, "a limit alone asks for no ranking");
}

#[test]
fn the_first_rows_by_a_metric_are_a_ranking() {
    let ir = r#"{"dimensions":["shop"],"metrics":[{"name":"n","agg":"count"}],
                 "order":[{"field":"n","dir":"desc"}],"limit":2}"#;
    let columns =
        vec![dimension("shop", text(["a", "b"])), metric("n", Agg::Count, integers([9, 8]))];
    let mut case = Case::new(ir, columns);
    case.truncated = true;
    assert_eq!(case.status("truncated"), PASS);
    case.ir.limit = Some(3);
    assert_eq!(case.status("truncated"), WARN, "cut before the limit that was asked for");
}

#[test]
fn empty_filters() {
    let mut case = by_shop(&["a"]);
    assert_eq!(case.status("empty_filters"), None);
    let ir = r#"{"entities":["sales"],"dimensions":["shop"],
                 "filters":[{"field":"shop","op":"=","value":"x"}]}"#;
    case.ir = Ir::parse_str(ir).unwrap();
    assert_eq!(case.status("empty_filters"), PASS);
    case.empty_filters = vec!["shop = x".into()];
    assert_eq!(case.status("empty_filters"), WARN);
    assert_eq!(case.message("empty_filters"), "The filter shop = x matches nothing by itself.");
}

#[test]
fn duplicate_keys() {
    assert_eq!(by_shop(&["a", "b"]).status("duplicate_keys"), PASS);
    let twice = by_shop(&["a", "b", "a", "a"]);
    assert_eq!(twice.status("duplicate_keys"), FAIL);
    assert_eq!(twice.message("duplicate_keys"), "2 rows repeat the dimensions of another row.");
    assert_eq!(twice.observed("duplicate_keys")["examples"][0]["shop"], "a");
    assert_eq!(by_shop(&[]).status("duplicate_keys"), None);
    let total = Case::new(
        r#"{"metrics":[{"name":"n","agg":"count"}]}"#,
        vec![metric("n", Agg::Count, integers([1]))],
    );
    assert_eq!(total.status("duplicate_keys"), None);
}

#[test]
fn nulls_of_a_dimension_are_one_key() {
    let nulls = |shops: ArrayRef| {
        let n = integers((0..).take(shops.len()));
        Case::new(BY_SHOP, vec![dimension("shop", shops), metric("n", Agg::Count, n)])
    };
    assert_eq!(nulls(Arc::new(NullArray::new(2))).status("duplicate_keys"), FAIL);
    let one: DictionaryArray<Int32Type> = [Some("a"), None].into_iter().collect();
    assert_eq!(nulls(Arc::new(one)).status("duplicate_keys"), PASS);
}

#[test]
fn the_rest_is_no_duplicate_of_a_null_group() {
    let ir = r#"{"dimensions":["shop"],"metrics":[{"name":"n","agg":"count"}],
                 "top":{"n":2,"by":"n","other":true}}"#;
    let shops: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, None]));
    let case = |other: Vec<bool>| {
        let columns = vec![
            dimension("shop", shops.clone()),
            metric("n", Agg::Count, integers([3, 2, 9])),
            dimension("is_other", Arc::new(BooleanArray::from(other))),
        ];
        Case::new(ir, columns)
    };
    assert_eq!(case(vec![false, false, true]).status("duplicate_keys"), PASS);
    assert_eq!(case(vec![false, false, false]).status("duplicate_keys"), FAIL);
    let shares = case(vec![false, false, true]).observed("null_share");
    assert_eq!(shares["shop"], 0.5, "the rest has no dimensions by its nature");
}

#[test]
fn fan_out() {
    let mut case = by_shop(&["a"]);
    assert_eq!(case.status("fan_out"), None);
    let receipt = |alone, joined| {
        vec![Receipt { fact: "sales".into(), rows_alone: alone, rows_joined: joined }]
    };
    case.receipts = receipt(10, 10);
    assert_eq!(case.status("fan_out"), PASS);
    case.receipts = receipt(10, 11);
    assert_eq!(case.status("fan_out"), FAIL);
    assert!(case.message("fan_out").contains("10 rows of sales into 11"));
    case.receipts = receipt(10, 9);
    assert_eq!(case.status("fan_out"), FAIL, "a left join keeps every row");
    let inner = r#"{"entities":["sales","shops"],"dimensions":["shop"],
        "joins":[{"left":"sales.shop_id","right":"shops.id","kind":"inner"}]}"#;
    case.ir = Ir::parse_str(inner).unwrap();
    assert_eq!(case.status("fan_out"), PASS, "an inner join drops rows when asked to");
    case.receipts = receipt(10, 11);
    assert_eq!(case.status("fan_out"), FAIL);
}

#[test]
fn null_share() {
    let nulls = |nulls: usize| {
        let values = (0..5).map(|i| (i >= nulls).then_some(1.0));
        let avg: ArrayRef = Arc::new(values.collect::<Float64Array>());
        let columns =
            vec![dimension("shop", text(["a", "b", "c", "d", "e"])), metric("avg", Agg::Avg, avg)];
        let ir = r#"{"dimensions":["shop"],"metrics":[{"name":"avg","agg":"avg"}]}"#;
        Case::new(ir, columns)
    };
    assert_eq!(nulls(0).status("null_share"), PASS);
    assert_eq!(nulls(1).status("null_share"), PASS, "a fifth is the threshold");
    assert_eq!(nulls(2).status("null_share"), WARN);
    assert_eq!(nulls(2).message("null_share"), "Much is null in avg (40 %).");
    assert_eq!(by_shop(&[]).status("null_share"), None);
}

#[test]
fn nulls_inside_a_dictionary_count() {
    use datafusion::arrow::array::{Int32Array, StringArray};
    let values = Arc::new(StringArray::from(vec![Some("a"), None]));
    let keys = Int32Array::from(vec![0, 1]);
    let shops: ArrayRef = Arc::new(DictionaryArray::new(keys, values));
    let n = metric("n", Agg::Count, integers([1, 1]));
    let case = Case::new(BY_SHOP, vec![dimension("shop", shops), n]);
    assert_eq!(case.status("null_share"), WARN);
    let arrays: Vec<ArrayRef> = case.rows.columns().iter().map(|a| a.slice(1, 1)).collect();
    let twice = arrays.iter().map(|a| concat(&[a.as_ref(), a.as_ref()]).unwrap()).collect();
    let case = Case { rows: batch(&["shop", "n"], twice), ..case };
    assert_eq!(case.observed("duplicate_keys")["examples"], serde_json::json!([{ "shop": null }]));
}
