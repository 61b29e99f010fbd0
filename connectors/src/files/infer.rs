//! The columns of text files: names, and types from values.
//!
//! In: the files of a dataset. Out: delimiter, names in order, and a guess for each; from the
//! first rows of each CSV file, or from all of them where the first did not tell. Deliberately absent:
//! Parquet, which tells its own types.

use super::guess::Guess;
use super::place::{FoundFile, versioned_meta};
use super::text::{
    Compression, CsvDecoder, MAX_RECORD, Rows, TextDecoder, batch_rows, file_bytes, json_fields,
};
use crate::error::SourceError;
use air_ir::DataType;
use air_ir::catalog::FileFormat;
use datafusion::arrow::array::cast::AsArray;
use futures::StreamExt;
use object_store::ObjectStore;
use std::collections::HashMap;
use std::sync::Arc;

/// How much of a file tells its delimiter and header.
const HEAD: usize = 1 << 20;
const MAX_COLUMNS: usize = 10_000;
const BATCH: usize = 4096;

/// What text files look like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextShape {
    pub(crate) delimiter: char,
    pub(crate) columns: Vec<(String, DataType)>,
}

/// The shape of a dataset. Of CSV, `rows` of each file are looked at, all where `None`.
pub(crate) async fn text_shape(
    store: &Arc<dyn ObjectStore>,
    format: FileFormat,
    files: &[&FoundFile],
    rows: Option<usize>,
) -> Result<TextShape, SourceError> {
    match format {
        FileFormat::Csv => csv_shape(store, files, rows).await,
        _ => jsonl_shape(store, files).await,
    }
}

async fn csv_shape(
    store: &Arc<dyn ObjectStore>,
    files: &[&FoundFile],
    rows: Option<usize>,
) -> Result<TextShape, SourceError> {
    let mut shape: Option<(char, Vec<String>)> = None;
    let mut guesses = Vec::new();
    for file in files {
        let known = shape.as_ref().map(|(d, _)| *d);
        let (delimiter, header) = csv_header(store, file, known).await?;
        match &shape {
            None => {
                guesses = vec![Guess::default(); header.len()];
                shape = Some((delimiter, header));
            }
            Some((_, first)) => same_header(&file.path, &header, &files[0].path, first)?,
        }
        csv_guesses(store, file, delimiter, rows, &mut guesses).await?;
    }
    let (delimiter, names) = shape.unwrap_or((',', Vec::new()));
    let columns: Vec<_> = names.into_iter().zip(guesses.iter().map(|g| g.data_type())).collect();
    if let Some((name, _)) = columns.iter().find(|(name, held)| is_time(*held) && is_time(of(name)))
    {
        return Err(SourceError::Header { file: files[0].path.clone(), reason: no_names(name) });
    }
    Ok(TextShape { delimiter, columns })
}

fn no_names(first: &str) -> String {
    format!("the first line (\"{first}\", …) holds values, not names; add a line of names")
}

/// Numbers above numbers may be names, as years are; a time above times is none.
fn is_time(data_type: DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Timestamp | DataType::Timestamptz)
}

async fn csv_guesses(
    store: &Arc<dyn ObjectStore>,
    file: &FoundFile,
    delimiter: char,
    rows: Option<usize>,
    guesses: &mut [Guess],
) -> Result<(), SourceError> {
    let width = guesses.len();
    let batch = batch_rows(rows.map_or(BATCH, |r| r.clamp(1, BATCH)), width);
    let decoder = CsvDecoder::new(width, byte(delimiter), (0..width).collect(), batch, true);
    let meta = versioned_meta(file).map_err(|e| unreadable(&file.path, &e))?;
    let mut reader = Rows::open(store, &meta, None, TextDecoder::Csv(Box::new(decoder))).await?;
    let mut seen = 0;
    while rows.is_none_or(|most| seen < most) {
        let Some(batch) = reader.next().await? else {
            break;
        };
        seen += batch.num_rows();
        for (guess, column) in guesses.iter_mut().zip(batch.columns()) {
            column.as_string_view().iter().flatten().for_each(|cell| guess.cell(cell));
        }
    }
    Ok(())
}

