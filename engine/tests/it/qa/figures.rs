//! Checks on the figures: they add up, and what stands out among them.

use super::*;
use air_engine::qa::totals_ir;
use datafusion::arrow::array::{Decimal128Array, UInt64Array};

const SUM: &str = r#"{"dimensions":["shop"],"metrics":[{"name":"x","agg":"sum"}]}"#;
const SHOPS: [&str; 3] = ["a", "b", "c"];

fn sums(x: ArrayRef, total: ArrayRef) -> Case {
    let shops = dimension("shop", text(SHOPS.into_iter().take(x.len())));
    let mut case = Case::new(SUM, vec![shops, metric("x", Agg::Sum, x)]);
    case.totals = Some(batch(&["x"], vec![total]));
    case
}

fn decimals(values: Vec<i128>, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap())
}

#[test]
fn totals_of_integers_are_exact() {
    let case = sums(integers([1, 2, 3]), integers([6]));
    assert_eq!(case.status("totals"), PASS);
    let big = sums(integers([i64::MAX, 1, 0]), decimals(vec![1 << 63], 0));
    assert_eq!(big.status("totals"), PASS, "beyond 64 bits");
    assert_eq!(big.observed("totals")[0]["total"], "9223372036854775808");
    let off = sums(integers([i64::MAX, 1, 0]), decimals(vec![(1 << 63) + 1], 0));
    assert_eq!(off.status("totals"), FAIL);
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    assert_eq!(sums(unsigned.clone(), unsigned).status("totals"), PASS);
}

#[test]
fn totals_of_decimals_are_exact_across_scales() {
    let groups = decimals(vec![110, 220, 330], 2);
    assert_eq!(sums(groups.clone(), decimals(vec![66], 1)).status("totals"), PASS);
    let off = sums(groups, decimals(vec![66001], 4));
    assert_eq!(off.status("totals"), FAIL);
    assert_eq!(
        off.observed("totals")[0],
        serde_json::json!({
            "metric": "x", "groups": "6.6000", "total": "6.6001"
        })
    );
}

#[test]
fn totals_of_doubles_have_a_tolerance() {
    let groups = || floats([1.0, 2.0, 3.0]);
    assert_eq!(sums(groups(), floats([6.0 + 5e-9])).status("totals"), PASS);
    assert_eq!(sums(groups(), floats([6.0 + 7e-9])).status("totals"), FAIL);
    let cancelling = sums(floats([1e9, -1e9, 0.5]), floats([0.6]));
    assert_eq!(cancelling.status("totals"), PASS, "the magnitudes allow it");
    let nan = sums(floats([f64::NAN, 1.0]), floats([f64::NAN]));
    assert_eq!(nan.status("totals"), PASS);
    assert_eq!(sums(floats([f64::NAN]), floats([1.0])).status("totals"), FAIL);
    assert_eq!(sums(floats([f64::INFINITY]), floats([1.0])).status("totals"), FAIL);
}

#[test]
fn null_totals_are_zero() {
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    assert_eq!(sums(integers([0, 0]), null.clone()).status("totals"), PASS);
    assert_eq!(sums(integers([]), null.clone()).status("totals"), PASS);
    assert_eq!(sums(integers([1]), null).status("totals"), FAIL);
}

#[test]
fn totals_need_every_group() {
    let wrong = || sums(integers([1]), integers([2]));
    assert_eq!(wrong().status("totals"), FAIL);
    let mut cut = wrong();
    cut.truncated = true;
    assert_eq!(cut.status("totals"), None);
    let mut none = wrong();
    none.totals = None;
    assert_eq!(none.status("totals"), None);
    let mut to_many = wrong();
    to_many.columns[1].additive = false;
    assert_eq!(to_many.status("totals"), None);
    for part in [
        r#""offset":1"#,
        r#""having":[{"metric":"x","op":">","value":0}]"#,
        r#""top":{"n":1,"by":"x"}"#,
        r#""time":{"fill":"previous"}"#,
    ] {
        let mut case = wrong();
        let ir = SUM.replacen('{', &format!("{{\"entities\":[\"sales\"],{part},"), 1);
        case.ir = Ir::parse_str(&ir).unwrap();
        assert_eq!(case.status("totals"), None, "{part}");
        assert_eq!(totals_ir(&case.ir), None, "{part}");
    }
}

