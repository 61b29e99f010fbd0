//! No cell larger than `limits.cell`: a run holds many at once, each whole.
//!
//! In: a file's bytes as they come, or its Parquet pages. Out: nothing, or a sentence about the
//! first cell that is too large. A cell of CSV is as long as its content, one of JSONL as it is
//! written, with its quotes and escapes.

use std::fs::File;

use datafusion::parquet::basic::{Encoding, Type};
use datafusion::parquet::column::reader::ColumnReader;
use datafusion::parquet::data_type::ByteArray;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::ColumnChunkMetaData;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use tokio_util::sync::CancellationToken;

/// Values that are read at once.
const VALUES: usize = 1_024;

/// What to do about a cell at `place`.
pub(super) fn too_large(place: &str, most: u64) -> String {
    format!(
        "a cell in {place} has more than {most} bytes (limits.cell); shorten it, or keep such \
         content elsewhere and a reference to it here."
    )
}

/// Where a reader of CSV is within a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes: it ends them, or is one of two that stand for one.
    Quote,
}

/// The cells of a CSV file so far.
#[derive(Debug)]
pub(super) struct CsvCells {
    delimiter: u8,
    most: u64,
    at: At,
    bytes: u64,
    line: u64,
    /// The line that the cell begins in.
    begin: u64,
}

impl CsvCells {
    pub(super) fn new(delimiter: u8, most: u64) -> Self {
        Self { delimiter, most, at: At::Start, bytes: 0, line: 1, begin: 1 }
    }

