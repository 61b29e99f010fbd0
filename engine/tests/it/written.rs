//! What SQL texts become: one snapshot a text, with its plan and the SQL of every dialect.

use crate::plans::{cases, in_every_dialect, options, prepared};
use air_engine::{Policy, Prepared, TimeFilter, guard, plan_sql};
use std::collections::BTreeMap;

/// Every dialect's SQL of a text, or why there is none.
fn written(sql: &str, prepared: &Prepared) -> String {
    let planned = match plan_sql(sql, prepared, &options()) {
        Ok(planned) => planned,
        Err(error) => return format!("{error}\n"),
    };
    let policy = Policy { time_filter: TimeFilter::Off, ..Policy::default() };
    let guarded = guard(planned, &policy).unwrap();
    format!("{}\n{}", guarded.display(), in_every_dialect(&guarded))
}

fn settings(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(cases().join(folder).join("snapshots"));
    settings.set_omit_expression(true);
    settings
}

#[test]
fn the_queries_of_tpch_are_written_for_every_engine() {
    let prepared = prepared("tpch");
    settings("tpch").bind(|| {
        for n in 1..=22 {
            let name = format!("q{n:02}");
            let sql = std::fs::read_to_string(cases().join(format!("tpch/{name}.sql"))).unwrap();
            let text = written(&sql, &prepared);
            assert!(!text.contains("unsupported_on_engine"), "{name}: {text}");
            insta::assert_snapshot!(name, format!("{sql}\n{text}"));
        }
    });
}

#[test]
fn forms_over_a_zone_are_written_as_reviewed() {
    let file = std::fs::read_to_string(cases().join("zoned/forms.yaml")).unwrap();
    let forms: BTreeMap<String, String> = serde_saphyr::from_str(&file).unwrap();
    let prepared = crate::zoned::shop("Europe/Berlin");
    settings("zoned").bind(|| {
        for (name, sql) in forms {
            insta::assert_snapshot!(name, format!("{sql}\n\n{}", written(&sql, &prepared)));
        }
    });
}

#[test]
fn forms_of_sql_are_written_as_reviewed() {
    let file = std::fs::read_to_string(cases().join("sql/forms.yaml")).unwrap();
    let forms: BTreeMap<String, String> = serde_saphyr::from_str(&file).unwrap();
    let prepared = prepared("shop");
    settings("sql").bind(|| {
        for (name, sql) in forms {
            insta::assert_snapshot!(name, format!("{sql}\n\n{}", written(&sql, &prepared)));
        }
    });
}
