//! Lists of values kept apart, since DataFusion joins two of one column and forgets its nulls.
//!
//! Its simplifier makes `x NOT IN (1) OR x NOT IN (2)` true, `x IN (1) AND x IN (2)` false and
//! `x IN (1) AND x NOT IN (1)` false, where all three are null for a null `x`; it takes
//! `x IN (1) AND x NOT IN (2, NULL)` for `x IN (1)`; and it compares the lists as they are
//! written, so that `x IN (a) AND x IN (b)` is false whatever the columns `a` and `b` hold. (Its
//! lists also come of `x = 1 OR x = 2`.) Here
//!
//! - a null leaves its list: `x IN (1, NULL)` is `x IN (1) OR NULL`, and `x NOT IN (1, NULL)` is
//!   `x NOT IN (1) AND NULL`;
//! - an item that is no constant leaves it: `x IN (1, a)` is `x IN (1) OR x = a`;
//! - of all lists left in a plan that may be joined where null and false differ, all but one
//!   test a value with a mark of its own.
//!
//! A condition that a filter or a join asks of every row is left as it is, for there null and
//! false are the same, and files are pruned by it.

use crate::functions::{call, wrong_arguments};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDFImpl, Signature, Volatility, lit,
};

/// The plan with its lists apart from one another.
pub(super) fn apart(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut marks = Marks::default();
    let plan = plan.transform_up_with_subqueries(|node| marks.node(node))?;
    Ok(plan.data)
}

/// How many lists were found so far where null and false differ.
#[derive(Default)]
struct Marks(usize);

impl Marks {
    fn node(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let asked = matches!(node, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            if !has_lists(&expr) {
                return Ok(Transformed::no(expr));
            }
            let name = names.save(&expr);
            let expr = match asked {
                true => {
                    let parts = split_conjunction_owned(expr).into_iter();
                    let parts = parts.map(|part| match is_list(&part) {
                        true => Ok(part),
                        false => self.within(part),
                    });
                    conjunction(parts.collect::<Result<Vec<_>>>()?).unwrap_or_else(|| lit(true))
                }
                false => self.within(expr)?,
            };
            Ok(Transformed::yes(name.restore(expr)))
        })
    }

    /// Any value, or a condition that is not asked of every row.
    fn within(&mut self, expr: Expr) -> Result<Expr> {
        let expr = expr.transform_up(|expr| {
            Ok(match expr {
                Expr::InList(list) => Transformed::yes(self.list(list)),
                Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                    Transformed::yes(or(self.side(*left), self.side(*right)))
                }
                other => Transformed::no(other),
            })
        })?;
        Ok(expr.data)
    }

    /// A list without its nulls and what is no constant, and these beside it.
    fn list(&mut self, list: InList) -> Expr {
        let InList { expr, list, negated } = list;
        let (nulls, items): (Vec<_>, Vec<_>) = list.into_iter().partition(is_null);
        let (items, others): (Vec<_>, Vec<_>) = items.into_iter().partition(is_constant);
        let mut any: Vec<Expr> = others
            .into_iter()
            .map(|other| self.side(binary(expr.as_ref().clone(), Operator::Eq, other)))
            .collect();
        if !items.is_empty() {
            let tested = self.marked(*expr);
            any.push(Expr::InList(InList::new(Box::new(tested), items, false)));
        }
        if !nulls.is_empty() {
            any.push(lit(ScalarValue::Boolean(None)));
        }
        match (negated, any.as_mut_slice()) {
            (true, [Expr::InList(list)]) => list.negated = true,
            (true, _) => return Expr::Not(Box::new(any_of(any))),
            (false, _) => {}
        }
        any_of(any)
    }

    /// One side of an OR: of `x = 1 OR x = 2` the simplifier makes a list.
    fn side(&mut self, expr: Expr) -> Expr {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                match (&*left, &*right) {
                    (Expr::Column(_), other) if is_constant(other) => {
                        binary(self.marked(*left), Operator::Eq, *right)
                    }
                    (other, Expr::Column(_)) if is_constant(other) => {
                        binary(*left, Operator::Eq, self.marked(*right))
                    }
                    _ => binary(*left, Operator::Eq, *right),
                }
            }
            other => other,
        }
    }

    /// The value with a mark that no other has; the first needs none.
    fn marked(&mut self, tested: Expr) -> Expr {
        let mark = self.0;
        self.0 += 1;
        match mark {
            0 => tested,
            _ => marked(&mark.to_string(), tested),
        }
    }
}

/// Whether a list is in an expression, or what the simplifier may make one of.
fn has_lists(expr: &Expr) -> bool {
    let is_or = |e: &Expr| matches!(e, Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }));
    // The visitor itself never fails.
    expr.exists(|e| Ok(matches!(e, Expr::InList(_)) || is_or(e))).unwrap_or(true)
}

/// Whether a condition is a list of constants, or an OR of such lists and equalities, as the
/// simplifier may join them where null and false are the same.
fn is_list(expr: &Expr) -> bool {
    match expr {
        Expr::InList(InList { expr, list, negated }) => {
            let mut items = list.iter();
            !has_lists(expr) && items.all(|i| is_constant(i) && !(*negated && is_null(i)))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let is_side = |side: &Expr| !is_negated(side) && is_list(side);
            is_side(left) && is_side(right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            !has_lists(left) && !has_lists(right)
        }
        _ => false,
    }
}

fn is_negated(expr: &Expr) -> bool {
    matches!(expr, Expr::InList(InList { negated: true, .. }))
}

/// Whether an expression is a value, or one given another type.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Cast(cast) => is_constant(&cast.expr),
        _ => false,
    }
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(cast) => is_null(&cast.expr),
        _ => false,
    }
}

/// Whether any of the conditions holds; as flat as it can be, for lists may be long.
fn any_of(mut conditions: Vec<Expr>) -> Expr {
    while conditions.len() > 1 {
        let mut pairs = Vec::with_capacity(conditions.len().div_ceil(2));
        let mut left = conditions.into_iter();
        while let Some(one) = left.next() {
            pairs.push(match left.next() {
                Some(other) => or(one, other),
                None => one,
            });
        }
        conditions = pairs;
    }
    conditions.pop().unwrap_or_else(|| lit(false))
}

fn or(left: Expr, right: Expr) -> Expr {
    binary(left, Operator::Or, right)
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// The value under a mark, which the simplifier does not look through.
pub(super) fn marked(mark: &str, value: Expr) -> Expr {
    call(Apart::new(mark), vec![value])
}

/// `air_apart(value)`: the value. Two with different marks are different expressions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Apart {
    pub(crate) name: String,
    signature: Signature,
}

impl Apart {
    fn new(mark: &str) -> Self {
        Self::named(format!("air_apart[{mark}]"))
    }

    pub(crate) fn named(name: String) -> Self {
        Self { name, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Apart {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [value] => Ok(value.clone()),
            _ => wrong_arguments(&self.name),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [value] => Ok(value.clone()),
            _ => wrong_arguments(&self.name),
        }
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.pop() {
            Some(value) => Ok(value),
            None => wrong_arguments(&self.name),
        }
    }
}
