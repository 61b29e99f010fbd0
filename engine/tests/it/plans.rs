//! Every case in `cases/plans` gives one snapshot: the plan, the guard's report, and the SQL of
//! all four dialects together, so that a review sees dialects drift. The SQL of the databases is
//! parsed again by an independent parser.

use air_engine::{Dialect, GuardedPlan, PlanOptions, Policy, Prepared, guard, plan};
use air_ir::{Catalog, Ir};
use datafusion::sql::sqlparser::dialect::{MySqlDialect, PostgreSqlDialect};
use datafusion::sql::sqlparser::parser::Parser;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

pub(crate) fn prepared(name: &str) -> Prepared {
    let path = cases().join(format!("catalogs/{name}.json"));
    let catalog: Catalog = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    Prepared::new(Arc::new(catalog))
}

pub(crate) fn options() -> PlanOptions {
    PlanOptions {
        now: "2024-03-15T12:34:56Z".parse().unwrap(),
        default_limit: 5_000,
        max_limit: 100_000,
    }
}

/// What one case gives: a plan and its SQL, or the errors.
fn shown(ir: &Value, prepared: &Prepared) -> String {
    let parsed = match Ir::parse(ir) {
        Ok(parsed) => parsed,
        Err(errors) => return listed("unreadable", &errors),
    };
    assert_eq!(
        Ir::parse(&parsed.to_json()).as_ref(),
        Ok(&parsed),
        "the canonical form is the same IR"
    );
    let planned = match plan(&parsed, prepared, &options()) {
        Ok(planned) => planned,
        Err(errors) => return listed("refused", &errors.0),
    };
    let mut text = String::new();
    for note in planned.notes() {
        writeln!(text, "note: {note}").unwrap();
    }
    let guarded = match guard(planned, &Policy::default()) {
        Ok(guarded) => guarded,
        Err(refusal) => return format!("guard: {refusal}\n"),
    };
    writeln!(text, "{}", guarded.display()).unwrap();
    for finding in guarded.report() {
        writeln!(text, "{}: {:?}: {}", finding.rule, finding.outcome, finding.detail).unwrap();
    }
    text + &in_every_dialect(&guarded)
}

/// The SQL of each dialect, parsed again, or why there is none.
pub(crate) fn in_every_dialect(guarded: &GuardedPlan) -> String {
    let mut text = String::new();
    for dialect in Dialect::ALL {
        writeln!(text, "\n-- {}", dialect.as_str()).unwrap();
        match guarded.sql(dialect) {
            Ok(sql) => {
                let params: Vec<String> = sql.params.iter().map(|p| format!("{p:?}")).collect();
                writeln!(text, "{}\n-- values: {}", sql.text, params.join(", ")).unwrap();
                parses(dialect, &sql.text);
            }
            Err(unsupported) => writeln!(text, "{unsupported}").unwrap(),
        }
    }
    text
}

fn listed(what: &str, errors: &[air_ir::IrError]) -> String {
    let mut text = format!("{what}\n");
    for error in errors {
        writeln!(text, "{}: {error}", error.code.as_str()).unwrap();
    }
    text
}

pub(crate) fn parses(dialect: Dialect, sql: &str) {
    let parsed = match dialect {
        Dialect::Mysql => Parser::parse_sql(&MySqlDialect {}, sql),
        Dialect::Postgres | Dialect::Timescaledb => Parser::parse_sql(&PostgreSqlDialect {}, sql),
        Dialect::Datafusion => return,
    };
    match parsed {
        Ok(statements) => assert_eq!(statements.len(), 1, "{sql}"),
        Err(error) => panic!("{error}\n{sql}"),
    }
}

#[test]
fn plans_and_sql_are_as_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(cases().join("plans/snapshots"));
    settings.set_omit_expression(true);
    let mut count = 0;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(cases().join("plans")).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    settings.bind(|| {
        for file in files {
            let set: BTreeMap<String, Value> =
                serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let catalog = file.file_stem().unwrap().to_str().unwrap().split('-').next().unwrap();
            let prepared = prepared(catalog);
            for (name, ir) in set {
                let text = shown(&ir, &prepared);
                let ir = serde_json::to_string_pretty(&ir).unwrap();
                insta::assert_snapshot!(name.clone(), format!("{ir}\n\n{text}"));
                count += 1;
            }
        }
    });
    assert!(count >= 60, "{count} plan cases");
}
