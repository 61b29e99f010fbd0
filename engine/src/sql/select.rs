//! Nodes of a plan to `SELECT`s: as many nodes in one as its clauses allow, derived tables for
//! the rest.
//!
//! A column of the plan is found by its place in the schema, never by its name in the text, so
//! that equal names in subqueries, joins and derived tables cannot be mistaken for one another.

use super::calls;
use super::expressions::{Scope, condition, expression, operand};
use super::item::Item;
use super::writer::Writer;
use super::{join, sets, window};
use crate::prepared::CatalogTable;
use datafusion::common::DFSchema;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Filter, Limit, LogicalPlan, Projection, Sort, TableScan,
};

pub(super) type Text = Result<String, String>;

/// The query around a subquery, if there is one.
pub(super) type Outer<'s> = Option<&'s Scope<'s>>;

/// How far a `SELECT` is filled; clauses come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    From,
    Projected,
    Grouped,
    Windowed,
    Ordered,
    Limited,
}

/// A `SELECT` under construction.
pub(super) struct Select {
    pub(super) stage: Stage,
    /// Empty for a query without tables.
    pub(super) from: String,
    /// How the one table that `from` names is called, quoted.
    pub(super) table: Option<String>,
    /// Whether `from` joins several tables.
    pub(super) compound: bool,
    pub(super) wheres: Vec<String>,
    /// What each field of the plan's schema is written as.
    pub(super) items: Vec<Item>,
    pub(super) group_by: Vec<String>,
    having: Vec<String>,
    order_by: Vec<String>,
    limit: Option<String>,
    offset: Option<String>,
}