/// Delimiter and names of a CSV file; of a known delimiter it is not asked again.
pub(crate) async fn csv_header(
    store: &Arc<dyn ObjectStore>,
    file: &FoundFile,
    delimiter: Option<char>,
) -> Result<(char, Vec<String>), SourceError> {
    let head = head(store, file).await?;
    let wrong = |reason: String| SourceError::Header { file: file.path.clone(), reason };
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(SourceError::NotUtf8 { file: file.path.clone(), line: 1 });
    }
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    if start.iter().all(|b| b.is_ascii_whitespace()) {
        return Err(SourceError::Empty { file: file.path.clone() });
    }
    let is_tsv = Compression::of(&file.path).1.to_ascii_lowercase().ends_with(".tsv");
    let delimiter = delimiter.unwrap_or_else(|| if is_tsv { '\t' } else { sniff(start) });
    let record = first_record(start, byte(delimiter)).ok_or_else(|| {
        wrong("is longer than 1 MiB; keep the columns that are needed".to_owned())
    })?;
    let mut names = Vec::with_capacity(record.len());
    for (i, name) in record.into_iter().enumerate() {
        let name = String::from_utf8(name)
            .map_err(|_| SourceError::NotUtf8 { file: file.path.clone(), line: 1 })?;
        let name = name.trim();
        names.push(if name.is_empty() { format!("column_{}", i + 1) } else { name.to_owned() });
    }
    if names.len() > MAX_COLUMNS {
        return Err(wrong(format!(
            "{} columns; at most {MAX_COLUMNS} are read, so keep those that are needed",
            names.len()
        )));
    }
    if let Some(twice) = repeated(&names) {
        return Err(wrong(format!(
            "the name \"{twice}\" is there twice; give each column its own"
        )));
    }
    if names.iter().all(|n| of(n) != DataType::Text) {
        return Err(wrong(no_names(&names[0])));
    }
    Ok((delimiter, names))
}

/// What a cell of the first line would be as a value: a name is text.
fn of(name: &str) -> DataType {
    let mut guess = Guess::default();
    guess.cell(name);
    guess.data_type()
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = std::collections::HashSet::new();
    names.iter().find(|n| !seen.insert(n.as_str()))
}

/// Refuses a header that is not the dataset's.
pub(crate) fn same_header(
    file: &str,
    header: &[String],
    first: &str,
    wanted: &[String],
) -> Result<(), SourceError> {
    if header == wanted {
        return Ok(());
    }
    let at = header.iter().zip(wanted).position(|(a, b)| a != b);
    let reason = match at {
        Some(i) => {
            format!("column {} is \"{}\", but \"{}\" in \"{first}\"", i + 1, header[i], wanted[i])
        }
        None => format!("{} columns, but {} in \"{first}\"", header.len(), wanted.len()),
    };
    Err(SourceError::Header {
        file: file.to_owned(),
        reason: format!("{reason}; files of one table have the same columns in one order"),
    })
}

async fn head(store: &Arc<dyn ObjectStore>, file: &FoundFile) -> Result<Vec<u8>, SourceError> {
    let meta = versioned_meta(file).map_err(|e| unreadable(&file.path, &e))?;
    let mut bytes = file_bytes(store, &meta, None).await?;
    let mut head = Vec::new();
    while head.len() < HEAD {
        let Some(piece) = bytes.next().await else {
            break;
        };
        head.extend_from_slice(&piece?);
    }
    Ok(head)
}

pub(crate) fn unreadable(file: &str, error: &object_store::Error) -> SourceError {
    SourceError::File { file: file.to_owned(), reason: error.to_string() }
}

/// A delimiter is one byte by `sniff` and by the catalog's check.
pub(crate) fn byte(delimiter: char) -> u8 {
    u8::try_from(delimiter).unwrap_or(b',')
}

/// The delimiter of a CSV file that begins with `head`, as far as its first lines tell; a comma
/// where they do not.
pub fn csv_delimiter(head: &[u8]) -> u8 {
    byte(sniff(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)))
}

/// The delimiter that cuts the first lines into the same, largest number of cells.
fn sniff(head: &[u8]) -> char {
    let score = |delimiter: u8| {
        let mut rest = head;
        let mut widths = Vec::new();
        while widths.len() < 20 {
            let Some((record, after)) = record(rest, delimiter) else {
                break;
            };
            rest = after;
            if record.len() > 1 || !record[0].is_empty() {
                widths.push(record.len());
            }
        }
        let first = widths.first().copied().unwrap_or(1);
        let alike = widths.iter().filter(|w| **w == first).count();
        (if first > 1 { alike * 100 / widths.len().max(1) } else { 0 }, first)
    };
    let candidates = [',', ';', '\t', '|'];
    // Of equals the first wins, so the common comma does.
    candidates
        .into_iter()
        .rev()
        .max_by_key(|d| score(byte(*d)))
        .filter(|d| score(byte(*d)).0 > 0)
        .unwrap_or(',')
}

