//! Any result of any types gets a verdict, and always the same one.

use super::*;
use datafusion::arrow::array::{
    Array, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, Decimal256Array,
    DictionaryArray, DurationSecondArray, FixedSizeBinaryArray, Float32Array, Int8Array,
    Int32Array, IntervalMonthDayNanoArray, ListArray, NullArray, StringArray, StructArray,
    Time64MicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Int32Type, IntervalMonthDayNano, i256};
use proptest::prelude::*;

const TYPES: usize = 27;

/// The same seeds as an array of each type; `None` is null.
fn array(kind: usize, seeds: &[Option<i64>]) -> ArrayRef {
    let texts = || seeds.iter().map(|s| s.map(|v| format!("é{v}")));
    let short = || seeds.iter().map(|s| s.map(|v| v as i32));
    match kind {
        0 => Arc::new(Int64Array::from(seeds.to_vec())),
        1 => Arc::new(short().map(|s| s.map(|v| v as i8)).collect::<Int8Array>()),
        2 => Arc::new(seeds.iter().map(|s| s.map(|v| v as u64)).collect::<UInt64Array>()),
        3 => Arc::new(
            seeds.iter().map(|s| s.map(|v| f64::from_bits(v as u64))).collect::<Float64Array>(),
        ),
        4 => {
            Arc::new(short().map(|s| s.map(|v| f32::from_bits(v as u32))).collect::<Float32Array>())
        }
        5 => decimal(seeds, 38, 9),
        6 => decimal(seeds, 38, -3),
        7 => {
            let wide =
                seeds.iter().map(|s| s.map(|v| i256::from_parts(v as u128, i128::from(v) << 40)));
            let wide: Decimal256Array = wide.collect();
            Arc::new(wide.with_precision_and_scale(76, 30).unwrap())
        }
        8 => Arc::new(texts().collect::<StringViewArray>()),
        9 => Arc::new(texts().collect::<StringArray>()),
        10 => Arc::new(seeds.iter().map(|s| s.map(|v| v > 0)).collect::<BooleanArray>()),
        11 => Arc::new(short().collect::<Date32Array>()),
        12 => Arc::new(Date64Array::from(seeds.to_vec())),
        13 => Arc::new(TimestampSecondArray::from(seeds.to_vec())),
        14 => Arc::new(TimestampMillisecondArray::from(seeds.to_vec()).with_timezone("+02:00")),
        15 => Arc::new(TimestampMicrosecondArray::from(seeds.to_vec()).with_timezone(ZONES[1])),
        16 => Arc::new(TimestampNanosecondArray::from(seeds.to_vec()).with_timezone("nowhere")),
        17 => Arc::new(Time64MicrosecondArray::from(seeds.to_vec())),
        18 => Arc::new(DurationSecondArray::from(seeds.to_vec())),
        19 => Arc::new(NullArray::new(seeds.len())),
        20 => {
            let months = |v: i64| IntervalMonthDayNano::new(v as i32, v as i32, v);
            Arc::new(seeds.iter().map(|s| s.map(months)).collect::<IntervalMonthDayNanoArray>())
        }
        21 => {
            let bytes: Vec<Option<[u8; 8]>> =
                seeds.iter().map(|s| s.map(i64::to_le_bytes)).collect();
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.into_iter(), 8).unwrap(),
            )
        }
        22 => Arc::new(
            texts()
                .collect::<Vec<_>>()
                .iter()
                .map(|t| t.as_ref().map(String::as_bytes))
                .collect::<BinaryArray>(),
        ),
        23 => Arc::new(
            texts()
                .collect::<Vec<_>>()
                .iter()
                .map(|t| t.as_deref())
                .collect::<DictionaryArray<Int32Type>>(),
        ),
        24 => dictionary(array(15, seeds)),
        25 => Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
            short().map(|s| s.map(|v| vec![Some(v), None])),
        )),
        _ => {
            let inner = array(0, seeds);
            let field = Arc::new(Field::new("inner", DataType::Int64, true));
            Arc::new(StructArray::from(vec![(field, inner)]))
        }
    }
}

fn decimal(seeds: &[Option<i64>], precision: u8, scale: i8) -> ArrayRef {
    let values: Decimal128Array = seeds.iter().map(|s| s.map(i128::from)).collect();
    Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
}

/// Every value behind a key, the last rows null by their key.
fn dictionary(values: ArrayRef) -> ArrayRef {
    let n = i32::try_from(values.len()).unwrap();
    let keys: Int32Array = (0..n).map(|i| (i % 5 != 4).then_some(n - 1 - i)).collect();
    Arc::new(DictionaryArray::new(keys, values))
}

