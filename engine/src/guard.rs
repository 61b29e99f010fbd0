//! The guard: what may run, and under which bounds.
//!
//! In: a plan and a policy. Out: a [`GuardedPlan`], the only thing that can be turned into SQL or
//! run, or a refusal; either with a report of every rule. The guard looks at every node and every
//! expression of the plan, subqueries included, and allows by list: what it does not know is
//! refused.

mod functions;
mod nodes;
mod policies;
mod time_range;

pub(crate) use time_range::{Ruling, bound, rulings};

use crate::output::OutputColumn;
use crate::plan::{Plan, Scanned, Spans};
use crate::sql::Texts;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlan;
use jiff::Timestamp;
use policies::Put;
use serde::{Deserialize, Serialize};

/// What to do with a time-series table that no bounded time range is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFilter {
    /// Bound it to the last days, and say so.
    #[default]
    Inject,
    Refuse,
    Off,
}

/// The bounds of `safety`.
#[derive(Debug, Clone)]
pub struct Policy {
    pub max_row_limit: u64,
    pub time_filter: TimeFilter,
    /// The longest span of a time-series table, in days.
    pub enforce_time_filter_days: u32,
    /// The most nodes a plan may have.
    pub max_plan_nodes: usize,
    /// The most a database may estimate a query to cost, in its own units; absent is no limit.
    pub max_cost: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_row_limit: 100_000,
            time_filter: TimeFilter::default(),
            enforce_time_filter_days: 370,
            max_plan_nodes: 1_000,
            max_cost: None,
        }
    }
}

/// How a rule came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    /// The guard added a bound.
    Injected,
    Warned,
    Refused,
}

/// One rule of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: String,
    pub outcome: Outcome,
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(rule: &str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), outcome, detail: detail.into() }
    }
}

/// Why a plan may not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guard refused the plan: {}", self.reasons().join(" "))]
pub struct Refusal {
    pub report: Vec<Finding>,
}

impl Refusal {
    /// The details of the rules that refused.
    pub fn reasons(&self) -> Vec<&str> {
        let refused = self.report.iter().filter(|f| f.outcome == Outcome::Refused);
        refused.map(|f| f.detail.as_str()).collect()
    }
}

/// A plan that the guard let pass. Nothing else makes one.
#[derive(Debug)]
pub struct GuardedPlan {
    plan: Plan,
    report: Vec<Finding>,
    max_cost: Option<f64>,
    texts: Texts,
    /// How many values are those of policies.
    limiting: Option<usize>,
    /// What is shown of this plan, where policies filter by columns that are not.
    told: Option<Box<GuardedPlan>>,
}

/// What changes where the same plan is run with other values.
#[derive(Debug)]
pub(crate) struct Rebound {
    pub(crate) values: Vec<ScalarValue>,
    pub(crate) scans: Vec<Scanned>,
    pub(crate) notes: Vec<String>,
    pub(crate) report: Vec<Finding>,
    pub(crate) range: Option<(Timestamp, Timestamp)>,
    pub(crate) spans: Spans,
    pub(crate) now: Timestamp,
}

/// Checks `plan` against every rule.
///
/// # Errors
/// A refusal with the report of all rules, where one refuses.
pub fn guard(mut plan: Plan, policy: &Policy) -> Result<GuardedPlan, Refusal> {
    let told = policies::hides(&plan).then(|| plan.clone());
    let mut guarded = applied(&mut plan, policy, Put::Every)?;
    if let Some(mut told) = told {
        guarded.told = Some(Box::new(applied(&mut told, policy, Put::Tellable)?));
    }
    Ok(guarded)
}

fn applied(plan: &mut Plan, policy: &Policy, put: Put) -> Result<GuardedPlan, Refusal> {
    let planned = plan.values.len();
    let limits = policies::enforced(plan, put);
    let limiting = (!limits.is_empty()).then(|| plan.values.len() - planned);
    let mut report = vec![nodes::read_only(plan), nodes::known_tables(plan)];
    report.push(nodes::size(plan, policy));
    report.push(functions::allowed(plan));
    report.push(row_limit(plan, policy));
    report.extend(limits);
    report.extend(time_range::bounded(plan, policy));
    if report.iter().any(|f| f.outcome == Outcome::Refused) {
        return Err(Refusal { report });
    }
    let (plan, max_cost) = (plan.clone(), policy.max_cost);
    Ok(GuardedPlan { plan, report, max_cost, texts: Texts::default(), limiting, told: None })
}

fn row_limit(plan: &Plan, policy: &Policy) -> Finding {
    if plan.limit > policy.max_row_limit {
        let detail =
            format!("{} rows are above the limit of {}.", plan.limit, policy.max_row_limit);
        return Finding::new("row_limit", Outcome::Refused, detail);
    }
    match plan.limit_defaulted {
        true => {
            let detail = format!("No limit was given; at most {} rows are shown.", plan.limit);
            Finding::new("row_limit", Outcome::Injected, detail)
        }
        false => Finding::new("row_limit", Outcome::Ok, format!("At most {} rows.", plan.limit)),
    }
}

