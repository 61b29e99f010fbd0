//! What names in a SQL text lead to: tables of the catalog, and functions of the list.

use super::expressions::{AGGREGATE, SCALAR, WINDOW};
use super::types::Types;
use crate::functions::Later;
use crate::prepared::Prepared;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::functions::{core, math, string, unicode};
use datafusion::functions_aggregate as aggregates;
use datafusion::functions_window as windows;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use std::sync::Arc;

/// A table that the catalog does not have, or has twice.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(super) struct NoTable {
    pub(super) name: String,
    pub(super) ambiguous: bool,
    detail: String,
}

/// The catalog as the planner of SQL asks for it.
pub(super) struct Names<'p> {
    prepared: &'p Prepared,
    planners: Vec<Arc<dyn ExprPlanner>>,
    options: ConfigOptions,
}

impl<'p> Names<'p> {
    pub(super) fn new(prepared: &'p Prepared) -> Self {
        let planners: Vec<Arc<dyn ExprPlanner>> = vec![
            Arc::new(core::planner::CoreFunctionPlanner::default()),
            Arc::new(datafusion::functions::datetime::planner::DatetimeFunctionPlanner),
            Arc::new(datafusion::functions::unicode::planner::UnicodeFunctionPlanner),
            Arc::new(aggregates::planner::AggregateFunctionPlanner),
            Arc::new(windows::planner::WindowFunctionPlanner),
        ];
        Self { prepared, planners, options: ConfigOptions::default() }
    }
}

impl ContextProvider for Names<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let wanted = match name.schema() {
            Some(schema) => format!("{schema}.{}", name.table()),
            None => name.table().to_owned(),
        };
        let found = match name.catalog() {
            Some(_) => &[],
            None => self.prepared.find(&wanted),
        };
        match found {
            [one] => Ok(self.prepared.source(*one)),
            found => {
                let ambiguous = !found.is_empty();
                let detail = match ambiguous {
                    true => format!("\"{wanted}\" is in several schemas; say which."),
                    false => format!("There is no table \"{wanted}\"."),
                };
                let error = NoTable { name: wanted, ambiguous, detail };
                Err(DataFusionError::External(Box::new(error)))
            }
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        Some(match name {
            "abs" => math::abs(),
            "btrim" | "trim" => string::btrim(),
            "char_length" | "character_length" | "length" => unicode::character_length(),
            "coalesce" => core::coalesce(),
            "greatest" => core::greatest(),
            "least" => core::least(),
            "lower" => string::lower(),
            "nullif" => core::nullif(),
            "starts_with" => string::starts_with(),
            "substr" => unicode::substr(),
            "upper" => string::upper(),
            // Their meaning follows the types of their arguments, which are not known yet.
            "ceil" | "ceiling" | "concat" | "date_part" | "date_trunc" | "floor" | "round"
            | "timezone" => Arc::new(ScalarUDF::new_from_impl(Later::new(name))),
            _ => return super::marked::function(name),
        })
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        Some(match name {
            "avg" => aggregates::average::avg_udaf(),
            "bool_and" | "every" => aggregates::bool_and_or::bool_and_udaf(),
            "bool_or" => aggregates::bool_and_or::bool_or_udaf(),
            "count" => aggregates::count::count_udaf(),
            "max" => aggregates::min_max::max_udaf(),
            "min" => aggregates::min_max::min_udaf(),
            "stddev" | "stddev_samp" => aggregates::stddev::stddev_udaf(),
            "sum" => aggregates::sum::sum_udaf(),
            "var_samp" | "variance" => aggregates::variance::var_samp_udaf(),
            _ => return None,
        })
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        Some(match name {
            "cume_dist" => windows::cume_dist::cume_dist_udwf(),
            "dense_rank" => windows::rank::dense_rank_udwf(),
            "first_value" => windows::nth_value::first_value_udwf(),
            "lag" => windows::lead_lag::lag_udwf(),
            "last_value" => windows::nth_value::last_value_udwf(),
            "lead" => windows::lead_lag::lead_udwf(),
            "ntile" => windows::ntile::ntile_udwf(),
            "percent_rank" => windows::rank::percent_rank_udwf(),
            "rank" => windows::rank::rank_udwf(),
            "row_number" => windows::row_number::row_number_udwf(),
            _ => return None,
        })
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        SCALAR.iter().map(|n| (*n).to_owned()).collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        AGGREGATE.iter().map(|n| (*n).to_owned()).collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        WINDOW.iter().map(|n| (*n).to_owned()).collect()
    }
}