const ZONES: [&str; 5] = ["UTC", NEW_YORK, "Australia/Lord_Howe", "Pacific/Apia", "nowhere"];
const NEW_YORK: &str = "America/New_York";
const GRAINS: [&str; 8] =
    ["1 minute", "7 minutes", "1 hour", "5 hours", "48 hours", "1 day", "1 month", "10000 years"];

fn seed() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        (0..4_i64).prop_map(Some),
        (0..2_000_000_000_i64).prop_map(Some),
        (0..2_000_000_000_000_000_i64).prop_map(Some),
        prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-1)].prop_map(Some),
        any::<i64>().prop_map(Some),
    ]
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        (0..2_000_000_000_i64).prop_map(|s| Timestamp::from_second(s).unwrap()),
    ]
}

const IRS: [&str; 4] = [
    r#"{"dimensions":["d0","d1"],"metrics":[{"name":"m0","agg":"sum"},{"name":"m1","share":{"of":"m0","within":["d0"]}}]}"#,
    r#"{"dimensions":["d0","d1"],"metrics":[{"name":"m0","share":{"of":"m1"}},{"name":"m1","agg":"count"}],"top":{"n":1,"by":"m0","other":true}}"#,
    r#"{"metrics":[{"name":"m0","agg":"count"},{"name":"m1","agg":"sum"}],"filters":[{"field":"a","op":"is_null"}]}"#,
    r#"{"dimensions":["d0"],"grain":"1 quarter","time":{"fill":"previous","field":"d0"},"order":[{"field":"m0"}],"limit":3}"#,
];

/// Names of the columns; those of `top` are there also where nothing asks for them.
const NAMES: [&str; 5] = ["d0", "d1", "m0", "m1", "is_other"];

fn case() -> impl Strategy<Value = Case> {
    let columns = (0..14_usize).prop_flat_map(|rows| {
        let seeds = proptest::collection::vec(seed(), rows);
        let column = (0..TYPES, seeds, proptest::option::of(0..GRAINS.len()), any::<bool>());
        proptest::collection::vec(column, NAMES.len())
    });
    let total = (0..TYPES, seed());
    let beside = (any::<bool>(), instant(), 0..ZONES.len(), instant(), instant());
    let latest = proptest::option::of(instant());
    (0..IRS.len(), columns, total, beside, latest).prop_map(
        |(ir, columns, (total, value), (truncated, now, zone, from, to), latest)| {
            let columns =
                columns.into_iter().zip(NAMES).map(|((kind, seeds, grain, flag), name)| {
                    let array = array(kind, &seeds);
                    if name.starts_with('m') {
                        let agg = if flag { Agg::Sum } else { Agg::Count };
                        return metric(name, agg, array);
                    }
                    let (mut column, array) = dimension(name, array);
                    column.bucket = grain.and_then(|g| Grain::parse(GRAINS[g]));
                    (column, array)
                });
            let mut case = Case::new(IRS[ir], columns.collect());
            case.totals = Some(batch(&["m0", "m1"], vec![array(total, &[value]); 2]));
            (case.truncated, case.now, case.time_zone) = (truncated, now, ZONES[zone]);
            (case.range, case.latest) = (Some((from, to)), latest);
            case.receipts =
                vec![Receipt { fact: "f".into(), rows_alone: u64::MAX, rows_joined: 0 }];
            case
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_result_gets_one_verdict(case in case()) {
        let verdict = case.verdict();
        prop_assert!(!verdict.checks.is_empty());
        let worst = verdict.checks.iter().map(|c| c.status).max();
        prop_assert_eq!(Some(verdict.status), worst);
        prop_assert_eq!(&verdict, &case.verdict());
        let json = serde_json::to_string(&verdict).unwrap();
        prop_assert!(serde_json::from_str::<Verdict>(&json).is_ok());
    }
}

/// Each type in every role, so that none depends on luck.
#[test]
fn every_type_in_every_role() {
    let seeds: Vec<Option<i64>> =
        (0..12).map(|i| (i % 4 != 3).then_some(1_363_000_000 + i)).chain([None]).collect();
    for kind in 0..TYPES {
        for rows in [0, 1, seeds.len()] {
            let array = array(kind, &seeds[..rows]);
            let columns = vec![
                bucket("d0", "1 day", array.clone()),
                dimension("d1", array.clone()),
                metric("m0", Agg::Sum, array.clone()),
                metric("m1", Agg::Count, array.clone()),
            ];
            let mut case = Case::new(IRS[0], columns);
            case.totals = (rows == 1).then(|| batch(&["m0", "m1"], vec![array.clone(); 2]));
            let verdict = case.verdict();
            assert!(verdict.checks.len() >= 2, "{}", array.data_type());
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rows as arrays: the formatter of batches may refuse what is tested here.
        write!(f, "{:?} {:?} {} {:?}", self.ir, self.columns, self.time_zone, self.rows.schema())
    }
}
