//! Which files a dataset consists of.
//!
//! In: a place and `files` (a file, a glob or a folder). Out: the files that are there now, their
//! format, and the values that Hive-style `key=value` folders give. Deliberately absent: reading.

use super::place::{At, FoundFile, Place};
use super::text::Compression;
use crate::error::SourceError;
use air_ir::catalog::FileFormat;
use air_ir::nearest;
use std::collections::BTreeMap;

/// What stands for null in a partition's folder name.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The files of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Located {
    pub(crate) files: Vec<LocatedFile>,
    pub(crate) format: FileFormat,
    /// Keys of the folders, outermost first.
    pub(crate) partitions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LocatedFile {
    pub(crate) found: FoundFile,
    /// One for each partition key; none is null.
    pub(crate) values: Vec<Option<String>>,
}

/// The format a file's name tells, compressed or not.
pub(crate) fn format_of(path: &str) -> Option<FileFormat> {
    let (compression, name) = Compression::of(path);
    let ending = name.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    match (ending.as_str(), compression) {
        ("csv" | "tsv", _) => Some(FileFormat::Csv),
        ("jsonl" | "ndjson" | "json", _) => Some(FileFormat::Jsonl),
        ("parquet", Compression::None) => Some(FileFormat::Parquet),
        _ => None,
    }
}

/// Whether a file is data by its name alone. A `.json` file is JSON lines only where it, or a glob,
/// is named in `dataset.yaml`; else it may well be something else.
fn is_plainly_data(path: &str) -> bool {
    format_of(path).is_some() && !Compression::of(path).1.to_ascii_lowercase().ends_with(".json")
}

/// The tables that names alone tell: each data file at the top, and each folder that holds some.
pub(crate) async fn by_name(
    place: &dyn Place,
) -> Result<BTreeMap<String, Vec<String>>, SourceError> {
    let all = place.walk("").await?;
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in all.iter().filter(|f| is_plainly_data(&f.path)) {
        let (name, files) = match file.path.split_once('/') {
            Some((top, _)) => (top.to_owned(), top.to_owned()),
            None => {
                let plain = Compression::of(&file.path).1;
                let stem = plain.rsplit_once('.').map_or(plain, |(stem, _)| stem);
                (stem.to_owned(), file.path.clone())
            }
        };
        let known = tables.entry(name).or_default();
        if !known.contains(&files) {
            known.push(files);
        }
    }
    Ok(tables)
}

/// The files of `files`, as they are now.
pub(crate) async fn locate(
    place: &dyn Place,
    table: &str,
    files: &str,
) -> Result<Located, SourceError> {
    let files = files.trim_start_matches("./").trim_end_matches('/');
    let prefix = fixed_prefix(files);
    let found = if prefix == files {
        one_or_all(place, files).await?
    } else {
        let mut found = place.walk(prefix).await?;
        found.retain(|f| is_match(files.split('/'), f.path.split('/')));
        found
    };
    let wanted: Vec<(FoundFile, FileFormat)> =
        found.into_iter().filter_map(|f| format_of(&f.path).map(|format| (f, format))).collect();
    let Some((_, format)) = wanted.first() else {
        let all = match place.walk("").await {
            // Without a list there is no name to compare with.
            Err(e) if e.is_no_list() => Vec::new(),
            other => other?,
        };
        let names = nearest(files, all.iter().map(|f| f.path.as_str()));
        return Err(SourceError::NoFiles {
            table: table.to_owned(),
            files: files.to_owned(),
            nearest: names,
        });
    };
    let format = *format;
    if let Some((other, _)) = wanted.iter().find(|(_, f)| *f != format) {
        let reason = format!(
            "\"{files}\" holds files of several formats, as \"{}\"; give each its own table in dataset.yaml",
            wanted[0].0.path
        );
        return Err(SourceError::File { file: other.path.clone(), reason });
    }
    partitioned(wanted, format, prefix)
}

/// A path without wildcards: a file, or the data beneath a folder.
async fn one_or_all(place: &dyn Place, path: &str) -> Result<Vec<FoundFile>, SourceError> {
    match place.at(path).await? {
        At::File(found) => Ok(vec![found]),
        At::Folder(mut found) => {
            found.retain(|f| is_plainly_data(&f.path));
            Ok(found)
        }
    }
}

