//! `analytics_sources`: the read-only sources that the configuration registers.
//!
//! A DSN is kept in two forms: as written, with its `${VAR}` references, which is what may be
//! stored or shown (redacted); and expanded, a secret, which is what connects.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use air_connectors::StoreAddress;
use secrecy::SecretString;

use super::section::{Section, fold_path};
use super::stores::{self, StoreConfig};
use crate::id::DatasourceId;

/// What kind of engine a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum SourceKind {
    Timescaledb,
    Postgres,
    Mysql,
    Files,
}

impl SourceKind {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("timescaledb", Self::Timescaledb),
        ("postgres", Self::Postgres),
        ("mysql", Self::Mysql),
        ("files", Self::Files),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Timescaledb => "timescaledb",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Files => "files",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no kind of source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of source; known: timescaledb, postgres, mysql, files")]
pub(crate) struct UnknownKind(pub(crate) String);

impl FromStr for SourceKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, kind)| *kind).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// A DSN as written and as it connects.
#[derive(Clone)]
pub(crate) struct ConfiguredDsn {
    /// With its references unexpanded; may still hold a clear password.
    pub(crate) written: SecretString,
    pub(crate) expanded: SecretString,
}

impl fmt::Debug for ConfiguredDsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfiguredDsn(hidden)")
    }
}

/// Where the files of a source lie.
#[derive(Debug, Clone)]
pub(crate) enum FilesPlace {
    /// Below `files.base_path`, taken from the data folder.
    Folder(PathBuf),
    Store(Box<StoreConfig>),
}

#[derive(Debug, Clone)]
pub(crate) struct SourceConfig {
    pub(crate) id: DatasourceId,
    pub(crate) kind: SourceKind,
    /// Present for databases.
    pub(crate) dsn: Option<ConfiguredDsn>,
    /// Present for files.
    pub(crate) place: Option<FilesPlace>,
    pub(crate) display_name: String,
    pub(crate) default: bool,
    pub(crate) allow_superuser: bool,
    /// Whether learning keeps the values of text columns.
    pub(crate) sample_values: bool,
}

/// Reads the list; a source that has a problem is reported and left out.
pub(super) fn read(root: &mut Section<'_>, files_base: &Path) -> Vec<SourceConfig> {
    let mut sources: Vec<SourceConfig> = Vec::new();
    let mut ids = BTreeSet::new();
    for mut section in root.sections("analytics_sources") {
        let Some(source) = read_one(&mut section, files_base) else {
            continue;
        };
        if !ids.insert(source.id.to_string()) {
            section.report("id", format!("{} is used twice", source.id), "give each its own id");
        }
        if source.default && sources.iter().any(|other| other.default) {
            section.report("default", "another source is the default already", "keep one");
        }
        sources.push(source);
    }
    sources
}

fn read_one(section: &mut Section<'_>, files_base: &Path) -> Option<SourceConfig> {
    let id = section.optional_text("id");
    let kind = section.optional_text("kind");
    // One that is there but cannot be read has its own problem.
    let has_dsn = section.is_given("dsn");
    let dsn = read_dsn(section);
    let has_path = section.is_given("base_path");
    let place = read_place(section);
    let display_name = section.optional_text("display_name");
    let default = section.flag("default", false);
    let allow_superuser = section.flag("allow_superuser", false);
    let sample_values = section.flag("sample_values", true);

    let id = parse_or_report(section, "id", id, "a short name, such as \"sales\"")?;
    let kind: SourceKind = parse_or_report(section, "kind", kind, "one of the known kinds")?;
    check_place(section, kind, has_dsn, has_path, place.as_ref(), files_base);
    let display_name = display_name.unwrap_or_else(|| DatasourceId::to_string(&id));
    Some(SourceConfig {
        id,
        kind,
        dsn,
        place,
        display_name,
        default,
        allow_superuser,
        sample_values,
    })
}

fn parse_or_report<T: FromStr<Err: fmt::Display>>(
    section: &Section<'_>,
    key: &str,
    text: Option<String>,
    fix: &str,
) -> Option<T> {
    let Some(text) = text else {
        section.report(key, "missing", fix);
        return None;
    };
    text.parse().map_err(|error: T::Err| section.report(key, error, fix)).ok()
}

fn read_dsn(section: &mut Section<'_>) -> Option<ConfiguredDsn> {
    let written = section.raw_text("dsn")?;
    let expanded = section.expand("dsn", &written)?;
    Some(ConfiguredDsn { written: written.into(), expanded: expanded.into() })
}

fn read_place(section: &mut Section<'_>) -> Option<FilesPlace> {
    let text = section.optional_text("base_path")?;
    if StoreAddress::is_one(&text) {
        return stores::read(section, &text).map(|store| FilesPlace::Store(Box::new(store)));
    }
    if section.take("store").is_some() {
        let fix = "take it out, or write an address such as s3://bucket/folder as base_path";
        section.report("store", "a folder of this machine has none", fix);
    }
    Some(FilesPlace::Folder(fold_path(&section.data_dir().join(text))))
}

fn check_place(
    section: &Section<'_>,
    kind: SourceKind,
    has_dsn: bool,
    has_path: bool,
    place: Option<&FilesPlace>,
    files_base: &Path,
) {
    match kind {
        SourceKind::Files if has_dsn => {
            section.report("dsn", "a source of files has none", "take it out");
        }
        SourceKind::Files if !has_path => {
            section.report("base_path", "missing", "name the folder that holds the files");
        }
        SourceKind::Files => {}
        _ if has_path => section.report("base_path", "a database has none", "take it out"),
        _ if !has_dsn => {
            let fix = "for example \"postgres://reader:${PG_PASSWORD}@host:5432/sales\"";
            section.report("dsn", "missing", fix);
        }
        _ => {}
    }
    match place {
        Some(FilesPlace::Folder(path)) if kind == SourceKind::Files => {
            check_folder(section, path, files_base);
        }
        _ => {}
    }
}

fn check_folder(section: &Section<'_>, path: &Path, files_base: &Path) {
    if !path.starts_with(files_base) {
        let what = format!("{} lies outside files.base_path", path.display());
        let fix = format!("move it below {}, or widen files.base_path", files_base.display());
        section.report("base_path", what, fix);
    }
}
