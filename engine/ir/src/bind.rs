//! Parameters to values: an IR with `"{{name}}"` becomes an IR without.

use crate::filter::{Comparison, Exists, Filter, Op, Operand, Scalar};
use crate::metric::Metric;
use crate::period::Period;
use crate::{Code, EntityRef, Ir, IrError, Pointer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The parameters of a run, with defaults already filled in and checked against their schema.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    /// Values by name: scalars, or lists of scalars.
    pub values: BTreeMap<String, Value>,
    /// Names that may be missing: the smallest filter that holds one then falls away.
    pub optional: BTreeSet<String>,
}

/// What became of a value.
enum Bound<T> {
    Value(T),
    /// An optional parameter that was not given.
    Absent,
}

struct Binder<'b> {
    bindings: &'b Bindings,
    used: BTreeSet<String>,
    errors: Vec<IrError>,
}

impl Ir {
    /// This IR with every parameter replaced by its value.
    ///
    /// # Errors
    /// Every parameter that is required and missing, does not fit where it stands, or is given
    /// and not used.
    pub fn bind(&self, bindings: &Bindings) -> Result<Self, Vec<IrError>> {
        let mut binder = Binder { bindings, used: BTreeSet::new(), errors: Vec::new() };
        let bound = binder.ir(self, &Pointer::root());
        for name in bindings.values.keys().filter(|n| !binder.used.contains(*n)) {
            let detail = format!("There is no parameter \"{name}\" in this IR.");
            let error = IrError::new(Code::UnknownParameter, &Pointer::root(), detail);
            binder.errors.push(error.near(name, binder.used.iter().map(String::as_str)));
        }
        if binder.errors.is_empty() { Ok(bound) } else { Err(binder.errors) }
    }

    /// The names of all parameters.
    pub fn parameters(&self) -> BTreeSet<String> {
        // Binding with nothing given touches every parameter once.
        let bindings = Bindings::default();
        let mut binder = Binder { bindings: &bindings, used: BTreeSet::new(), errors: Vec::new() };
        binder.ir(self, &Pointer::root());
        binder.used
    }
}

