//! Case folding for the operators that ignore case.

use super::wrong_arguments;
use datafusion::arrow::array::{Array, StringViewArray, StringViewBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Text with every character folded by Unicode's simple case folding (`CaseFolding.txt`, status
/// C and S), so that the length in characters stays.
///
/// It stands for one comparison, with text that is folded already: letters that this text lacks
/// may stay as they are, so an engine that folds otherwise needs to be told of few letters.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fold {
    /// Each letter that folds to one of the other text's, and that one.
    pub(crate) letters: Vec<(char, char)>,
    signature: Signature,
}

impl Fold {
    /// For a comparison with `other`, which is folded.
    pub(crate) fn toward(other: &str) -> Self {
        let mut wanted: Vec<char> = other.chars().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let letters = wanted
            .into_iter()
            .flat_map(|to| UNFOLDED.get(&to).into_iter().flatten().map(move |from| (*from, to)))
            .collect();
        Self::of(letters)
    }

    /// The same by its letters.
    pub(crate) fn of(letters: Vec<(char, char)>) -> Self {
        let signature = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
        Self { letters, signature }
    }
}

/// The letters that fold to another, by that one.
static UNFOLDED: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut letters: BTreeMap<char, Vec<char>> = BTreeMap::new();
    for letter in char::MIN..=char::MAX {
        let folded = fold_char(letter);
        if folded != letter {
            letters.entry(folded).or_default().push(letter);
        }
    }
    letters
});

/// `text` folded.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(fold_char).collect()
}

fn fold_char(c: char) -> char {
    unicode_case_mapping::case_folded(c)
        .and_then(|folded| char::from_u32(folded.get()))
        .unwrap_or(c)
}

impl ScalarUDFImpl for Fold {
    fn name(&self) -> &'static str {
        "air_fold"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = &arrays[..] else { return wrong_arguments(self.name()) };
        let Some(texts) = array.as_any().downcast_ref::<StringViewArray>() else {
            return wrong_arguments(self.name());
        };
        let mut folded = StringViewBuilder::with_capacity(texts.len());
        for text in texts {
            folded.append_option(text.map(fold));
        }
        Ok(ColumnarValue::Array(Arc::new(folded.finish())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fold, fold};

    #[test]
    fn folds_one_character_to_one() {
        assert_eq!(fold("STRASSE"), "strasse");
        assert_eq!(fold("Straße"), "straße");
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("\u{212A}elvin"), "kelvin");
        assert_ne!(fold("ı"), fold("i"));
    }

    #[test]
    fn knows_the_letters_that_fold_to_those_of_a_text() {
        assert_eq!(Fold::toward("kß1").letters, [('K', 'k'), ('\u{212A}', 'k'), ('ẞ', 'ß')]);
        assert_eq!(fold("I İ"), "i İ");
    }
}