#[test]
fn totals_ir_keeps_the_additive_metrics_and_what_chooses_rows() {
    let ir = Ir::parse_str(
        r#"{"entities":["sales","shops"],"dimensions":["shop","month"],"grain":"1 month",
            "time":{"timezone":"Europe/Berlin","fill":"zero"},"limit":10,
            "order":[{"field":"x"}],"filters":[{"field":"x","op":">","value":1}],
            "metrics":[{"name":"x","agg":"sum"},{"name":"a","agg":"avg","field":"x"},
              {"name":"n","agg":"count","filter":{"field":"x","op":"<","value":9}},
              {"name":"r","expr":"x / n"},{"name":"s","share":{"of":"x"}}]}"#,
    );
    let totals = totals_ir(&ir.unwrap()).unwrap();
    let expected = Ir::parse_str(
        r#"{"entities":["sales","shops"],"time":{"timezone":"Europe/Berlin"},
            "filters":[{"field":"x","op":">","value":1}],
            "metrics":[{"name":"x","agg":"sum"},
              {"name":"n","agg":"count","filter":{"field":"x","op":"<","value":9}}]}"#,
    );
    assert_eq!(totals, expected.unwrap());
    let none =
        r#"{"entities":["sales"],"dimensions":["shop"],"metrics":[{"name":"x","agg":"avg"}]}"#;
    assert_eq!(totals_ir(&Ir::parse_str(none).unwrap()), None);
    let one = r#"{"entities":["sales"],"metrics":[{"name":"x","agg":"sum"}]}"#;
    assert_eq!(totals_ir(&Ir::parse_str(one).unwrap()), None);
}

fn shares(values: &[f64], within: &str) -> Case {
    let ir = format!(
        r#"{{"dimensions":["region","shop"],"metrics":[{{"name":"x","agg":"sum"}},
             {{"name":"part","share":{{"of":"x","within":[{within}]}}}}]}}"#
    );
    let columns = vec![
        dimension("region", text(["n", "n", "s", "s"])),
        dimension("shop", text(["a", "b", "c", "d"])),
        metric("x", Agg::Sum, integers([1, 1, 1, 1])),
        metric("part", None, floats(values.iter().copied())),
    ];
    Case::new(&ir, columns)
}

#[test]
fn shares_sum_to_one() {
    assert_eq!(shares(&[0.25; 4], "").status("shares"), PASS);
    assert_eq!(shares(&[0.5; 4], "\"region\"").status("shares"), PASS);
    assert_eq!(shares(&[0.1, 0.2, 0.3, 0.4 + 9e-10], "").status("shares"), PASS);
    assert_eq!(shares(&[0.1, 0.2, 0.3, 0.4 + 2e-9], "").status("shares"), FAIL);
    let wrong = shares(&[0.5, 0.5, 0.5, 0.75], "\"region\"");
    assert_eq!(wrong.message("shares"), "The shares of part sum to 1.25 instead of 1.");
    assert_eq!(wrong.observed("shares")["wrong"], 1);
    assert_eq!(shares(&[f64::NAN; 4], "").status("shares"), FAIL);
}

#[test]
fn shares_need_every_group_and_a_total() {
    let mut case = shares(&[0.1; 4], "");
    assert_eq!(case.status("shares"), FAIL);
    case.truncated = true;
    assert_eq!(case.status("shares"), None);
    assert_eq!(sums(integers([1]), integers([1])).status("shares"), None);
    let mut nulls = shares(&[0.1; 4], "");
    let part: ArrayRef = Arc::new(Float64Array::from(vec![None; 4]));
    let mut arrays = nulls.rows.columns().to_vec();
    arrays[3] = part;
    nulls.rows = batch(&["region", "shop", "x", "part"], arrays);
    assert_eq!(nulls.status("shares"), None, "a total of zero has no shares");
}