impl GuardedPlan {
    /// Every rule and how it came out.
    pub fn report(&self) -> &[Finding] {
        &self.report
    }

    /// What a database's estimate of a query may not pass; absent where none is wanted.
    pub fn max_cost(&self) -> Option<f64> {
        self.max_cost
    }

    /// This plan after a source has estimated its part, which asks nothing of its tables.
    ///
    /// # Errors
    /// A refusal with the report of all rules, where the estimate is above the limit or no number.
    pub fn with_cost(mut self, source: &str, cost: f64) -> Result<Self, Refusal> {
        const RULE: &str = "cost";
        let Some(most) = self.max_cost else { return Ok(self) };
        let detail = format!("\"{source}\" estimates {cost} of at most {most}.");
        // Anything but a number within the limit is refused, so that a NaN does not pass.
        let fits = cost <= most;
        let outcome = if fits { Outcome::Ok } else { Outcome::Refused };
        self.report.push(Finding::new(RULE, outcome, detail));
        if fits { Ok(self) } else { Err(Refusal { report: self.report }) }
    }

    /// The columns of the answer.
    pub fn columns(&self) -> &[OutputColumn] {
        &self.plan.columns
    }

    /// What the reader of the answer should know about how it was read.
    pub fn notes(&self) -> &[String] {
        &self.plan.notes
    }

    /// Qualified names of the tables read, each once.
    pub fn tables(&self) -> Vec<String> {
        let mut tables: Vec<String> = self.plan.scans.iter().map(|s| s.table.clone()).collect();
        tables.sort();
        tables.dedup();
        tables
    }

    /// The most rows the answer has.
    pub fn limit(&self) -> u64 {
        self.plan.limit
    }

    /// IANA zone of the IR.
    pub fn time_zone(&self) -> &str {
        &self.plan.time_zone
    }

    /// Half-open bounds of the first fact's time, where both are asked for.
    pub fn range(&self) -> Option<(Timestamp, Timestamp)> {
        self.plan.range
    }

    /// The plan as an indented tree; values are placeholders.
    pub fn display(&self) -> String {
        self.told().plan.display()
    }

    /// The plan that runs, with all its values: equal texts give equal rows of the same data. It is
    /// for telling plans apart, and not for people: conditions of policies are in it.
    pub fn identity(&self) -> String {
        let plan = &self.plan;
        let logical = plan.logical.display_indent_schema();
        format!("{logical}\n{:?}\n{:?} {} {}", plan.values, plan.range, plan.limit, plan.time_zone)
    }

    /// Whether policies leave out rows of a table that is read.
    pub fn is_limited(&self) -> bool {
        self.limiting.is_some()
    }

    /// How many values are those of policies.
    pub(crate) fn limiting(&self) -> usize {
        self.limiting.unwrap_or_default()
    }

    /// Whether another plan is shown than the one that runs.
    pub(crate) fn is_told_apart(&self) -> bool {
        self.told.is_some()
    }

    /// The plan to show: this one, without what names columns that are not shown.
    pub(crate) fn told(&self) -> &Self {
        self.told.as_deref().unwrap_or(self)
    }

    /// Where the times of columns lie.
    pub(crate) fn spans(&self) -> &Spans {
        &self.plan.spans
    }

    /// This plan with other values. The plan cache has made sure that planning and guarding
    /// would give the same.
    pub(crate) fn rebound(&self, with: Rebound) -> Self {
        let Rebound { values, scans, notes, report, range, spans, now } = with;
        let plan = Plan { values, scans, notes, range, spans, now, ..self.plan.clone() };
        Self { plan, report, ..self.alike() }
    }

    /// A copy, which shares its SQL texts with this plan.
    pub(crate) fn shared(&self) -> Self {
        self.alike()
    }

    fn alike(&self) -> Self {
        Self {
            plan: self.plan.clone(),
            report: self.report.clone(),
            max_cost: self.max_cost,
            texts: self.texts.clone(),
            limiting: self.limiting,
            told: self.told.as_ref().map(|told| Box::new(told.alike())),
        }
    }

    /// Whether everything of this plan is that of another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let (a, b) = (&self.plan, &other.plan);
        a.logical == b.logical
            && a.values == b.values
            && a.columns == b.columns
            && (a.limit, a.limit_defaulted) == (b.limit, b.limit_defaulted)
            && a.scans == b.scans
            && a.notes == b.notes
            && a.time_zone == b.time_zone
            && (a.range, a.now, &a.spans) == (b.range, b.now, &b.spans)
            && (&self.report, self.max_cost) == (&other.report, other.max_cost)
            && self.limiting == other.limiting
    }

    pub(crate) fn scans(&self) -> &[Scanned] {
        &self.plan.scans
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.plan.now
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    pub(crate) fn logical(&self) -> &LogicalPlan {
        &self.plan.logical
    }

    pub(crate) fn values(&self) -> &[ScalarValue] {
        &self.plan.values
    }
}
