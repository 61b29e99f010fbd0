//! The first look at all of a file: what it grows to, and what no reader should meet.
//!
//! In: a file that is whole, and bounds. Out: nothing, or a sentence that says what is wrong and
//! what to do. Memory is that of one piece. Deliberately absent: what the values are, which is
//! the engine's to say.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use air_connectors::csv_delimiter;
use datafusion::parquet::file::metadata::ParquetMetaDataReader;
use memchr::memchr;
use tokio_util::sync::CancellationToken;

use super::cells::{self, CsvCells};
use super::content::{Told, unpacked};
use crate::config::LimitsConfig;
use crate::store::{FileForm, Packing};

const PIECE: usize = 256 << 10;
/// How much of the beginning tells the delimiter, as its reader looks at it.
const HEAD: u64 = 1 << 20;
/// What may always come out of a compressed file: of small ones, much that is alike is no attack.
const ALWAYS: u64 = 10_000_000;

/// What a file may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    ratio: u64,
    /// Unpacked, too, a file is no larger than this.
    unpacked: u64,
    json_depth: usize,
    columns: usize,
    cell: u64,
    /// Of one row group, which is read at once.
    group: u64,
}

impl Bounds {
    pub(super) fn new(limits: &LimitsConfig) -> Self {
        Self {
            ratio: u64::from(limits.decompression_ratio),
            unpacked: limits.upload_session,
            json_depth: limits.json_depth,
            columns: limits.file_columns,
            cell: limits.cell,
            group: limits.memory_pool / 4,
        }
    }

    fn most(&self, packed: u64) -> u64 {
        packed.saturating_mul(self.ratio).max(ALWAYS).min(self.unpacked.max(ALWAYS))
    }
}

/// Reads the file once; `stop` ends it early, with nothing found.
pub(super) fn scan(
    path: &Path,
    told: &Told,
    bounds: &Bounds,
    stop: &CancellationToken,
) -> Result<(), String> {
    let io = |e: io::Error| match told.packing {
        Packing::None => format!("it cannot be read back from the disk ({e}); upload it again."),
        _ => format!("its compressed data is damaged or cut off ({e}); upload it again."),
    };
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    if told.form == FileForm::Parquet {
        footer(&file, size, bounds)?;
        return cells::of_parquet(file, bounds.cell, stop);
    }
    let most = bounds.most(size);
    let mut unpacked = unpacked(file, told.packing).map_err(io)?;
    let mut head = Vec::new();
    (&mut unpacked).take(HEAD).read_to_end(&mut head).map_err(io)?;
    let mut text = Text::new(told, &head, bounds);
    let mut reader = head.chain(unpacked);
    let (mut piece, mut total) = (vec![0; PIECE], 0_u64);
    loop {
        if stop.is_cancelled() {
            return Ok(());
        }
        let read = match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(io(e)),
        };
        total += read as u64;
        if told.packing != Packing::None && total > most {
            return Err(format!(
                "its {size} bytes unpack to more than {most}, which is more than is taken \
                 (limits.decompression_ratio is {}); upload it unpacked, or in parts.",
                bounds.ratio
            ));
        }
        text.look(&piece[..read])?;
    }
}

/// A text so far.
#[derive(Debug, Default)]
struct Text {
    /// The deepest that JSON may nest.
    depth: usize,
    /// The most bytes of a value.
    most: u64,
    csv: Option<CsvCells>,
    lines: u64,
    /// Bytes since the last name or value of the outermost object ended.
    value: u64,
    nested: usize,
    quoted: bool,
    escaped: bool,
}

impl Text {
    fn new(told: &Told, head: &[u8], bounds: &Bounds) -> Self {
        let csv = (told.form == FileForm::Csv).then(|| {
            let is_tabs = told.stored_as.starts_with("data.tsv");
            let delimiter = if is_tabs { b'\t' } else { csv_delimiter(head) };
            CsvCells::new(delimiter, bounds.cell)
        });
        Self { depth: bounds.json_depth, most: bounds.cell, csv, ..Self::default() }
    }

    fn look(&mut self, piece: &[u8]) -> Result<(), String> {
        if let Some(at) = memchr(0, piece) {
            let line = self.lines + 1 + newlines(&piece[..at]);
            return Err(format!(
                "line {line} holds a NUL byte, which is no text; save it as UTF-8 text."
            ));
        }
        let Some(csv) = &mut self.csv else {
            return piece.iter().try_for_each(|byte| self.nest(*byte));
        };
        self.lines += newlines(piece);
        csv.look(piece)
    }

