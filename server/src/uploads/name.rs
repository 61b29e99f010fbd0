//! The name that a person gave a file: shown, and read for its ending. It is never a place.

use crate::store::{FileForm, Packing};

/// Longer names are cut in front of their ending.
const MOST: usize = 120;
/// What stands for a name of which nothing is left.
const NAMELESS: &str = "upload";

/// The name without folders, and without characters that cannot be seen or that turn the text
/// around.
pub(super) fn shown(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let unseen = |c: &char| c.is_control() || is_invisible(*c);
    let plain: String = last.chars().filter(|c| !unseen(c)).collect();
    let plain = plain.trim();
    if plain.is_empty() || plain.chars().all(|c| c == '.') {
        return NAMELESS.to_owned();
    }
    let count = plain.chars().count();
    if count <= MOST {
        return plain.to_owned();
    }
    // The ending is what the name is read for.
    let begin: String = plain.chars().take(MOST / 2).collect();
    let end: String = plain.chars().skip(count - MOST / 2).collect();
    format!("{begin}…{end}")
}

/// Formatting characters: of no width, or of the direction of the text (Unicode Cf and its like).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// What a name says is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// None where the name has no ending.
    pub(super) form: Option<FileForm>,
    pub(super) packing: Packing,
    /// Cells are cut at tabs.
    pub(super) tabs: bool,
}

/// The ending of a name; an ending that is of no form is told back.
pub(super) fn ending(name: &str) -> Result<Ending, String> {
    let lower = name.to_lowercase();
    let (packing, inner) =
        [(".gz", Packing::Gzip), (".zst", Packing::Zstd), (".zstd", Packing::Zstd)]
            .into_iter()
            .find_map(|(ending, packing)| Some((packing, lower.strip_suffix(ending)?)))
            .unwrap_or((Packing::None, lower.as_str()));
    let Some((_, last)) = inner.rsplit_once('.') else {
        return Ok(Ending { form: None, packing, tabs: false });
    };
    let form = match last {
        "csv" | "tsv" => FileForm::Csv,
        "jsonl" | "ndjson" | "json" => FileForm::Jsonl,
        "parquet" => FileForm::Parquet,
        other => return Err(format!(".{other}")),
    };
    Ok(Ending { form: Some(form), packing, tabs: last == "tsv" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_place() {
        for (given, kept) in [
            ("../../etc/passwd.csv", "passwd.csv"),
            ("/etc/shadow", "shadow"),
            (r"C:\Users\eva\a.csv", "a.csv"),
            ("..", "upload"),
            ("", "upload"),
            ("a/", "upload"),
            ("\0\n", "upload"),
            ("a\0b\r\n.csv", "ab.csv"),
            ("gnp.\u{202e}vsc.exe", "gnp.vsc.exe"),
            ("Größe 2024.csv", "Größe 2024.csv"),
        ] {
            assert_eq!(shown(given), kept, "{given:?}");
        }
        let long = format!("{}.csv", "x".repeat(5000));
        assert!(shown(&long).chars().count() <= MOST + 1 && shown(&long).ends_with("x.csv"));
    }

    #[test]
    fn endings_tell_form_and_packing() {
        let of = |form, packing, tabs| Ok(Ending { form, packing, tabs });
        assert_eq!(ending("a.CSV"), of(Some(FileForm::Csv), Packing::None, false));
        assert_eq!(ending("a.tsv.gz"), of(Some(FileForm::Csv), Packing::Gzip, true));
        assert_eq!(ending("a.b.ndjson.zst"), of(Some(FileForm::Jsonl), Packing::Zstd, false));
        assert_eq!(ending("readings"), of(None, Packing::None, false));
        assert_eq!(ending("readings.gz"), of(None, Packing::Gzip, false));
        assert_eq!(ending("a.xlsx"), Err(".xlsx".to_owned()));
    }
}
