//! What a file is, told by its first bytes and held against the ending of its name.
//!
//! In: a file that came whole, and its name. Out: its form and how it is compressed, or a sentence
//! that says why it is not taken and what to do. Deliberately absent: reading the rest.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use datafusion::datasource::file_format::file_compression_type::FileCompressionType;

use super::name::{Ending, ending};
use crate::store::{FileForm, Packing};

/// How much of the beginning is looked at.
const HEAD: u64 = 64 << 10;
const READS: &str = "AIR reads .csv, .tsv, .jsonl and .parquet, and .gz or .zst of the first three";

/// What a file is, and its name in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) form: FileForm,
    pub(super) packing: Packing,
    pub(super) stored_as: String,
}

/// What the first bytes are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form(FileForm),
    Packed(Packing),
    /// Something known that is not read, and what to do about it.
    Other(&'static str, &'static str),
}

/// Looks at a file.
pub(super) fn tell(path: &Path, name: &str, allowed: &[String]) -> Result<Told, String> {
    let says = ending(name).map_err(|other| {
        format!("{name:?} ends in {other}: {READS}. Save the data in one of these forms.")
    })?;
    let unreadable = |_| format!("{name:?} cannot be read back from the disk; upload it again.");
    let mut file = File::open(path).map_err(unreadable)?;
    let head = beginning(&mut file).map_err(unreadable)?;
    let (packing, kind) = match kind(&head) {
        Kind::Packed(packing) => {
            file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
            let inside = unpacked(file, packing).and_then(|mut reader| beginning(&mut reader));
            let inside = inside.map_err(|e| damaged(name, packing, &e))?;
            if inside.is_empty() {
                return Err(format!("{name:?} holds nothing but its compression."));
            }
            (packing, self::kind(&inside))
        }
        plain => (Packing::None, plain),
    };
    let form = match kind {
        Kind::Form(FileForm::Parquet) if packing != Packing::None => {
            return Err(format!(
                "{name:?} is compressed Parquet, which is compressed inside already; upload it \
                 unpacked."
            ));
        }
        Kind::Form(form) => form,
        Kind::Packed(_) => {
            return Err(format!("{name:?} is compressed twice; unpack it once and upload that."));
        }
        Kind::Other(what, to_do) => return Err(format!("{name:?} is {what}: {READS}. {to_do}")),
    };
    fits(name, says, form, packing)?;
    if !allowed.iter().any(|ending| ending == form.ending()) {
        let known = allowed.join(", ");
        return Err(format!("{name:?} is of a form that is not taken here; taken are {known}."));
    }
    let ending = if says.tabs { ".tsv" } else { form.ending() };
    Ok(Told { form, packing, stored_as: format!("data{ending}{}", packing.ending()) })
}

/// Whether the name says what the content is. A name without an ending says nothing.
fn fits(name: &str, says: Ending, form: FileForm, packing: Packing) -> Result<(), String> {
    let stem = || name.split('.').next().unwrap_or(name);
    let better = format!("{}{}{}", stem(), form.ending(), packing.ending());
    let bare = says.form.is_none() && says.packing == Packing::None;
    if bare || (says.packing == packing && says.form.is_none_or(|said| said == form)) {
        return Ok(());
    }
    let is = match (form, packing) {
        (FileForm::Csv, Packing::None) => "plain text",
        (FileForm::Jsonl, Packing::None) => "JSON lines",
        (FileForm::Parquet, _) => "Parquet",
        (_, Packing::Gzip) => "compressed by gzip",
        (_, Packing::Zstd) => "compressed by zstd",
    };
    Err(format!(
        "The content of {name:?} is {is}, which its ending does not say; if that is what it should \
         be, upload it as {better:?}."
    ))
}

fn damaged(name: &str, packing: Packing, error: &io::Error) -> String {
    let by = if packing == Packing::Gzip { "gzip" } else { "zstd" };
    format!("{name:?} is compressed by {by}, but damaged or cut off ({error}); upload it again.")
}

fn beginning(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// The content of a file, unpacked as it is read.
pub(super) fn unpacked(file: File, packing: Packing) -> io::Result<Box<dyn Read + Send>> {
    let kind = match packing {
        Packing::None => FileCompressionType::UNCOMPRESSED,
        Packing::Gzip => FileCompressionType::GZIP,
        Packing::Zstd => FileCompressionType::ZSTD,
    };
    kind.convert_read(io::BufReader::new(file)).map_err(io::Error::other)
}

fn kind(head: &[u8]) -> Kind {
    const MAGIC: [(&[u8], Kind); 12] = [
        (b"PAR1", Kind::Form(FileForm::Parquet)),
        (b"PARE", Kind::Other("encrypted Parquet", "Write it without encryption.")),
        (b"\x1f\x8b", Kind::Packed(Packing::Gzip)),
        (b"\x28\xb5\x2f\xfd", Kind::Packed(Packing::Zstd)),
        (b"ARROW1", Kind::Other("an Arrow file", "Write it as Parquet.")),
        (b"\xff\xff\xff\xff", Kind::Other("an Arrow stream", "Write it as Parquet.")),
        (
            b"PK\x03\x04",
            Kind::Other(
                "an archive (zip, or a workbook such as .xlsx)",
                "Unpack it and upload the files in it; save a workbook's sheet as CSV.",
            ),
        ),
        (b"PK\x05\x06", Kind::Other("an empty archive (zip)", "Upload the files themselves.")),
        (
            b"\xfd7zXZ",
            Kind::Other("compressed by xz", "Compress it by gzip or zstd, or not at all."),
        ),
        (b"BZh", Kind::Other("compressed by bzip2", "Compress it by gzip or zstd, or not at all.")),
        (b"\xff\xfe", UTF16),
        (b"\xfe\xff", UTF16),
    ];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if head.get(257..262) == Some(b"ustar") {
        return Kind::Other("an archive (tar)", "Unpack it and upload the files in it.");
    }
    // Tab, line breaks and form feed are of texts; the other low bytes are not.
    let is_text = |b: &u8| *b >= 0x20 || (0x09..=0x0d).contains(b) || *b == 0x1b;
    if !head.iter().all(is_text) {
        let to_do = "If it is text, save it as UTF-8 without NUL and control bytes.";
        return Kind::Other("no text, and none of the binary forms that are read", to_do);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => Kind::Form(FileForm::Jsonl),
        Some(b'[') if is_json_array(text) => Kind::Other(
            "a JSON document that begins with [",
            "Write one object a line, without brackets around them and commas between.",
        ),
        _ => Kind::Form(FileForm::Csv),
    }
}

const UTF16: Kind = Kind::Other("text in UTF-16", "Save it as UTF-8.");

/// A header of CSV may begin with a bracket, but not go on as a document does.
fn is_json_array(text: &[u8]) -> bool {
    let mut rest = text.iter().filter(|b| !b.is_ascii_whitespace()).skip(1);
    matches!(rest.next(), None | Some(b'{' | b'[' | b'"' | b']' | b'0'..=b'9' | b'-'))
}