impl Select {
    pub(super) fn from(from: String, items: Vec<Item>) -> Self {
        Self {
            stage: Stage::From,
            from,
            table: None,
            compound: false,
            wheres: Vec::new(),
            items,
            group_by: Vec::new(),
            having: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// Whether this is tables and joins alone.
    pub(super) fn is_bare(&self) -> bool {
        self.stage == Stage::From && self.wheres.is_empty() && !self.from.is_empty()
    }

    /// The text, its columns called `names`.
    pub(super) fn named(&self, w: &Writer, names: &[String]) -> Text {
        let mut columns = Vec::new();
        for (item, name) in self.items.iter().zip(names) {
            columns.push(format!("{} AS {}", item.text, w.ident(name)?));
        }
        if columns.is_empty() {
            columns.push("1".to_owned());
        }
        let mut text = format!("SELECT {}", columns.join(", "));
        let clauses = [
            (" FROM ", self.from.clone()),
            (" WHERE ", self.wheres.join(" AND ")),
            (" GROUP BY ", self.group_by.join(", ")),
            (" HAVING ", self.having.join(" AND ")),
            (" ORDER BY ", self.order_by.join(", ")),
            (" LIMIT ", self.limit.clone().unwrap_or_default()),
            (" OFFSET ", self.offset.clone().unwrap_or_default()),
        ];
        for (word, clause) in clauses {
            if !clause.is_empty() {
                text += word;
                text += &clause;
            }
        }
        Ok(text)
    }
}

/// A whole plan as one query, whose columns have the plan's types.
pub(super) fn query(w: &mut Writer, plan: &LogicalPlan) -> Text {
    let select = typed(w, plan)?;
    named(w, plan, &select)
}

/// The `SELECT` of a whole plan, its columns in the plan's types.
pub(super) fn typed(w: &mut Writer, plan: &LogicalPlan) -> Result<Select, String> {
    let mut select = build(w, plan, None)?;
    for (item, field) in select.items.iter_mut().zip(plan.schema().fields()) {
        item.text = w.rules.output(item, field.data_type())?;
    }
    Ok(select)
}

/// The text of a whole plan's `SELECT`, its columns called as the plan's.
pub(super) fn named(w: &Writer, plan: &LogicalPlan, select: &Select) -> Text {
    let names: Vec<String> = plan.schema().fields().iter().map(|f| f.name().clone()).collect();
    select.named(w, &names)
}

/// A plan inside another query.
pub(super) fn inner(w: &mut Writer, plan: &LogicalPlan, outer: Outer<'_>) -> Text {
    let select = build(w, plan, outer)?;
    select.named(w, &distinct_names(plan.schema()))
}

/// A query of which is asked only whether some row is there: of equal rows one is as good as all.
pub(super) fn any_row(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Distinct(Distinct::All(input)) => input,
        other => other,
    }
}

/// A subquery of one column, in the form in which text is told apart where `exact`.
pub(super) fn one_column(
    w: &mut Writer,
    plan: &LogicalPlan,
    outer: Outer<'_>,
    exact: bool,
) -> Text {
    // Engines take no LIMIT directly inside IN; and MariaDB asks for the value before it numbers
    // the rows: `1 IN (SELECT ROW_NUMBER() ...)` about the row around found nothing.
    let most = if w.rules.derived_reaches_out() { Stage::Windowed } else { Stage::Grouped };
    let mut select = up_to(w, plan, most, outer)?;
    if let ([item], true) = (&mut select.items[..], exact) {
        item.text = w.rules.exact_text(&item.text);
    }
    select.named(w, &distinct_names(plan.schema()))
}

/// The columns of a derived table: names told apart also by engines that ignore case, and short
/// enough for engines that cut them.
pub(super) fn distinct_names(schema: &DFSchema) -> Vec<String> {
    const LONGEST: usize = 48;
    let mut seen = std::collections::BTreeSet::new();
    let mut names = Vec::new();
    for field in schema.fields() {
        let own = field.name().as_str();
        // MariaDB takes the blanks around a name off where it is given, and not where it is used.
        let fits = own.len() <= LONGEST && own.trim() == own;
        let given = if fits { own } else { "c" };
        let mut name = given.to_owned();
        let mut n = 1;
        while !seen.insert(name.to_lowercase()) {
            n += 1;
            name = format!("{given}_{n}");
        }
        names.push(name);
    }
    names
}

/// `select` as a derived table called `alias`.
pub(super) fn derived(
    w: &mut Writer,
    schema: &DFSchema,
    select: &Select,
    alias: Option<&str>,
) -> Result<Select, String> {
    let names = distinct_names(schema);
    let text = select.named(w, &names)?;
    if !w.rules.derived_reaches_out() && w.reaches_out(&text) {
        return Err("has no query in FROM that speaks of the query around it".to_owned());
    }
    let alias = match alias {
        Some(alias) => w.alias(alias),
        None => w.derived(),
    };
    let alias = w.ident(&alias)?;
    w.names(&alias);
    let mut items = Vec::new();
    for (name, item) in names.iter().zip(&select.items) {
        let text = format!("{alias}.{}", w.ident(name)?);
        items.push(Item { exact: item.exact, ..Item::new(text) });
    }
    Ok(Select::from(format!("({text}) AS {alias}"), items))
}

/// `plan` filled at most up to `most`, else as a derived table.
pub(super) fn up_to(
    w: &mut Writer,
    plan: &LogicalPlan,
    most: Stage,
    outer: Outer<'_>,
) -> Result<Select, String> {
    let select = build(w, plan, outer)?;
    if select.stage <= most { Ok(select) } else { derived(w, plan.schema(), &select, None) }
}

pub(super) fn build(
    w: &mut Writer,
    plan: &LogicalPlan,
    outer: Outer<'_>,
) -> Result<Select, String> {
    match plan {
        LogicalPlan::TableScan(scan) => table(w, scan, scan.table_name.table()),
        LogicalPlan::SubqueryAlias(aliased) => {
            let alias = aliased.alias.table();
            if let LogicalPlan::TableScan(scan) = aliased.input.as_ref() {
                return table(w, scan, alias);
            }
            let select = build(w, &aliased.input, outer)?;
            // Columns are found by their place, so tables that are only renamed stay as they are.
            if select.stage == Stage::From && !select.from.is_empty() {
                return Ok(select);
            }
            derived(w, aliased.input.schema(), &select, Some(alias))
        }
        LogicalPlan::Join(node) => join::joined(w, node, outer),
        LogicalPlan::Filter(node) => filtered(w, node, outer),
        LogicalPlan::Projection(node) => projected(w, node, outer),
        LogicalPlan::Aggregate(node) => grouped(w, node, outer),
        LogicalPlan::Window(node) => window::windowed(w, node, outer),
        LogicalPlan::Distinct(Distinct::All(input)) => sets::distinct(w, input, outer),
        LogicalPlan::Sort(node) => sorted(w, node, outer),
        LogicalPlan::Limit(node) => limited(w, node, outer),
        LogicalPlan::Union(node) => sets::union(w, node, outer),
        LogicalPlan::Values(node) => sets::values(w, node, outer),
        LogicalPlan::EmptyRelation(node) => {
            let mut select = Select::from(String::new(), Vec::new());
            for field in node.schema.fields() {
                select.items.push(Item::exact(w.rules.null(field.data_type())?));
            }
            if !node.produce_one_row {
                let one = w.derived();
                select.from = format!("(SELECT 1 AS {0}) AS {0}", w.ident(&one)?);
                select.wheres.push("FALSE".to_owned());
            }
            Ok(select)
        }
        LogicalPlan::Subquery(node) => build(w, &node.subquery, outer),
        other => Err(format!("has no form for {}", other.display())),
    }
}

/// A table of the catalog, each column read as the catalog says it is.
fn table(w: &mut Writer, scan: &TableScan, alias: &str) -> Result<Select, String> {
    if !scan.filters.is_empty() || scan.fetch.is_some() {
        return Err("has no form for a scan that filters".to_owned());
    }
    let name = match scan.table_name.schema() {
        Some(schema) => format!("{}.{}", w.ident(schema)?, w.ident(scan.table_name.table())?),
        None => w.ident(scan.table_name.table())?,
    };
    let alias = w.alias(alias);
    let alias = w.ident(&alias)?;
    w.names(&alias);
    let known = scan.source.downcast_ref::<CatalogTable>();
    let mut items = Vec::new();
    for field in scan.projected_schema.fields() {
        let native = known.and_then(|t| t.native(field.name()));
        let column = format!("{alias}.{}", w.ident(field.name())?);
        items.push(w.rules.column(column, native, field.data_type())?);
    }
    let mut select = Select::from(format!("{name} AS {alias}"), items);
    select.table = Some(alias);
    Ok(select)
}

fn filtered(w: &mut Writer, node: &Filter, outer: Outer<'_>) -> Result<Select, String> {
    let mut select = build(w, &node.input, outer)?;
    let having = select.stage == Stage::Grouped && w.rules.having();
    if select.stage != Stage::From && !having {
        select = derived(w, node.input.schema(), &select, None)?;
    }
    let scope = Scope { schema: node.input.schema(), items: &select.items, outer };
    let mut conditions = Vec::new();
    for part in split_conjunction(&node.predicate) {
        conditions.push(condition(w, part, &scope)?);
    }
    match select.stage {
        Stage::From => select.wheres.extend(conditions),
        _ => select.having.extend(conditions),
    }
    Ok(select)
}

fn projected(w: &mut Writer, node: &Projection, outer: Outer<'_>) -> Result<Select, String> {
    let mut select = build(w, &node.input, outer)?;
    if select.stage != Stage::From && repeats(&node.expr, node.input.schema(), &select.items) {
        select = derived(w, node.input.schema(), &select, None)?;
    }
    let scope = Scope { schema: node.input.schema(), items: &select.items, outer };
    let mut items = Vec::new();
    for expr in &node.expr {
        items.push(operand(w, expr, &scope)?);
    }
    select.items = items;
    select.stage = select.stage.max(Stage::Projected);
    Ok(select)
}

/// Whether a long expression would be written several times.
fn repeats(exprs: &[Expr], schema: &DFSchema, items: &[Item]) -> bool {
    const LONG: usize = 120;
    let mut used = vec![0_usize; items.len()];
    for expr in exprs {
        expr.column_refs_counts().into_iter().for_each(|(column, n)| {
            if let Ok(i) = schema.index_of_column(column) {
                used[i] += n;
            }
        });
    }
    items.iter().zip(used).any(|(item, n)| n > 1 && item.text.len() > LONG)
}

fn grouped(w: &mut Writer, node: &Aggregate, outer: Outer<'_>) -> Result<Select, String> {
    let mut select = up_to(w, &node.input, Stage::From, outer)?;
    let scope = Scope { schema: node.input.schema(), items: &select.items, outer };
    let mut items = Vec::new();
    let mut group_by = Vec::new();
    for expr in &node.group_expr {
        if matches!(expr, Expr::GroupingSet(_)) {
            return Err("has no form for grouping sets".to_owned());
        }
        let item = operand(w, expr, &scope)?;
        // A bare number would be read as the place of an output.
        let literal = matches!(expr.clone().unalias(), Expr::Literal(..));
        let key = if literal { format!("COALESCE({})", item.text) } else { item.text.clone() };
        let (key, shown) = match scope.is_text(expr)? {
            true => w.rules.text_key(&key),
            // MySQL does not know an expression of the keys again among the outputs; all values
            // of the group are the same one.
            false if !w.rules.numbered() && key.contains('(') => {
                let least = format!("MIN({key})");
                (key, least)
            }
            false => (key.clone(), key),
        };
        group_by.push(key);
        items.push(Item { exact: item.exact, ..Item::new(shown) });
    }
    for expr in &node.aggr_expr {
        items.push(Item::new(expression(w, expr, &scope)?));
    }
    select.group_by = group_by;
    select.items = items;
    select.stage = Stage::Grouped;
    Ok(select)
}

fn sorted(w: &mut Writer, node: &Sort, outer: Outer<'_>) -> Result<Select, String> {
    let mut select = up_to(w, &node.input, Stage::Windowed, outer)?;
    let scope = Scope { schema: node.input.schema(), items: &select.items, outer };
    select.order_by = calls::order(w, &node.expr, &scope)?;
    select.stage = Stage::Ordered;
    if let Some(fetch) = node.fetch {
        select.limit = Some(fetch.to_string());
        select.stage = Stage::Limited;
    }
    Ok(select)
}

fn limited(w: &mut Writer, node: &Limit, outer: Outer<'_>) -> Result<Select, String> {
    let mut select = up_to(w, &node.input, Stage::Ordered, outer)?;
    let scope = Scope { schema: node.input.schema(), items: &select.items, outer };
    if let Some(fetch) = &node.fetch {
        select.limit = Some(expression(w, fetch, &scope)?);
    }
    if let Some(skip) = &node.skip {
        select.offset = Some(expression(w, skip, &scope)?);
        if select.limit.is_none() {
            select.limit = w.rules.no_limit();
        }
    }
    select.stage = Stage::Limited;
    Ok(select)
}
