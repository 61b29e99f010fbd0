//! `files`: which files may be read, and from where.

use std::path::{Path, PathBuf};

use super::section::{Section, fold_path};

/// What the readers can read; compressed forms (`.gz`, `.zst`) go with their inner extension.
const READABLE: [&str; 3] = [".csv", ".parquet", ".jsonl"];

#[derive(Debug, Clone)]
pub(crate) struct FilesConfig {
    pub(crate) allowed_ext: Vec<String>,
    pub(crate) max_rows_return_json: u64,
    pub(crate) infer_rows: u64,
    /// Every source of files lies below it.
    pub(crate) base_path: PathBuf,
}

impl FilesConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let allowed_ext = section.texts("allowed_ext", &READABLE);
        for extension in &allowed_ext {
            if !READABLE.contains(&extension.as_str()) {
                let what = format!("{extension:?} is not a form AIR reads");
                section.report("allowed_ext", what, format!("some of {}", READABLE.join(", ")));
            }
        }
        Self {
            allowed_ext,
            max_rows_return_json: section.number("max_rows_return_json", 50_000, 1..=10_000_000),
            infer_rows: section.number("infer_rows", 20_000, 1..=100_000_000),
            base_path: section.path("base_path", Some("files")).unwrap_or_default(),
        }
    }

    /// A source's path as seen from `base_path`, if it lies below it; `.` is `base_path` itself.
    pub(crate) fn relative(&self, path: &Path) -> Option<String> {
        let whole = fold_path(&self.base_path.join(path));
        let below = whole.strip_prefix(&self.base_path).ok()?.to_str()?;
        Some(if below.is_empty() { "." } else { below }.to_owned())
    }
}