#[test]
fn not_finite() {
    let case = |x| sums(x, floats([0.0]));
    assert_eq!(case(floats([1.0, -1.0])).status("not_finite"), PASS);
    assert_eq!(case(floats([1.0, f64::NAN])).status("not_finite"), WARN);
    let both = case(floats([f64::NEG_INFINITY, f64::NAN, f64::INFINITY]));
    assert_eq!(both.observed("not_finite")["x"], serde_json::json!({ "nan": 1, "infinite": 2 }));
    assert_eq!(case(floats([f64::MAX])).status("not_finite"), PASS, "the largest double is finite");
    assert_eq!(case(integers([1])).status("not_finite"), None);
    assert_eq!(case(floats([])).status("not_finite"), None);
}

/// Ten groups or so; the median is 0 and the median absolute deviation 0.6745, so that the
/// modified z-score of a value is the value.
fn spread(last: f64) -> Case {
    let d = 0.6745;
    let values = [-d, d, -d, d, -d, d, -d, d, 0.0, 0.0, -last, last];
    of_values(&values)
}

fn of_values(values: &[f64]) -> Case {
    let ir = r#"{"dimensions":["id"],"metrics":[{"name":"x","agg":"avg"}]}"#;
    let ids = dimension("id", integers((0..).take(values.len())));
    Case::new(ir, vec![ids, metric("x", Agg::Avg, floats(values.iter().copied()))])
}

#[test]
fn outliers() {
    assert_eq!(spread(1.0).status("outliers"), PASS);
    assert_eq!(spread(3.5).status("outliers"), PASS, "on the threshold");
    let far = spread(3.5 + 1e-12);
    assert_eq!(far.status("outliers"), WARN);
    let observed = far.observed("outliers");
    assert_eq!((&observed[0]["outliers"], &observed[0]["median"]), (&2.into(), &0.0.into()));
    assert_eq!(observed[0]["examples"][0]["group"]["id"], "10");
}

#[test]
fn outliers_need_values_that_differ() {
    let nine: Vec<f64> = (0..8).map(f64::from).chain([1e6]).collect();
    assert_eq!(of_values(&nine).status("outliers"), None, "nine values");
    let ten: Vec<f64> = (0..9).map(f64::from).chain([1e6]).collect();
    assert_eq!(of_values(&ten).status("outliers"), WARN);
    let same = [1.0; 20];
    assert_eq!(of_values(&same).status("outliers"), None);
    let with_nan: Vec<f64> = (0..9).map(f64::from).chain([f64::NAN]).collect();
    assert_eq!(of_values(&with_nan).status("outliers"), None, "NaN is no value");
    let huge: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { f64::MAX } else { f64::MIN }).collect();
    assert_eq!(of_values(&huge).status("outliers"), PASS, "each is as far as the others");
}

#[test]
fn concentration() {
    let case = |x: Vec<i64>| sums(integers(x), integers([0]));
    assert_eq!(case(vec![95, 5]).status("concentration"), PASS, "on the threshold");
    let high = case(vec![4, 96]);
    assert_eq!(high.status("concentration"), WARN);
    assert_eq!(high.message("concentration"), "One category of shop, b, holds 96 % of x.");
    assert_eq!(case(vec![7]).status("concentration"), None, "one category");
    assert_eq!(case(vec![0, 0]).status("concentration"), None, "nothing to hold");
    assert_eq!(case(vec![-1, 96]).status("concentration"), None, "a negative part");
    let mut cut = case(vec![4, 96]);
    cut.truncated = true;
    assert_eq!(cut.status("concentration"), None);
    let mut average = case(vec![4, 96]);
    average.columns[1].additive = false;
    assert_eq!(average.status("concentration"), None);
}

#[test]
fn categories_are_summed_over_the_other_dimensions() {
    let ir = r#"{"dimensions":["shop","kind"],"metrics":[{"name":"n","agg":"count"}]}"#;
    let columns = vec![
        dimension("shop", text(["a", "b", "a", "b"])),
        dimension("kind", text(["x", "x", "y", "y"])),
        metric("n", Agg::Count, integers([49, 1, 49, 1])),
    ];
    let case = Case::new(ir, columns);
    assert_eq!(case.status("concentration"), WARN);
    let observed = case.observed("concentration");
    assert_eq!((&observed[0]["share"], &observed[1]["share"]), (&0.98.into(), &0.5.into()));
}
