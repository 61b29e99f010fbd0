//! A value in a list that is one parameter: how keys of one source reach another.

use super::wrong_arguments;
use datafusion::arrow::array::{Array, BooleanArray, ListArray};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::HashSet;
use std::sync::Arc;

/// `air_any(value, list)`: whether the list holds the value. Null for a null value; nulls in the
/// list count for nothing, so that it belongs where null and false are the same.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Any {
    signature: Signature,
}

impl Any {
    /// For values of type `of`.
    pub(crate) fn new(of: &DataType) -> Self {
        let list = DataType::List(Arc::new(Field::new_list_field(of.clone(), true)));
        Self { signature: Signature::exact(vec![of.clone(), list], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Any {
    fn name(&self) -> &'static str {
        "air_any"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values, ColumnarValue::Scalar(ScalarValue::List(list))] = &args.args[..] else {
            return wrong_arguments(self.name());
        };
        let known = elements(list)?;
        let values = values.to_array(args.number_rows)?;
        let mut found = Vec::with_capacity(values.len());
        for i in 0..values.len() {
            let value = ScalarValue::try_from_array(&values, i)?;
            found.push((!value.is_null()).then(|| known.contains(&value)));
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(found))))
    }
}

fn elements(list: &ListArray) -> Result<HashSet<ScalarValue>> {
    let values = list.values();
    (0..values.len()).map(|i| ScalarValue::try_from_array(values, i)).collect()
}
