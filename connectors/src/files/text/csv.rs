//! CSV records as text columns, by position.

use super::{BATCH_BYTES, Fault, LineError, MAX_RECORD};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv::ReaderBuilder;
use datafusion::arrow::csv::reader::Decoder;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use std::sync::Arc;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How one CSV file is read.
#[derive(Debug, Clone)]
struct Form {
    schema: SchemaRef,
    delimiter: u8,
    projection: Vec<usize>,
}

/// See the module of both formats. Keeps the bytes of the last batch, so that the line of a row
/// that turns out bad is found by reading them once more.
#[derive(Debug)]
pub(crate) struct CsvDecoder {
    form: Form,
    batch_size: usize,
    decoder: Decoder,
    /// The file's first bytes have not come yet: a byte order mark may.
    at_start: bool,
    now: Replay,
    last: Replay,
    /// Bytes taken since a record was complete.
    open: usize,
}

/// The bytes of one batch, and where they begin.
#[derive(Debug, Clone, Default)]
struct Replay {
    bytes: Vec<u8>,
    line: u64,
    header: bool,
}

impl CsvDecoder {
    /// A decoder for files of `width` columns of which `projection` is wanted. `from_start` is
    /// false where only later lines are read, so there is no header to pass over.
    pub(crate) fn new(
        width: usize,
        delimiter: u8,
        projection: Vec<usize>,
        batch_size: usize,
        from_start: bool,
    ) -> Self {
        let fields: Vec<Field> =
            (0..width).map(|i| Field::new(i.to_string(), DataType::Utf8View, true)).collect();
        let form = Form { schema: Arc::new(Schema::new(fields)), delimiter, projection };
        let decoder = form.decoder(batch_size, from_start);
        let now = Replay { bytes: Vec::new(), line: 1, header: from_start };
        Self { form, batch_size, decoder, at_start: from_start, last: now.clone(), now, open: 0 }
    }

    pub(super) fn push(&mut self, input: &[u8]) -> Result<(usize, Option<RecordBatch>), LineError> {
        if self.at_start {
            self.at_start = false;
            if input.starts_with(BOM) {
                return Ok((BOM.len(), None));
            }
        }
        // A long batch ends after a line, where a record most likely ends too.
        let is_long = self.now.bytes.len() > BATCH_BYTES;
        let input = match input.iter().rposition(|b| *b == b'\n') {
            Some(end) if is_long => &input[..=end],
            _ => input,
        };
        let room = self.decoder.capacity();
        let taken = match self.decoder.decode(input) {
            Ok(taken) => taken,
            Err(e) => return Err(self.fault(input, &e)),
        };
        self.now.bytes.extend_from_slice(&input[..taken]);
        self.open = if self.decoder.capacity() < room { 0 } else { self.open + taken };
        if self.open > MAX_RECORD {
            let fault =
                Fault::Other("a record longer than 64 MiB; is a quote left open?".to_owned());
            return Err(LineError { line: self.now.line, fault });
        }
        let is_full = self.decoder.capacity() == 0;
        if is_full || (is_long && self.open == 0) {
            return Ok((taken, self.flush()?));
        }
        Ok((taken, None))
    }

    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>, LineError> {
        if let Err(e) = self.decoder.decode(b"\n") {
            return Err(self.fault(b"\n", &e));
        }
        // A line's end ends a record, unless it is within quotes. One that the file's end alone
        // would end has a quote left open, and whatever came after it as its text.
        let room = self.decoder.capacity();
        if self.decoder.decode(&[]).is_err() || self.decoder.capacity() < room {
            let fault = Fault::Other("a quote is left open to the end of the file".to_owned());
            return Err(LineError { line: self.form.replay(&self.now, None).line, fault });
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<Option<RecordBatch>, LineError> {
        match self.decoder.flush() {
            Ok(batch) => {
                let lines = newlines(&self.now.bytes);
                let next = Replay { bytes: Vec::new(), line: self.now.line + lines, header: false };
                self.last = std::mem::replace(&mut self.now, next);
                Ok(batch)
            }
            // The batch ended within a record after all, so it goes on.
            Err(ArrowError::CsvError(text)) if text.contains("part way through") => Ok(None),
            Err(e) => Err(self.fault(&[], &e)),
        }
    }

    pub(super) fn line_of(&self, row: usize) -> u64 {
        self.form.replay(&self.last, Some(row)).line
    }

    fn fault(&self, input: &[u8], error: &ArrowError) -> LineError {
        let mut replay = self.now.clone();
        // The records at fault end within the batch; no more than a batch of input matters.
        replay.bytes.extend_from_slice(input);
        let found = self.form.replay(&replay, None);
        debug_assert!(self.batch_size > 0);
        match found.fault {
            Some(fault) => LineError { line: found.line, fault },
            None => LineError { line: found.line, fault: fault_of(error) },
        }
    }
}

struct Position {
    line: u64,
    fault: Option<Fault>,
}

impl Form {
    fn decoder(&self, batch_size: usize, header: bool) -> Decoder {
        ReaderBuilder::new(Arc::clone(&self.schema))
            .with_delimiter(self.delimiter)
            .with_header(header)
            .with_batch_size(batch_size)
            .with_projection(self.projection.clone())
            .build_decoder()
    }

    /// Reads record by record up to `row`, or to the first fault.
    fn replay(&self, replay: &Replay, row: Option<usize>) -> Position {
        let mut decoder = self.decoder(1, replay.header);
        let (mut line, mut rest, mut rows) = (replay.line, replay.bytes.as_slice(), 0);
        let mut header = replay.header;
        loop {
            // The decoder passes over empty lines in silence.
            while let [b'\n' | b'\r', after @ ..] = rest {
                line += u64::from(rest[0] == b'\n');
                rest = after;
            }
            if rest.is_empty() || (!header && row == Some(rows)) {
                return Position { line, fault: None };
            }
            let taken = match decoder.decode(rest) {
                Ok(taken) => taken,
                Err(e) => {
                    return Position { line, fault: Some(fault_of(&e)) };
                }
            };
            let is_row = decoder.capacity() == 0;
            if is_row {
                if let Err(e) = decoder.flush() {
                    return Position { line, fault: Some(fault_of(&e)) };
                }
                rows += 1;
            }
            header &= is_row;
            // A record that does not end is where it begins.
            if !is_row && (taken == 0 || taken == rest.len()) {
                return Position { line, fault: None };
            }
            line += newlines(&rest[..taken]);
            rest = &rest[taken..];
        }
    }
}

/// What the decoder says, as data: its texts are the only form it gives.
fn fault_of(error: &ArrowError) -> Fault {
    let text = match error {
        ArrowError::CsvError(text) => text.clone(),
        other => other.to_string(),
    };
    let number = |after: &str| -> Option<usize> {
        let rest = text.split(after).nth(1)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    if text.contains("incorrect number of fields")
        && let Some(expected) = number("expected ")
        && let Some(found) =
            number("got more than ").map(|n| n.max(expected) + 1).or_else(|| number("got "))
    {
        return Fault::Ragged { expected, found };
    }
    if text.contains("invalid UTF-8") { Fault::NotUtf8 } else { Fault::Other(text) }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|b| u64::from(*b == b'\n')).sum()
}