    /// Counts brackets outside of strings; each line begins anew.
    fn nest(&mut self, byte: u8) -> Result<(), String> {
        let ends = self.nested <= 1 && !self.quoted && matches!(byte, b',' | b':' | b'}' | b'\n');
        self.value = if ends { 0 } else { self.value + 1 };
        if self.value > self.most {
            return Err(cells::too_large(&format!("line {}", self.lines + 1), self.most));
        }
        match byte {
            b'\n' => {
                (self.nested, self.quoted, self.escaped) = (0, false, false);
                self.lines += 1;
            }
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            b'[' | b'{' if !self.quoted => {
                self.nested += 1;
                if self.nested > self.depth {
                    return Err(format!(
                        "the JSON of line {} nests deeper than {}; flatten it.",
                        self.lines + 1,
                        self.depth
                    ));
                }
            }
            b']' | b'}' if !self.quoted => self.nested = self.nested.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }
}

fn newlines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// What a Parquet file says of itself, before any of its pages is read.
fn footer(file: &File, size: u64, bounds: &Bounds) -> Result<(), String> {
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(file)
        .map_err(|e| format!("it is no whole Parquet file ({e}); upload the whole file again."))?;
    let columns = metadata.file_metadata().schema_descr().num_columns();
    if columns > bounds.columns {
        return Err(format!(
            "it has {columns} columns, and at most {} are read; upload fewer.",
            bounds.columns
        ));
    }
    let mut whole = 0_u64;
    for group in metadata.row_groups() {
        let of = |bytes: i64| u64::try_from(bytes).unwrap_or(u64::MAX);
        let packed = of(group.compressed_size());
        if packed > bounds.group {
            return Err(format!(
                "a row group of it has {packed} bytes, and at most {} are read at once; write it \
                 with smaller row groups.",
                bounds.group
            ));
        }
        whole = whole.saturating_add(of(group.total_byte_size()));
    }
    let most = bounds.most(size);
    if whole > most.max(size) {
        return Err(format!(
            "its {size} bytes unpack to {whole}, which is more than is taken ({most}); write it \
             with fewer rows in a file."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: bool, piece: usize, whole: &[u8]) -> Result<(), String> {
        let csv = (!json).then(|| CsvCells::new(b',', 100));
        let mut text = Text { depth: 3, most: 100, csv, ..Text::default() };
        whole.chunks(piece).try_for_each(|piece| text.look(piece))
    }

    #[test]
    fn depth_is_counted_by_line_and_outside_of_strings() {
        let fine = b"{\"a\":[[1]]}\n{\"[[[[\\\"[[\":[]}\n{\"a\":[1]}\n";
        let deep = b"{}\n{\"a\":[[[1]]]}\n";
        for piece in 1..20 {
            assert_eq!(text(true, piece, fine), Ok(()));
            assert!(text(true, piece, deep).unwrap_err().contains("line 2 nests deeper than 3"));
            assert_eq!(text(false, piece, deep), Ok(()));
            assert!(text(false, piece, b"a,b\n1,\0\n").unwrap_err().contains("line 2 holds a NUL"));
        }
    }

    #[test]
    fn a_value_of_json_is_as_long_as_it_is_written() {
        // A name, a string and a nested value of each 100 bytes are not too long together.
        let (name, string) = ("n".repeat(97), "\\u00e4,:".repeat(12) + "ab");
        let nested = format!("[{},\"{}\"]", "1,".repeat(20) + "1", ",".repeat(54));
        let fine = format!("{{\"{name}\":\"{string}\",\"b\":{nested}}}\n").repeat(3);
        let long = format!("{{}}\n{{\"a\":\"{string}x\"}}\n");
        let deep = format!("{{}}\n{{\"a\":[1,{nested}]}}\n");
        for piece in [1, 7, 64, 10_000] {
            assert_eq!(text(true, piece, fine.as_bytes()), Ok(()));
            for whole in [&long, &deep] {
                let why = text(true, piece, whole.as_bytes()).unwrap_err();
                assert!(why.contains("line 2 has more than 100 bytes (limits.cell)"), "{why}");
            }
        }
    }
}
