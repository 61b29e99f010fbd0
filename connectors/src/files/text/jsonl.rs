//! JSON lines as text columns, by name: only the wanted fields of each object are built.
//!
//! A string becomes its characters, a number or boolean its own text, so that no digit is lost;
//! an object or list stays JSON text. A field that is missing or `null` is null. One that is there
//! twice is an error where it is wanted: readers differ in which of its values they take.

use super::object::{Names, unquoted, walk};
use super::{BATCH_BYTES, Fault, LineError, MAX_RECORD};
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// See the module.
#[derive(Debug)]
pub(crate) struct JsonlDecoder {
    schema: SchemaRef,
    places: Places,
    /// Where in its line each wanted value is.
    cells: Vec<Option<Range<usize>>>,
    /// Whether a column keeps JSON text also for strings.
    raw: Vec<bool>,
    builders: Vec<StringViewBuilder>,
    batch_size: usize,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    line: u64,
    lines: Vec<u64>,
    /// Bytes of the lines of this batch.
    length: usize,
    last_lines: Vec<u64>,
}

impl JsonlDecoder {
    /// A decoder of the named fields; `true` beside a name keeps JSON text as it is.
    pub(crate) fn new(columns: &[(String, bool)], batch_size: usize) -> Self {
        let field = |(name, _): &(String, bool)| Field::new(name, DataType::Utf8View, true);
        Self {
            schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
            places: Places {
                index: columns.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect(),
                order: Vec::new(),
                nth: 0,
            },
            cells: vec![None; columns.len()],
            raw: columns.iter().map(|(_, raw)| *raw).collect(),
            builders: columns.iter().map(|_| StringViewBuilder::new()).collect(),
            batch_size,
            partial: Vec::new(),
            line: 0,
            lines: Vec::new(),
            length: 0,
            last_lines: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, input: &[u8]) -> Result<(usize, Option<RecordBatch>), LineError> {
        let mut taken = 0;
        while let Some(end) = memchr::memchr(b'\n', &input[taken..]) {
            let line = &input[taken..taken + end];
            if self.partial.is_empty() {
                self.row(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.row(&whole)?;
            }
            taken += end + 1;
            if self.lines.len() >= self.batch_size || self.length > BATCH_BYTES {
                return Ok((taken, self.flush()?));
            }
        }
        self.partial.extend_from_slice(&input[taken..]);
        if self.partial.len() > MAX_RECORD {
            let fault = Fault::Other("a line longer than 64 MiB".to_owned());
            return Err(LineError { line: self.line + 1, fault });
        }
        Ok((input.len(), None))
    }

    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>, LineError> {
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.row(&rest)?;
        }
        self.flush()
    }

    pub(super) fn line_of(&self, row: usize) -> u64 {
        self.last_lines.get(row).copied().unwrap_or(self.line)
    }

    fn row(&mut self, line: &[u8]) -> Result<(), LineError> {
        self.line += 1;
        self.length += line.len();
        let at = self.line;
        let fault = |fault| LineError { line: at, fault };
        let text = std::str::from_utf8(line).map_err(|_| fault(Fault::NotUtf8))?;
        self.cells.fill(None);
        self.places.nth = 0;
        let (cells, mut twice) = (&mut self.cells, None);
        let is_row = walk(text, &mut self.places, |place, at| {
            if let Some(i) = place
                && cells[i].replace(at).is_some()
            {
                twice = Some(i);
            }
        })
        .map_err(|reason| fault(Fault::Other(reason)))?;
        if let Some(i) = twice {
            let name = self.schema.field(i).name();
            return Err(fault(Fault::Other(format!("the field \"{name}\" is there twice"))));
        }
        if !is_row {
            return Ok(());
        }
        for ((builder, raw), cell) in self.builders.iter_mut().zip(&self.raw).zip(&self.cells) {
            match cell.clone().map(|range| &text[range]) {
                None | Some("null") => builder.append_null(),
                Some(value) if *raw => builder.append_value(value),
                Some(value) => {
                    let text = unquoted(value).map_err(|reason| fault(Fault::Other(reason)))?;
                    builder.append_value(text);
                }
            }
        }
        self.lines.push(at);
        Ok(())
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, LineError> {
        if self.lines.is_empty() {
            return Ok(None);
        }
        self.last_lines = std::mem::take(&mut self.lines);
        self.length = 0;
        let columns: Vec<ArrayRef> =
            self.builders.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.last_lines.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|e| LineError { line: self.line, fault: Fault::Other(e.to_string()) })
    }
}

/// Which column a field's name is.
#[derive(Debug)]
struct Places {
    index: HashMap<String, usize>,
    /// The names of the last line's fields as JSON text, in their order, and the column of each:
    /// the next line most likely has them in that order too.
    order: Vec<(String, Option<usize>)>,
    /// How many names of this line have been asked for.
    nth: usize,
}

impl Names<'_> for Places {
    /// The column; none for a field that is not wanted.
    type Known = Option<usize>;

    fn expected(&mut self) -> Option<(&str, Self::Known)> {
        self.nth += 1;
        self.order.get(self.nth - 1).map(|(name, place)| (name.as_str(), *place))
    }

    fn known(&mut self, name: &str) -> Result<Self::Known, String> {
        let place = self.index.get(unquoted(name)?.as_ref()).copied();
        match self.order.get_mut(self.nth - 1) {
            Some(known) => {
                known.0.clear();
                known.0.push_str(name);
                known.1 = place;
            }
            None => self.order.push((name.to_owned(), place)),
        }
        Ok(place)
    }
}