fn partitioned(
    wanted: Vec<(FoundFile, FileFormat)>,
    format: FileFormat,
    prefix: &str,
) -> Result<Located, SourceError> {
    let mut keys: Option<(Vec<String>, String)> = None;
    let mut files = Vec::with_capacity(wanted.len());
    for (found, _) in wanted {
        let beneath = found.path.strip_prefix(prefix).unwrap_or(&found.path);
        let folders = beneath.rsplit_once('/').map_or("", |(folders, _)| folders);
        let pairs: Vec<(&str, &str)> =
            folders.split('/').filter_map(|f| f.split_once('=')).collect();
        let names: Vec<String> = pairs.iter().map(|(k, _)| (*k).to_owned()).collect();
        match &keys {
            None => keys = Some((names, found.path.clone())),
            Some((known, first)) if *known != names => {
                let reason = format!(
                    "its folders give the keys ({}), those of \"{first}\" ({})",
                    names.join(", "),
                    known.join(", ")
                );
                return Err(SourceError::File { file: found.path, reason });
            }
            Some(_) => {}
        }
        let values = pairs.iter().map(|(_, v)| (*v != HIVE_NULL).then(|| unescaped(v))).collect();
        files.push(LocatedFile { found, values });
    }
    Ok(Located { files, format, partitions: keys.map(|(k, _)| k).unwrap_or_default() })
}

/// A folder name without its percent escapes.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'%', [a, b, ..]) if a.is_ascii_hexdigit() => {
                std::str::from_utf8(&[*a, *b]).ok().and_then(|h| u8::from_str_radix(h, 16).ok())
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The folders before the first wildcard.
fn fixed_prefix(files: &str) -> &str {
    let is_wild = |part: &str| part.contains(['*', '?']);
    let mut end = 0;
    for part in files.split('/') {
        if is_wild(part) {
            return files[..end].trim_end_matches('/');
        }
        end += part.len() + 1;
    }
    files
}

/// `**` is any folders, `*` any characters of one name, `?` one character.
fn is_match<'t>(
    mut pattern: impl Iterator<Item = &'t str> + Clone,
    mut path: impl Iterator<Item = &'t str> + Clone,
) -> bool {
    match pattern.next() {
        None => path.next().is_none(),
        Some("**") => loop {
            if is_match_dyn(pattern.clone(), path.clone()) {
                return true;
            }
            if path.next().is_none() {
                return false;
            }
        },
        Some(part) => {
            path.next().is_some_and(|name| name_matches(part, name)) && is_match_dyn(pattern, path)
        }
    }
}

fn is_match_dyn<'t>(
    pattern: impl Iterator<Item = &'t str>,
    path: impl Iterator<Item = &'t str>,
) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.collect(), path.collect());
    is_match(pattern.iter().copied(), path.iter().copied())
}

fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // Whether the pattern so far matches the first n characters.
    let mut reach = vec![false; name.len() + 1];
    reach[0] = true;
    for p in pattern {
        if p == '*' {
            let first = reach.iter().position(|r| *r).unwrap_or(reach.len());
            for r in &mut reach[first..] {
                *r = true;
            }
            continue;
        }
        for n in (0..name.len()).rev() {
            reach[n + 1] = reach[n] && (p == '?' || p == name[n]);
        }
        reach[0] = false;
    }
    reach.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_names_and_folders() {
        let matches = |p: &str, t: &str| {
            let (p, t): (Vec<&str>, Vec<&str>) = (p.split('/').collect(), t.split('/').collect());
            is_match(p.iter().copied(), t.iter().copied())
        };
        assert!(matches("r/*.csv", "r/a.csv"));
        assert!(!matches("r/*.csv", "r/b/a.csv"));
        assert!(matches("r/**/*.csv", "r/b/c/a.csv"));
        assert!(matches("r/**/*.csv", "r/a.csv"));
        assert!(matches("r/20??-*.csv", "r/2013-01.csv"));
        assert!(!matches("r/20??-*.csv", "r/201-01.csv"));
        assert_eq!(fixed_prefix("a/b/*.csv"), "a/b");
        assert_eq!(fixed_prefix("*.csv"), "");
        assert_eq!(unescaped("New%20York%"), "New York%");
        assert_eq!(unescaped("10%+5"), "10%+5");
    }
}
