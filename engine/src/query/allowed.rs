//! The parts of a query that are taken, by a list: what is not named here is refused.
//!
//! Every node of the tree passes through these functions before anything is planned. They also
//! write what Postgres leaves unsaid: the names of outputs without one, and the run's frozen time.

use super::Refused;
use datafusion::sql::sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause,
    ObjectName, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SetExpr, SetOperator, SetQuantifier, TableAlias, TableFactor, TableWithJoins, UnaryOperator,
    Values, With, visit_expressions,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

pub(super) const MOST_DEPTH: usize = 100;
/// Tables read, those of a `WITH` counted at each use.
const MOST_TABLES: usize = 64;
const MOST_ROWS: usize = 1_000;

/// A walk over one query.
pub(super) struct Walk {
    pub(super) now: Timestamp,
    /// What the clock of the source shows then.
    pub(super) shown: DateTime,
    pub(super) refused: Vec<Refused>,
    depth: usize,
    /// How many queries are around what is looked at.
    within: usize,
    /// Names that outputs of the outermost query have twice.
    twice: BTreeSet<String>,
    tables: usize,
    /// How many tables each name of a `WITH` stands for.
    with: BTreeMap<String, usize>,
    /// Names of outputs that are parts of times, whose division Postgres does not cut.
    pub(super) parts: BTreeSet<String>,
    /// Whether `*` stands for all of a join with USING, whose columns Postgres shows first.
    pub(super) shows_all_of_using: bool,
}

impl Walk {
    pub(super) fn new(now: Timestamp, shown: DateTime) -> Self {
        Self {
            now,
            shown,
            refused: Vec::new(),
            depth: 0,
            within: 0,
            twice: BTreeSet::new(),
            tables: 0,
            with: BTreeMap::new(),
            parts: BTreeSet::new(),
            shows_all_of_using: false,
        }
    }

    pub(super) fn refuse(&mut self, rule: &'static str, detail: impl Into<String>) {
        let refused = Refused::new(rule, detail);
        if !self.refused.contains(&refused) {
            self.refused.push(refused);
        }
    }

    pub(super) fn not_taken(&mut self, what: &str) {
        self.refuse("read_only", format!("{what} is not taken."));
    }

    /// One level further down; what is too deep is not looked at.
    pub(super) fn deeper(&mut self, visit: impl FnOnce(&mut Self)) {
        if self.depth >= MOST_DEPTH {
            self.refuse("plan_size", format!("The query is more than {MOST_DEPTH} levels deep."));
            return;
        }
        self.depth += 1;
        visit(self);
        self.depth -= 1;
    }

    pub(super) fn query(&mut self, query: &mut Query) {
        self.within += 1;
        self.deeper(|walk| walk.query_parts(query));
        self.within -= 1;
    }

    fn query_parts(&mut self, query: &mut Query) {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if !locks.is_empty() {
            self.not_taken("FOR UPDATE or FOR SHARE");
        }
        if fetch.is_some() {
            self.not_taken("FETCH; write LIMIT");
        }
        let foreign = for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty();
        if foreign {
            self.not_taken("A clause of another kind of SQL");
        }
        if let Some(with) = with {
            self.with(with);
        }
        if is_ended(body, order_by.is_some(), limit_clause.is_some()) {
            self.not_taken(
                "ORDER BY or LIMIT behind brackets that have their own; put the query in FROM",
            );
        }
        self.body(body);
        if self.refused.is_empty() {
            self.first_rows(body, order_by.as_ref());
        }
        if let Some(order) = order_by {
            self.order(order);
            // What is too deep has been refused by now.
            if self.refused.is_empty() {
                self.shadowed(body, order);
            }
        }
        if let Some(limit) = limit_clause {
            self.limit(limit);
        }
    }

    fn with(&mut self, with: &mut With) {
        if with.recursive {
            self.not_taken("WITH RECURSIVE");
        }
        for Cte { alias, query, from, .. } in &mut with.cte_tables {
            if from.is_some() {
                self.not_taken("FROM in WITH");
            }
            let outside = std::mem::take(&mut self.tables);
            self.query(query);
            self.alias(alias);
            self.with.insert(folded(&alias.name), self.tables);
            self.tables = outside;
        }
    }

