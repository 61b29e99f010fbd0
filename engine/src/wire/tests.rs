//! Every function comes back as it went.

use super::*;
use datafusion::functions_aggregate::sum::sum_udaf;

fn bucket(grain: &str, name: &str) -> Bucket {
    Bucket::new(Grain::parse(grain).unwrap(), zone(name).unwrap(), Weekday::Sunday, 4)
}

#[test]
fn scalar_functions_come_back_with_their_options() {
    let berlin = || zone("Europe/Berlin").unwrap();
    let functions: Vec<ScalarUDF> = vec![
        Apart::named("air_apart[7]".to_owned()).into(),
        Between::new(3600).into(),
        bucket("15 minutes", "America/New_York").into(),
        Divide::new().into(),
        Fold::toward("straße").into(),
        FromClock::new(berlin()).into(),
        InZone::new(berlin()).into(),
        OnClock::new(berlin()).into(),
        PartOf::new(Part::Weekday, berlin()).into(),
        Quotient::new().into(),
        Round::new(Rounding::HalfAway(-2)).into(),
        Round::new(Rounding::Ceil).into(),
        Whole::new(DataType::Int16).into(),
        Whole::new(DataType::Int64).into(),
    ];
    for function in functions {
        let form = scalar(&function).unwrap();
        assert_eq!(read_scalar(&form).unwrap(), function, "{}", function.name());
    }
}

#[test]
fn options_make_another_function() {
    let form = |zone| scalar(&bucket("1 day", zone).into()).unwrap();
    assert_ne!(read_scalar(&form("UTC")).unwrap(), bucket("1 day", "Europe/Berlin").into());
    assert_eq!(read_scalar(&form("UTC")).unwrap(), bucket("1 day", "UTC").into());
}

#[test]
fn aggregates_come_back_with_their_options() {
    for function in [
        AggregateUDF::new_from_impl(Extreme::new(true)),
        AggregateUDF::new_from_impl(Extreme::new(false)),
        AggregateUDF::new_from_impl(Percentile::new(0.95, PercentileMethod::Disc)),
    ] {
        let form = aggregate(&function).unwrap();
        assert_eq!(*read_aggregate(&form).unwrap(), function);
    }
    assert!(aggregate(&sum_udaf()).is_none(), "the engine's own go by name");
}

#[test]
fn windows_come_back_with_their_options() {
    let buckets = || Buckets::new(bucket("1 month", "Europe/Berlin"), false);
    let ends = Ends { first: Some(-5), last: None, shown: Some(i64::MAX) };
    let over = |over| {
        let back = air_ir::Frame::ToDate { unit: Unit::Year };
        Moving::new(buckets(), back, over, "sum", DataType::Decimal128(38, 2))
    };
    let percentile = AggregateUDF::new_from_impl(Percentile::new(0.5, PercentileMethod::Cont));
    let functions: Vec<WindowUDF> = vec![
        Absent::new(buckets(), ends).into(),
        Earlier::new(buckets(), Offset::Previous).into(),
        Earlier::new(buckets(), Offset::Span(Grain::parse("1 year").unwrap())).into(),
        over(Over::End { first: true }).into(),
        over(Over::Aggregate { function: sum_udaf(), distinct: true }).into(),
        over(Over::Aggregate { function: Arc::new(percentile), distinct: false }).into(),
    ];
    for function in functions {
        let form = window(&function).unwrap();
        assert_eq!(read_window(&form).unwrap(), function, "{}", function.name());
    }
}

#[test]
fn what_is_not_known_is_refused() {
    assert!(read_scalar(b"{\"Newer\":{}}").is_err());
    assert!(read_aggregate(b"{\"Named\":\"no_such\"}").is_err());
    let other = datafusion::functions::math::abs();
    assert!(scalar(&other).is_none());
}