impl Binder<'_> {
    fn ir(&mut self, ir: &Ir, at: &Pointer) -> Ir {
        let mut bound = ir.clone();
        for (i, entity) in bound.entities.iter_mut().enumerate() {
            if let EntityRef::Query { query, .. } = entity {
                **query = self.ir(query, &at.key("entities").index(i).key("query"));
            }
        }
        for (i, metric) in bound.metrics.iter_mut().enumerate() {
            self.metric(metric, &at.key("metrics").index(i).key("filter"));
        }
        bound.filters = self.list(&ir.filters, &at.key("filters"));
        bound.having = self.list(&ir.having, &at.key("having"));
        bound
    }

    fn metric(&mut self, metric: &mut Metric, at: &Pointer) {
        if let Some(filter) = metric.filter.take() {
            metric.filter = self.filter(&filter, at);
        }
    }

    fn list(&mut self, filters: &[Filter], at: &Pointer) -> Vec<Filter> {
        filters.iter().enumerate().filter_map(|(i, f)| self.filter(f, &at.index(i))).collect()
    }

    /// The filter with its values, or nothing where it falls away.
    fn filter(&mut self, filter: &Filter, at: &Pointer) -> Option<Filter> {
        match filter {
            Filter::All(list) => Some(Filter::All(self.list(list, &at.key("all")))),
            Filter::Any(list) => {
                let kept = self.list(list, &at.key("any"));
                // An `any` all of whose parts fell away must not turn into "nothing matches".
                (!kept.is_empty() || list.is_empty()).then_some(Filter::Any(kept))
            }
            Filter::Not(inner) => {
                self.filter(inner, &at.key("not")).map(|f| Filter::Not(Box::new(f)))
            }
            Filter::Exists(exists) => {
                let at = at.key("exists").key("filters");
                let filters = self.list(&exists.filters, &at);
                Some(Filter::Exists(Exists { filters, ..exists.clone() }))
            }
            Filter::Compare(comparison) => {
                let value = self.operand(comparison, &at.key("value"))?;
                Some(Filter::Compare(Comparison { value, ..comparison.clone() }))
            }
        }
    }

    fn operand(&mut self, comparison: &Comparison, at: &Pointer) -> Option<Operand> {
        match (&comparison.value, comparison.op) {
            (Operand::One(Scalar::Param(name)), op) => {
                let Bound::Value(value) = self.value(name, at) else { return None };
                Some(self.whole(name, &value, op, at).unwrap_or(Operand::None))
            }
            (Operand::Many(list), op) => {
                let mut kept = Vec::new();
                for (i, scalar) in list.iter().enumerate() {
                    match self.element(scalar, &at.index(i)) {
                        Bound::Value(values) => kept.extend(values),
                        // Both ends of `between` are needed; a missing one drops the filter.
                        Bound::Absent if op == Op::Between => return None,
                        Bound::Absent => {}
                    }
                }
                if kept.is_empty() && !list.is_empty() && list.iter().all(|s| self.is_absent(s)) {
                    return None;
                }
                Some(Operand::Many(kept))
            }
            (other, _) => Some(other.clone()),
        }
    }

    fn is_absent(&self, scalar: &Scalar) -> bool {
        matches!(scalar, Scalar::Param(name)
            if self.bindings.values.get(name).is_none_or(Value::is_null))
    }

    /// A parameter that is the whole value of a comparison.
    fn whole(&mut self, name: &str, value: &Value, op: Op, at: &Pointer) -> Option<Operand> {
        match (op, value) {
            (Op::In | Op::NotIn, Value::Array(items)) => {
                let scalars = items.iter().map(|v| self.scalar(name, v, at)).collect::<Option<_>>();
                scalars.map(Operand::Many)
            }
            (Op::In | Op::NotIn, one) => self.scalar(name, one, at).map(|s| Operand::Many(vec![s])),
            (Op::During, Value::String(text)) => match Period::parse(text) {
                Ok(period) => Some(Operand::Period(period)),
                Err(detail) => self.fail(Code::BadPeriod, at, detail),
            },
            (Op::During, _) => {
                let detail = format!("The parameter \"{name}\" must be a period as text.");
                self.fail(Code::TypeMismatch, at, detail)
            }
            (_, Value::Array(_)) => {
                let detail = format!(
                    "The parameter \"{name}\" is a list; \"{}\" takes one value.",
                    op.as_str()
                );
                self.fail(Code::TypeMismatch, at, detail)
            }
            (_, one) => self.scalar(name, one, at).map(Operand::One),
        }
    }

    /// A parameter that is one element of a list.
    fn element(&mut self, scalar: &Scalar, at: &Pointer) -> Bound<Vec<Scalar>> {
        let Scalar::Param(name) = scalar else { return Bound::Value(vec![scalar.clone()]) };
        match self.value(name, at) {
            Bound::Value(value) => {
                Bound::Value(self.scalar(name, &value, at).into_iter().collect())
            }
            Bound::Absent => Bound::Absent,
        }
    }

    fn value(&mut self, name: &str, at: &Pointer) -> Bound<Value> {
        self.used.insert(name.to_owned());
        match self.bindings.values.get(name) {
            Some(value) if !value.is_null() => return Bound::Value(value.clone()),
            _ if self.bindings.optional.contains(name) => {}
            _ => {
                let detail = format!("The parameter \"{name}\" has no value and no default.");
                self.errors.push(IrError::new(Code::MissingParameter, at, detail));
            }
        }
        Bound::Absent
    }

    fn scalar(&mut self, name: &str, value: &Value, at: &Pointer) -> Option<Scalar> {
        match value {
            Value::Null => Some(Scalar::Null),
            Value::Bool(b) => Some(Scalar::Bool(*b)),
            Value::Number(n) => Some(Scalar::Number(n.clone())),
            // A value is a value, also where it looks like a parameter.
            Value::String(s) => Some(Scalar::Text(s.clone())),
            Value::Array(_) | Value::Object(_) => {
                let detail = format!("The parameter \"{name}\" must be one plain value here.");
                self.fail(Code::TypeMismatch, at, detail)
            }
        }
    }

    fn fail<T>(&mut self, code: Code, at: &Pointer, detail: String) -> Option<T> {
        self.errors.push(IrError::new(code, at, detail));
        None
    }
}
