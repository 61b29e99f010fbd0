//! Whether a declared primary key is one.

use super::{Draft, Learning};
use crate::error::SourceError;
use crate::files::from_engine;
use datafusion::arrow::array::{Array, cast::AsArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::Column;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, ident, lit};
use std::sync::Arc;

const ROWS: &str = "rows of the key";

impl<P: Fn(&str, u8) + Send + Sync> Learning<'_, P> {
    /// A primary key that several rows share is an error, which names the first such value.
    pub(super) async fn verify_key(
        &self,
        draft: &Draft,
        zone: Option<&str>,
    ) -> Result<(), SourceError> {
        let table = &draft.table;
        if table.primary_key.is_empty() {
            return Ok(());
        }
        match self.first_duplicate(draft, &table.primary_key, zone).await? {
            None => Ok(()),
            Some((value, rows)) => Err(SourceError::DuplicateKey {
                table: table.name.clone(),
                columns: table.primary_key.clone(),
                value,
                rows,
            }),
        }
    }

    /// The first value, in order, of some columns that several rows have, and how many.
    pub(super) async fn first_duplicate(
        &self,
        draft: &Draft,
        columns: &[String],
        zone: Option<&str>,
    ) -> Result<Option<(String, u64)>, SourceError> {
        let provider = Arc::new(self.source.provider(&draft.table, zone, &draft.current)?);
        let keys: Vec<Expr> =
            columns.iter().map(|k| Expr::Column(Column::new_unqualified(k))).collect();
        let frame = self.session.read_table(provider).map_err(from_engine)?;
        let twice = frame
            .aggregate(keys.clone(), vec![count(lit(1_i64)).alias(ROWS)])
            .and_then(|f| f.filter(ident(ROWS).gt(lit(1_i64))))
            .and_then(|f| f.sort(keys.into_iter().map(|k| k.sort(true, true)).collect()))
            .and_then(|f| f.limit(0, Some(1)))
            .map_err(from_engine)?;
        let batches = twice.collect().await.map_err(from_engine)?;
        let Some(batch) = batches.iter().find(|b| b.num_rows() > 0) else {
            return Ok(None);
        };
        let (counts, values) = batch.columns().split_last().ok_or(SourceError::NothingToLearn)?;
        let shown: Vec<String> =
            values.iter().map(|v| array_value_to_string(v, 0).unwrap_or_default()).collect();
        let rows = counts
            .as_primitive_opt::<Int64Type>()
            .filter(|c| !c.is_empty())
            .map_or(2, |c| c.value(0));
        Ok(Some((shown.join(", "), u64::try_from(rows).unwrap_or(2))))
    }
}
