//! Any text is a DSN or refused, and a refusal shows no password.
#![no_main]

use air_connectors::{DatabaseOptions, MysqlSource, PostgresSource};
use air_ir::catalog::SourceKind;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;

const PASSWORD: &str = "canary7531";

fuzz_target!(|parts: (&str, &str, &str)| {
    let (scheme, before, after) = parts;
    for dsn in [
        format!("{scheme}{before}{after}"),
        format!("{scheme}://{before}:{PASSWORD}@{after}"),
        format!("postgres://{before}:{PASSWORD}@{after}"),
        format!("mysql://{before}:{PASSWORD}@{after}"),
    ] {
        let dsn = SecretString::from(dsn);
        let options = DatabaseOptions::default();
        let postgres = PostgresSource::open("a", SourceKind::Postgres, &dsn, options.clone());
        let mysql = MysqlSource::open("a", &dsn, options);
        for error in [postgres.err(), mysql.err()].into_iter().flatten() {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(PASSWORD), "{shown}");
        }
    }
});
