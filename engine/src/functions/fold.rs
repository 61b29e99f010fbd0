//! Case folding for the operators that ignore case.

use super::wrong_arguments;
use datafusion::arrow::array::{Array, StringViewArray, StringViewBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Text with every character folded by Unicode's simple case folding (`CaseFolding.txt`, status
/// C and S), so that the length in characters stays.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fold {
    signature: Signature,
}

impl Fold {
    pub(crate) fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

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
    use super::fold;

    #[test]
    fn folds_one_character_to_one() {
        assert_eq!(fold("STRASSE"), "strasse");
        assert_eq!(fold("Straße"), "straße");
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("\u{212A}elvin"), "kelvin");
        assert_ne!(fold("ı"), fold("i"));
    }
}