    fn body(&mut self, body: &mut SetExpr) {
        self.deeper(|walk| match body {
            SetExpr::Select(select) => walk.select(select),
            SetExpr::Query(query) => walk.query(query),
            SetExpr::SetOperation { op, set_quantifier, left, right } => {
                let all = matches!(set_quantifier, SetQuantifier::All);
                let taken = match op {
                    SetOperator::Union => {
                        all || matches!(
                            set_quantifier,
                            SetQuantifier::None | SetQuantifier::Distinct
                        )
                    }
                    SetOperator::Except | SetOperator::Intersect => {
                        matches!(set_quantifier, SetQuantifier::None | SetQuantifier::Distinct)
                    }
                    SetOperator::Minus => false,
                };
                if !taken {
                    walk.not_taken(&format!("{op} {set_quantifier}"));
                }
                walk.body(left);
                walk.body(right);
            }
            SetExpr::Values(values) => walk.values(values),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                walk.not_taken("A statement that writes");
            }
            SetExpr::Table(_) => walk.not_taken("TABLE; write SELECT"),
        });
    }

    fn values(&mut self, values: &mut Values) {
        if values.explicit_row || values.value_keyword || values.rows.len() > MOST_ROWS {
            self.refuse("plan_size", format!("VALUES has more than {MOST_ROWS} rows."));
            return;
        }
        for row in &mut values.rows {
            for value in row.content.iter_mut() {
                self.expr(value);
            }
        }
    }

    fn select(&mut self, select: &mut Select) {
        let foreign = !select.optimizer_hints.is_empty()
            || select.select_modifiers.is_some()
            || select.top.is_some()
            || select.exclude.is_some()
            || !select.lateral_views.is_empty()
            || select.prewhere.is_some()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty()
            || select.qualify.is_some()
            || select.value_table_mode.is_some();
        if foreign {
            self.not_taken("A clause of another kind of SQL");
        }
        if select.into.is_some() {
            self.not_taken("INTO");
        }
        if !select.named_window.is_empty() {
            self.not_taken("WINDOW; write the window after OVER");
        }
        let twice = super::outputs::named(&mut select.projection, self.within == 1);
        self.twice.extend(twice);
        super::using::on(select);
        self.shows_all_of_using |= super::using::shows_all(select);
        for table in &mut select.from {
            self.joined(table);
        }
        if let Some(Distinct::On(keys)) = &mut select.distinct {
            keys.iter_mut().for_each(|key| self.expr(key));
        }
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    self.expr(expr);
                }
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                    let plain = options.opt_ilike.is_none()
                        && options.opt_exclude.is_none()
                        && options.opt_except.is_none()
                        && options.opt_replace.is_none()
                        && options.opt_rename.is_none()
                        && options.opt_alias.is_none();
                    if !plain {
                        self.not_taken("* with options");
                    }
                }
                SelectItem::ExprWithAliases { .. } => self.not_taken("A list of aliases"),
            }
        }
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item
                && alias.quote_style == Some('\'')
            {
                self.not_taken("A text in the place of an alias");
            }
            if let SelectItem::ExprWithAlias { expr, alias } = item
                && self.is_part(expr)
            {
                self.parts.insert(folded(alias));
            }
        }
        for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
            self.expr(condition);
        }
        match &mut select.group_by {
            GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => {
                for key in keys {
                    self.place("GROUP BY", key);
                    self.expr(key);
                }
            }
            _ => self.not_taken("GROUP BY ALL or WITH"),
        }
    }

    fn joined(&mut self, table: &mut TableWithJoins) {
        self.table(&mut table.relation);
        for Join { relation, global, join_operator } in &mut table.joins {
            if *global {
                self.not_taken("GLOBAL");
            }
            self.table(relation);
            let keeps_right = matches!(
                join_operator,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
            );
            let constraint = match join_operator {
                JoinOperator::Join(on)
                | JoinOperator::Inner(on)
                | JoinOperator::Left(on)
                | JoinOperator::LeftOuter(on)
                | JoinOperator::Right(on)
                | JoinOperator::RightOuter(on)
                | JoinOperator::FullOuter(on)
                | JoinOperator::CrossJoin(on) => on,
                _ => {
                    self.not_taken("A join of this kind");
                    continue;
                }
            };
            match constraint {
                JoinConstraint::On(condition) => self.expr(condition),
                // Of two tables alone it has become ON (`using.rs`).
                JoinConstraint::Using(_) if keeps_right => {
                    self.not_taken("Such USING with RIGHT or FULL JOIN; write ON");
                }
                JoinConstraint::Using(_) | JoinConstraint::None => {}
                JoinConstraint::Natural => self.not_taken("NATURAL JOIN; name the columns"),
            }
        }
    }

    fn table(&mut self, table: &mut TableFactor) {
        match table {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                let plain = with_hints.is_empty()
                    && version.is_none()
                    && !*with_ordinality
                    && partitions.is_empty()
                    && json_path.is_none()
                    && sample.is_none()
                    && index_hints.is_empty();
                if args.is_some() {
                    self.refuse("functions", format!("{name} is called as a table; none may be."));
                } else if !plain {
                    self.not_taken("A table with options");
                }
                self.named_table(name);
                if let Some(alias) = alias {
                    self.alias(alias);
                }
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                if *lateral || sample.is_some() {
                    self.not_taken("LATERAL or TABLESAMPLE");
                }
                self.query(subquery);
                if let Some(alias) = alias {
                    self.alias(alias);
                }
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.deeper(|walk| walk.joined(table_with_joins));
            }
            TableFactor::Function { name, .. } => {
                self.refuse("functions", format!("{name} is called as a table; none may be."));
            }
            _ => self.not_taken("A table that is computed"),
        }
    }

    fn named_table(&mut self, name: &ObjectName) {
        let parts: Vec<&Ident> = name
            .0
            .iter()
            .filter_map(|part| match part {
                ObjectNamePart::Identifier(ident) => Some(ident),
                ObjectNamePart::Function(_) => None,
            })
            .collect();
        if parts.len() != name.0.len() || parts.len() > 2 {
            self.refuse("known_tables", format!("{name} is not in the catalog."));
        }
        let used = match parts[..] {
            [one] => self.with.get(&folded(one)).copied().unwrap_or(1),
            _ => 1,
        };
        self.tables = self.tables.saturating_add(used.max(1));
        if self.tables > MOST_TABLES {
            self.refuse("plan_size", format!("The query reads more than {MOST_TABLES} tables."));
        }
    }

    fn alias(&mut self, alias: &TableAlias) {
        if alias.columns.iter().any(|c| c.data_type.is_some()) {
            self.not_taken("An alias with types");
        }
        // Any of these columns may be a part of a time under another name.
        if !self.parts.is_empty() {
            self.parts.extend(alias.columns.iter().map(|c| folded(&c.name)));
        }
    }

    fn order(&mut self, order: &mut OrderBy) {
        if order.interpolate.is_some() {
            self.not_taken("INTERPOLATE");
        }
        match &mut order.kind {
            OrderByKind::Expressions(keys) => {
                for key in keys.iter() {
                    self.place("ORDER BY", &key.expr);
                }
                self.keys(keys);
            }
            OrderByKind::All(_) => self.not_taken("ORDER BY ALL"),
        }
    }

    /// A constant is the place of an output, and Postgres takes no other one here.
    fn place(&mut self, clause: &str, key: &Expr) {
        let wrong = match key {
            Expr::Value(_) => !is_whole(key),
            Expr::Nested(_) => matches!(unwrapped(key), Expr::Value(_)),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
                matches!(unwrapped(expr), Expr::Value(_))
            }
            _ => false,
        };
        if let Expr::Identifier(name) = unwrapped(key)
            && self.within == 1
            && self.twice.contains(&folded(name))
        {
            let detail = format!("{clause} {name} is ambiguous: two outputs have that name.");
            self.refuse("read_only", detail);
        }
        if wrong {
            let detail = "other than the place of an output, as a bare number";
            self.not_taken(&format!("A constant in {clause} {detail}"));
        }
    }

    /// Inside an expression of ORDER BY Postgres reads a name as a column of the tables, and the
    /// planner as an output.
    fn shadowed(&mut self, body: &SetExpr, order: &OrderBy) {
        let select = match body {
            SetExpr::Select(select) => select,
            SetExpr::Query(query) => return self.shadowed(&query.body, order),
            _ => return,
        };
        let OrderByKind::Expressions(keys) = &order.kind else { return };
        let outputs = renamed(select);
        for key in keys {
            let key = unwrapped(&key.expr);
            if matches!(key, Expr::Identifier(_)) {
                continue;
            }
            let found = visit_expressions(key, |part| match part {
                Expr::Identifier(name) if outputs.contains(&folded(name)) => {
                    ControlFlow::Break(folded(name))
                }
                _ => ControlFlow::Continue(()),
            });
            if let ControlFlow::Break(name) = found {
                let detail = format!(
                    "Inside an expression of ORDER BY, {name} is a column in Postgres, and an \
                     output has that name too; qualify the column, or order by {name} alone."
                );
                self.refuse("read_only", detail);
            }
        }
    }

    /// The keys of DISTINCT ON, and of the order with it, are outputs before they are columns in
    /// Postgres, and columns to the planner.
    fn first_rows(&mut self, body: &SetExpr, order: Option<&OrderBy>) {
        let select = match body {
            SetExpr::Select(select) => select,
            SetExpr::Query(query) if query.order_by.is_none() => {
                return self.first_rows(&query.body, order);
            }
            _ => return,
        };
        let Some(Distinct::On(keys)) = &select.distinct else { return };
        let order = match order.map(|order| &order.kind) {
            Some(OrderByKind::Expressions(keys)) => &keys[..],
            _ => &[],
        };
        let outputs = renamed(select);
        for key in keys.iter().chain(order.iter().map(|key| &key.expr)) {
            let output = match unwrapped(key) {
                Expr::Value(_) => true,
                Expr::Identifier(name) => outputs.contains(&folded(name)),
                _ => false,
            };
            if output {
                let detail =
                    format!("{key} in DISTINCT ON or its order; name a column, qualified,");
                self.not_taken(&detail);
            }
        }
    }

    pub(super) fn keys(&mut self, keys: &mut [OrderByExpr]) {
        for OrderByExpr { expr, with_fill, .. } in keys {
            if with_fill.is_some() {
                self.not_taken("WITH FILL");
            }
            self.expr(expr);
        }
    }

    fn limit(&mut self, limit: &mut LimitClause) {
        let LimitClause::LimitOffset { limit, offset, limit_by } = limit else {
            self.not_taken("LIMIT with a comma; write OFFSET");
            return;
        };
        if !limit_by.is_empty() {
            self.not_taken("LIMIT BY");
        }
        let offset = offset.as_mut().map(|o| &mut o.value);
        for number in [limit.as_mut(), offset].into_iter().flatten() {
            if !is_whole(number) {
                self.not_taken("A LIMIT or OFFSET that is no whole number");
            }
        }
    }
}