fn first_record(head: &[u8], delimiter: u8) -> Option<Vec<Vec<u8>>> {
    let mut rest = head;
    loop {
        let (cells, after) = record(rest, delimiter).or_else(|| {
            // The file may end without a line break.
            (head.len() < HEAD).then(|| record_at_end(rest, delimiter))
        })?;
        if cells.len() > 1 || !cells[0].is_empty() || after.is_empty() {
            return Some(cells);
        }
        rest = after;
    }
}

fn record_at_end(rest: &[u8], delimiter: u8) -> (Vec<Vec<u8>>, &[u8]) {
    let closed = [rest, b"\n"].concat();
    (record(&closed, delimiter).map(|(cells, _)| cells).unwrap_or_else(|| vec![rest.to_vec()]), &[])
}

/// The cells of the record at the beginning, and what follows; `None` where it has no end.
fn record(text: &[u8], delimiter: u8) -> Option<(Vec<Vec<u8>>, &[u8])> {
    let (mut cells, mut cell, mut quoted, mut at) = (Vec::new(), Vec::new(), false, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' if quoted && text.get(at) == Some(&b'"') => {
                cell.push(b'"');
                at += 1;
            }
            b'"' if quoted || cell.is_empty() => quoted = !quoted,
            b'\n' | b'\r' if !quoted => {
                let is_pair = *byte == b'\r' && text.get(at) == Some(&b'\n');
                cells.push(cell);
                return Some((cells, &text[at + usize::from(is_pair)..]));
            }
            byte if *byte == delimiter && !quoted => cells.push(std::mem::take(&mut cell)),
            byte => cell.push(*byte),
        }
    }
    None
}

/// A field may come first in a late line, so every line is looked at.
async fn jsonl_shape(
    store: &Arc<dyn ObjectStore>,
    files: &[&FoundFile],
) -> Result<TextShape, SourceError> {
    let mut fields = Fields::default();
    for file in files {
        let meta = versioned_meta(file).map_err(|e| unreadable(&file.path, &e))?;
        let mut bytes = file_bytes(store, &meta, None).await?;
        let (mut partial, mut line) = (Vec::new(), 0);
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            let mut lines = piece.split(|b| *b == b'\n').peekable();
            while let Some(part) = lines.next() {
                partial.extend_from_slice(part);
                // What follows the last line break is the beginning of a line.
                if lines.peek().is_some() {
                    line += 1;
                    fields.line(&file.path, line, &partial)?;
                    partial.clear();
                }
            }
            if partial.len() > MAX_RECORD {
                let reason = "a line longer than 64 MiB".to_owned();
                return Err(SourceError::Line { file: file.path.clone(), line: line + 1, reason });
            }
        }
        fields.line(&file.path, line + 1, &partial)?;
    }
    Ok(TextShape { delimiter: ',', columns: fields.columns() })
}

/// The fields of JSON objects, in the order in which they come.
#[derive(Default)]
struct Fields {
    names: Vec<String>,
    guesses: HashMap<String, Guess>,
}

impl Fields {
    fn line(&mut self, file: &str, line: u64, bytes: &[u8]) -> Result<(), SourceError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| SourceError::NotUtf8 { file: file.to_owned(), line })?;
        let wrong = |reason| SourceError::Line { file: file.to_owned(), line, reason };
        json_fields(text, |name, value| match self.guesses.get_mut(name) {
            Some(guess) => guess.json(value),
            None => {
                let mut guess = Guess::default();
                guess.json(value);
                self.guesses.insert(name.to_owned(), guess);
                self.names.push(name.to_owned());
            }
        })
        .map_err(wrong)?;
        if self.names.len() > MAX_COLUMNS {
            return Err(wrong(format!("more than {MAX_COLUMNS} different fields up to here")));
        }
        Ok(())
    }

    fn columns(self) -> Vec<(String, DataType)> {
        let guess = |name: &String| self.guesses.get(name).copied().unwrap_or_default();
        self.names.iter().map(|name| (name.clone(), guess(name).data_type())).collect()
    }
}
