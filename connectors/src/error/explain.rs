//! From an error of the engine to one that names file and reason.
//!
//! Readers of this crate put a [`SourceError`] inside the engine's error; the engine may wrap it
//! any number of times. What comes from elsewhere keeps its own text, without the marks that
//! stand for a file's version in the paths of the store.

use super::SourceError;
use crate::files::place::plain_path;
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use std::error::Error;

/// The [`SourceError`] behind an error of the engine, or its reason as one.
pub fn explain(error: &DataFusionError) -> SourceError {
    if let Some(found) = within(error) {
        return found;
    }
    match error.find_root() {
        DataFusionError::ObjectStore(store) => store_error(store),
        DataFusionError::ParquetError(parquet) => {
            SourceError::Engine { reason: without_versions(&parquet.to_string()) }
        }
        root => SourceError::Engine { reason: without_versions(&root.strip_backtrace()) },
    }
}

/// A [`SourceError`] anywhere in the chain of causes.
fn within(error: &DataFusionError) -> Option<SourceError> {
    match error {
        DataFusionError::Collection(several) => several.iter().find_map(within),
        DataFusionError::Shared(shared) => within(shared),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => within(inner),
        DataFusionError::External(inner) => cause(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::ExternalError(inner) => cause(inner.as_ref()),
            _ => None,
        },
        DataFusionError::ObjectStore(inner) => cause(inner.as_ref()),
        DataFusionError::ParquetError(inner) => cause(inner.as_ref()),
        _ => None,
    }
}

fn cause(error: &(dyn Error + 'static)) -> Option<SourceError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<SourceError>() {
            return Some(found.clone());
        }
        if let Some(found) = error.downcast_ref::<DataFusionError>() {
            return within(found);
        }
        if let Some(ArrowError::ExternalError(inner)) = error.downcast_ref::<ArrowError>() {
            return cause(inner.as_ref());
        }
        next = error.source();
    }
    None
}

fn store_error(error: &object_store::Error) -> SourceError {
    match error {
        object_store::Error::NotFound { path, .. } => SourceError::File {
            file: plain_path(path).to_owned(),
            reason: "there is no such file".to_owned(),
        },
        other => SourceError::Engine { reason: without_versions(&other.to_string()) },
    }
}

/// The text without the first segment of a versioned path.
fn without_versions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        out.push_str(&rest[..at]);
        let plain = plain_path(&rest[at..]);
        if plain.len() == rest.len() - at {
            out.push('@');
            rest = &rest[at + 1..];
        } else {
            rest = plain;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_cause_and_hides_versions() {
        let inner = SourceError::Empty { file: "a.csv".to_owned() };
        let wrapped = DataFusionError::Context(
            "scan".to_owned(),
            Box::new(DataFusionError::ArrowError(
                Box::new(ArrowError::ExternalError(Box::new(inner.clone()))),
                None,
            )),
        );
        assert_eq!(explain(&wrapped), inner);
        assert_eq!(without_versions("in @1f.2a.3b/x/y.csv, to a@b.c"), "in x/y.csv, to a@b.c");
    }
}