/// The names of outputs that are not columns of that name.
fn renamed(select: &Select) -> BTreeSet<String> {
    let alone = matches!(&select.from[..], [one] if one.joins.is_empty());
    let mut outputs = BTreeSet::new();
    for item in &select.projection {
        if let SelectItem::ExprWithAlias { expr, alias } = item {
            let name = folded(alias);
            let same = match unwrapped(expr) {
                Expr::Identifier(column) => folded(column) == name,
                Expr::CompoundIdentifier(parts) if alone => {
                    parts.last().is_some_and(|column| folded(column) == name)
                }
                _ => false,
            };
            if !same {
                outputs.insert(name);
            }
        }
    }
    outputs
}

/// Whether brackets around a query hold the clause that stands behind them, or a limit before an
/// order: in Postgres they are clauses of one query, which has each once and sorts first.
fn is_ended(body: &SetExpr, ordered: bool, limited: bool) -> bool {
    let SetExpr::Query(inner) = body else { return false };
    let has_limit = inner.limit_clause.is_some();
    (ordered && (inner.order_by.is_some() || has_limit))
        || (limited && has_limit)
        || is_ended(&inner.body, ordered, limited)
}

fn is_whole(expr: &Expr) -> bool {
    let Expr::Value(value) = expr else { return false };
    let text = value.value.to_string();
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<i64>().is_ok()
}

/// An expression without the brackets around it.
fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unwrapped(inner),
        other => other,
    }
}

/// A name as Postgres reads it: without quotes in lower case.
pub(super) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}
