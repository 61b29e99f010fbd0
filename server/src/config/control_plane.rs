//! `control_plane`: the file that holds AIR's own records.
//!
//! In: a DSN such as `file:air.db?_fk=1`. Out: the file's path. Options that would weaken what the
//! store promises (foreign keys off) are refused; the store sets everything else itself.

use std::path::PathBuf;
use std::time::Duration;

use super::section::{Section, fold_path};

#[derive(Debug, Clone)]
pub(crate) struct ControlPlaneConfig {
    /// The database file, absolute or relative to the working folder.
    pub(crate) file: PathBuf,
    /// How long entries of the audit log are kept; for ever where absent.
    pub(crate) audit_retention: Option<Duration>,
}

impl ControlPlaneConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        section.choice("driver", (), &[("sqlite", ())]);
        let dsn = section.text("dsn", "file:air.db?_fk=1");
        let (file, options) = dsn.split_once('?').unwrap_or((&dsn, ""));
        let file = file.strip_prefix("file:").unwrap_or(file);
        if file.is_empty() || file.contains(":memory:") {
            section.report("dsn", "a file is wanted", "for example \"file:air.db?_fk=1\"");
        }
        for option in options.split('&').filter(|option| !option.is_empty()) {
            check_option(&section, option);
        }
        let retention = section.retention("audit_retention", Duration::from_secs(365 * 86_400));
        Self { file: fold_path(&section.data_dir().join(file)), audit_retention: retention }
    }
}

fn check_option(section: &Section<'_>, option: &str) {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let known = ["_fk", "_foreign_keys"];
    if !known.contains(&name) {
        let fix = match air_ir::nearest(name, known).first() {
            Some(name) => format!("did you mean {name}?"),
            None => "known: _fk".to_owned(),
        };
        section.report("dsn", format!("unknown option {name}"), fix);
    } else if !["1", "on", "true"].contains(&value) {
        section.report("dsn", "foreign keys are always on", format!("write {name}=1"));
    }
}
