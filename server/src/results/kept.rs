//! Rows of a run in a Parquet file beside the control plane, and how they are read again.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use super::files::{Csv, EncodeError, Parquet, RowWriter};
use super::stream::Rows;

/// Rows of one batch that is read.
const BATCH: usize = 4_096;

/// Writes rows to a file that is whole or not there, and gives the hash of them. The hash is of
/// the rows as CSV: whatever version of the file format wrote them, equal rows have an equal hash.
pub(crate) fn write_kept(rows: Rows, file: &Path) -> Result<String, EncodeError> {
    let part = file.with_extension("part");
    let written = write_part(rows, &part).and_then(|hash| {
        std::fs::rename(&part, file)?;
        Ok(hash)
    });
    if written.is_err() {
        // Half a file of rows is of no use, least of all on a disk that is full.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write_part(rows: Rows, part: &Path) -> Result<String, EncodeError> {
    let out = File::create(part)?;
    let mut parquet = Parquet::new(&out, &rows.schema)?;
    let mut hashing = Hashing(Sha256::new());
    let mut csv = Csv::new(&mut hashing, &rows.schema)?;
    for batch in rows.batches {
        let batch = batch?;
        parquet.rows(&batch)?;
        csv.rows(&batch)?;
    }
    parquet.end()?;
    drop(parquet);
    out.sync_all()?;
    Ok(hashing.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file of rows, of which only the footer was read.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    file: PathBuf,
    schema: SchemaRef,
    /// Rows of each row group.
    groups: Vec<usize>,
}

impl Kept {
    pub(crate) fn open(file: &Path) -> Result<Self, EncodeError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
        let groups = builder.metadata().row_groups().iter();
        let groups = groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect();
        Ok(Self { file: file.to_owned(), schema: builder.schema().clone(), groups })
    }

    pub(crate) fn row_count(&self) -> usize {
        self.groups.iter().sum()
    }

    /// The row groups that hold rows of a range, and where the range begins in the first of them.
    fn covering(&self, rows: &Range<usize>) -> (Vec<usize>, usize) {
        let (mut groups, mut skipped, mut at) = (Vec::new(), 0, 0);
        for (index, count) in self.groups.iter().enumerate() {
            let (begin, end) = (at, at + count);
            at = end;
            if end <= rows.start {
                skipped = end;
            } else if begin < rows.end {
                groups.push(index);
            }
        }
        (groups, rows.start - skipped.min(rows.start))
    }

    /// A range of the rows; the row groups beside it are not read.
    pub(crate) fn rows(&self, range: Range<usize>) -> Result<Rows, EncodeError> {
        let (groups, offset) = self.covering(&range);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&self.file)?)?
            .with_row_groups(groups)
            .with_offset(offset)
            .with_limit(range.len())
            .with_batch_size(BATCH)
            .build()?;
        let batches = reader.map(|batch| batch.map_err(EncodeError::from));
        Ok(Rows { schema: self.schema.clone(), batches: Box::new(batches) })
    }

    /// A range of the rows as one batch.
    pub(crate) fn batch(&self, range: Range<usize>) -> Result<RecordBatch, EncodeError> {
        let rows = self.rows(range)?;
        let batches = rows.batches.collect::<Result<Vec<_>, _>>()?;
        Ok(datafusion::arrow::compute::concat_batches(&self.schema, &batches)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;
    use std::sync::Arc;

    const ROWS: usize = 50_000;

    fn rows() -> Rows {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
        Rows::held(RecordBatch::try_from_iter([("n", numbers)]).unwrap())
    }

    #[test]
    fn ranges_are_read_from_their_row_groups_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.parquet");
        let hash = write_kept(rows(), &file).unwrap();
        let kept = Kept::open(&file).unwrap();
        assert_eq!((kept.row_count(), hash.len()), (ROWS, 64));
        assert!(kept.groups.len() > 2, "{:?}", kept.groups);
        let first = kept.groups[0];
        assert_eq!(kept.covering(&(0..1)), (vec![0], 0));
        assert_eq!(kept.covering(&(first..first + 1)), (vec![1], 0));
        assert_eq!(kept.covering(&(first - 1..first + 1)), (vec![0, 1], first - 1));
        for range in [0..3, first - 2..first + 2, ROWS - 1..ROWS, 0..ROWS, 5..5] {
            let batch = kept.batch(range.clone()).unwrap();
            let found: Vec<i64> = match batch.num_rows() {
                0 => Vec::new(),
                _ => batch.column(0).as_primitive::<Int64Type>().values().to_vec(),
            };
            let wanted: Vec<i64> = range.clone().map(|n| n as i64).collect();
            assert_eq!(found, wanted, "{range:?}");
        }
    }

    #[test]
    fn equal_rows_have_an_equal_hash() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |name: &str| write_kept(rows(), &folder.path().join(name)).unwrap();
        assert_eq!(hash("a.parquet"), hash("b.parquet"));
    }
}