    pub(super) fn look(&mut self, piece: &[u8]) -> Result<(), String> {
        for byte in piece {
            self.step(*byte);
            if self.bytes > self.most {
                return Err(too_large(&format!("line {}", self.begin), self.most));
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\n');
        let ends = byte == self.delimiter || byte == b'\n' || byte == b'\r';
        self.at = match (self.at, byte) {
            (At::Start, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) | (At::Quote, b'"') => {
                self.bytes += 1;
                At::Quoted
            }
            _ if ends => {
                (self.bytes, self.begin) = (0, self.line);
                At::Start
            }
            _ => {
                self.bytes += 1;
                At::Plain
            }
        };
    }
}

/// Reads those columns of a Parquet file that may hold a cell of more bytes than `most`.
pub(super) fn of_parquet(file: File, most: u64, stop: &CancellationToken) -> Result<(), String> {
    let damaged = |e: ParquetError| format!("it cannot be read ({e}); write it anew.");
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    for group in 0..reader.num_row_groups() {
        let rows = reader.get_row_group(group).map_err(damaged)?;
        for (at, chunk) in rows.metadata().columns().iter().enumerate() {
            if !may_hold(chunk, most) {
                continue;
            }
            // Values that share their beginnings take memory of their own once they are read.
            let shared = chunk.encodings().any(|e| e == Encoding::DELTA_BYTE_ARRAY);
            let at_once = if shared { 1 } else { VALUES };
            let column = rows.get_column_reader(at).map_err(damaged)?;
            if holds(column, at_once, most, stop).map_err(damaged)? {
                return Err(too_large(&format!("column {}", chunk.column_path()), most));
            }
        }
    }
    Ok(())
}

/// Whether a column holds a cell that is too large; where it is stopped, it holds none.
fn holds(
    column: ColumnReader,
    at_once: usize,
    most: u64,
    stop: &CancellationToken,
) -> Result<bool, ParquetError> {
    // Those of a fixed length were measured by their type.
    let ColumnReader::ByteArrayColumnReader(mut column) = column else { return Ok(true) };
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    while !stop.is_cancelled() {
        let (d, r) = (Some(&mut definitions), Some(&mut repetitions));
        let (records, _, _) = column.read_records(at_once, d, r, &mut values)?;
        if records == 0 {
            return Ok(false);
        }
        if values.iter().any(|value: &ByteArray| value.len() as u64 > most) {
            return Ok(true);
        }
        values.clear();
        definitions.clear();
        repetitions.clear();
    }
    Ok(false)
}

/// Whether a column of a row group may hold a cell that is too large: no cell of bytes has more
/// than all of its column, unpacked, but one that shares its beginning with others.
fn may_hold(chunk: &ColumnChunkMetaData, most: u64) -> bool {
    let whole = u64::try_from(chunk.uncompressed_size()).unwrap_or(u64::MAX);
    match chunk.column_type() {
        Type::BYTE_ARRAY => {
            whole > most || chunk.encodings().any(|e| e == Encoding::DELTA_BYTE_ARRAY)
        }
        Type::FIXED_LEN_BYTE_ARRAY => {
            u64::try_from(chunk.column_descr().type_length()).unwrap_or(0) > most
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::basic::Compression;
    use datafusion::parquet::file::properties::WriterProperties;
    use datafusion::parquet::schema::types::ColumnPath;

    fn csv(delimiter: u8, piece: usize, text: &str) -> Result<(), String> {
        let mut cells = CsvCells::new(delimiter, 4);
        text.as_bytes().chunks(piece).try_for_each(|piece| cells.look(piece))
    }

    #[test]
    fn a_cell_ends_where_the_reader_ends_it() {
        for piece in 1..9 {
            for fine in [
                "abcd,abcd\r\nabcd,\n",
                "\"ab,\n\",\"\"\"\"\"\"\"\"\"\"\n",
                "\"abcd\",a\n\"abcd\"\n",
                "a\"bc,ab\"c\n",
            ] {
                assert_eq!(csv(b',', piece, fine), Ok(()), "{fine:?} in pieces of {piece}");
            }
            for (long, line) in [
                ("a,b\nabcde,1\n", 2),
                ("a,b\n1,2\n3,\"a\n\n\nbc\"\n", 3),
                ("\"\"\"\"\"\"\"\"\"\"\"\"\n", 1),
                ("\"abcd\"e\n", 1),
            ] {
                let why = csv(b',', piece, long).unwrap_err();
                assert!(why.contains(&format!("in line {line} ")), "{long:?}: {why}");
            }
            // Another delimiter, another cell.
            assert_eq!(csv(b';', piece, "abcd;abcd\n"), Ok(()));
            assert!(csv(b';', piece, "ab,cd;1\n").is_err());
            assert!(csv(b'\t', piece, "abcd\tab;cd\n").is_err());
        }
    }

    /// A file of texts, and with it a column of whole numbers, by an encoding or a dictionary.
    fn parquet(texts: &[&str], encoding: Option<Encoding>) -> File {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..texts.len() as i64));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
        let options = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let options = match encoding {
            Some(encoding) => options
                .set_dictionary_enabled(false)
                .set_column_encoding(ColumnPath::from("t"), encoding),
            None => options,
        };
        let mut file = tempfile::tempfile().unwrap();
        let options = Some(options.build());
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    #[test]
    fn a_cell_of_parquet_is_measured_in_every_encoding() {
        let (fine, long) = ("a".repeat(1_000), "a".repeat(1_001));
        let stop = CancellationToken::new();
        let judged = |file| of_parquet(file, 1_000, &stop);
        // Many that share their beginning are small when packed, and large each.
        let (many_fine, many_long) = (vec![fine.as_str(); 50], vec![long.as_str(); 50]);
        for encoding in [
            None,
            Some(Encoding::PLAIN),
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
            Some(Encoding::DELTA_BYTE_ARRAY),
        ] {
            assert_eq!(judged(parquet(&many_fine, encoding)), Ok(()), "{encoding:?}");
            for texts in [&["", &long][..], &[&long], &many_long] {
                let why = judged(parquet(texts, encoding)).unwrap_err();
                assert!(
                    why.contains("a cell in column \"t\" has more than 1000"),
                    "{encoding:?}: {why}"
                );
            }
        }
        stop.cancel();
        assert_eq!(judged(parquet(&[&long], None)), Ok(()), "who stops finds nothing");
    }
}
