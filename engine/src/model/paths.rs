//! How one entity is reached from another over keys, to-one steps only, by the shortest way.

use super::{Model, Reached, TargetId};
use crate::prepared::{Edge, TableId};
use air_ir::{Code, IrError, Pointer};

/// Steps from one table to another.
pub(crate) type Path = Vec<Edge>;

/// A search does not go further than this; longer ways are no way anybody means.
const MAX_STEPS: usize = 8;

impl Model<'_> {
    /// The shortest to-one way from one target to another; empty for a target to itself.
    ///
    /// # Errors
    /// `ambiguous_join` where two ways are equally short, `fan_out` where only to-many steps lead
    /// there, `no_join_path` where nothing does.
    pub(crate) fn path(&self, from: TargetId, to: TargetId, at: &Pointer) -> Result<Path, IrError> {
        if from == to {
            return Ok(Vec::new());
        }
        let found = self.shortest(from, to);
        match &found[..] {
            [one] => Ok(one.clone()),
            [] => Err(self.unreachable(from, to, at)),
            several => {
                let ways: Vec<String> = several.iter().map(|p| self.describe(p)).collect();
                let detail = format!(
                    "\"{}\" is reached from \"{}\" in {} ways: {}. Say which with \"joins\".",
                    self.targets[to].name,
                    self.targets[from].name,
                    several.len(),
                    ways.join("; ")
                );
                Err(IrError::new(Code::AmbiguousJoin, at, detail))
            }
        }
    }

    /// Whether there is a unique to-one way.
    pub(crate) fn reaches(&self, from: TargetId, to: TargetId) -> bool {
        from == to || !self.shortest(from, to).is_empty()
    }

    fn shortest(&self, from: TargetId, to: TargetId) -> Vec<Path> {
        let start = self.targets[from].table;
        let mut frontier: Vec<Path> = vec![Vec::new()];
        for _ in 0..MAX_STEPS {
            let mut next = Vec::new();
            let mut found: Vec<Path> = Vec::new();
            for path in &frontier {
                let here = path.last().map_or(start, |e| e.right);
                for edge in self.steps(here).into_iter().filter(|e| e.to_one) {
                    if self.decided_otherwise(start, &edge, to) || !self.goes_on(path, &edge) {
                        continue;
                    }
                    let seen = path.iter().any(|e| e.left == edge.right);
                    let mut longer = path.clone();
                    longer.push(edge.clone());
                    if self.arrives(&edge, to) {
                        found.push(longer);
                    } else if !seen && edge.right != here {
                        next.push(longer);
                    }
                }
            }
            if !found.is_empty() {
                return found;
            }
            if next.is_empty() {
                break;
            }
            frontier = next;
        }
        Vec::new()
    }

    /// The keys that leave a table; the IR's own joins stand in place of the catalog's keys
    /// between the same two tables, except for the catalog's other roles.
    fn steps(&self, from: TableId) -> Vec<Edge> {
        let own: Vec<&Edge> = self.joins.iter().filter(|e| e.left == from).collect();
        let mut steps: Vec<Edge> = own.iter().map(|e| (*e).clone()).collect();
        for edge in self.prepared.outgoing(from) {
            let replaced = own.iter().any(|o| {
                o.right == edge.right
                    && (edge.role.is_none() || o.role == edge.role || o.role.is_none())
            });
            if !replaced {
                steps.push(edge.clone());
            }
        }
        steps
    }

    /// Whether a step may follow a way. A join of the IR that leaves from a role leaves from that
    /// role alone, and one that leaves from a table's own name from no role that the IR gave it.
    fn goes_on(&self, path: &Path, step: &Edge) -> bool {
        let Some(last) = path.last() else { return true };
        if !self.joins.contains(step) {
            return true;
        }
        match &step.from {
            Some(from) => last.role.as_ref() == Some(from),
            None => last.role.is_none() || !self.joins.contains(last),
        }
    }

    /// Whether the IR itself says another way into the table where a step leads, one that can be
    /// gone from `start`. A shorter way by the catalog's keys would be another question.
    fn decided_otherwise(&self, start: TableId, step: &Edge, to: TargetId) -> bool {
        let by_role = matches!(self.targets[to].reached, Reached::ByRole);
        if self.joins.contains(step) || (by_role && self.arrives(step, to)) {
            return false;
        }
        self.joins.iter().any(|own| {
            own.role.is_none()
                && own.right == step.right
                && own.left != own.right
                && self.leads(start, own.left, own.right)
        })
    }

    /// Whether to-one steps lead from one table to another without passing through a third.
    fn leads(&self, from: TableId, to: TableId, without: TableId) -> bool {
        let (mut seen, mut next) = (vec![from], 0);
        while let Some(&here) = seen.get(next) {
            if here == to {
                return true;
            }
            next += 1;
            for step in self.steps(here).into_iter().filter(|e| e.to_one) {
                if step.right != without && !seen.contains(&step.right) {
                    seen.push(step.right);
                }
            }
        }
        false
    }

    /// Whether the last step of a way fits the target.
    fn arrives(&self, edge: &Edge, to: TargetId) -> bool {
        let target = &self.targets[to];
        if edge.right != target.table {
            return false;
        }
        match target.reached {
            Reached::ByRole => edge.role.as_deref() == Some(target.name.as_str()),
            Reached::ByTable => {
                // A table that the IR joins itself is reached by that join and by nothing else.
                let own = self.joins.iter().any(|o| o.left == edge.left && o.right == edge.right);
                !own || self.joins.contains(edge)
            }
        }
    }

    fn unreachable(&self, from: TargetId, to: TargetId, at: &Pointer) -> IrError {
        let (a, b) = (&self.targets[from], &self.targets[to]);
        if self.reaches(to, from) || self.is_many(a.table, b.table) {
            let detail = format!(
                "\"{}\" has many rows for each of \"{}\", so this would count rows more than once; \
                 filter with \"exists\", or ask about \"{}\" first.",
                b.name, a.name, b.name
            );
            return IrError::new(Code::FanOut, at, detail);
        }
        let detail =
            format!("No key leads from \"{}\" to \"{}\"; say how with \"joins\".", a.name, b.name);
        IrError::new(Code::NoJoinPath, at, detail)
    }

    /// Whether a step leads from one table to the other that may find several rows.
    fn is_many(&self, from: TableId, to: TableId) -> bool {
        self.steps(from).iter().any(|e| e.right == to && !e.to_one)
            || self.steps(to).iter().any(|e| e.right == from)
    }

    fn describe(&self, path: &Path) -> String {
        let step = |e: &Edge| {
            format!(
                "{}.{} = {}.{}",
                self.table(e.left).name,
                e.left_columns.join("+"),
                self.table(e.right).name,
                e.right_columns.join("+")
            )
        };
        path.iter().map(step).collect::<Vec<_>>().join(", ")
    }

    /// The shortest way from one target to another over keys in either direction, for `exists`.
    /// Steps against a key are turned round, so `left` is always the nearer table.
    pub(crate) fn any_path(
        &self,
        from: TargetId,
        to: TargetId,
        via: Option<&str>,
        at: &Pointer,
    ) -> Result<Path, IrError> {
        let start = self.targets[from].table;
        let goal = self.targets[to].table;
        let mut frontier: Vec<Path> = vec![Vec::new()];
        for _ in 0..MAX_STEPS {
            let mut next = Vec::new();
            let mut found: Vec<Path> = Vec::new();
            for path in &frontier {
                let here = path.last().map_or(start, |e| e.right);
                for edge in self.both_ways(here) {
                    let seen = edge.right == start || path.iter().any(|e| e.left == edge.right);
                    let mut longer = path.clone();
                    longer.push(edge.clone());
                    if edge.right == goal && via.is_none_or(|v| self.is_via(&edge, v)) {
                        found.push(longer);
                    } else if !seen && edge.right != here {
                        next.push(longer);
                    }
                }
            }
            match &found[..] {
                [] => {}
                [one] => return Ok(one.clone()),
                several => {
                    let ways: Vec<String> = several.iter().map(|p| self.describe(p)).collect();
                    let detail = format!(
                        "\"{}\" is reached in {} ways: {}. Say which with \"via\".",
                        self.targets[to].name,
                        several.len(),
                        ways.join("; ")
                    );
                    return Err(IrError::new(Code::AmbiguousJoin, at, detail));
                }
            }
            if next.is_empty() {
                break;
            }
            frontier = next;
        }
        let (a, b) = (&self.targets[from].name, &self.targets[to].name);
        let detail = format!("No key leads from \"{a}\" to \"{b}\"; say how with \"joins\".");
        Err(IrError::new(Code::NoJoinPath, at, detail))
    }

    /// The to-one inner joins of the IR that leave from a table.
    pub(crate) fn inner_joins(&self, from: TableId) -> Vec<Edge> {
        let own = self.joins.iter().filter(|e| e.left == from && e.inner && e.to_one);
        own.cloned().collect()
    }

    fn both_ways(&self, table: TableId) -> Vec<Edge> {
        let mut steps = self.steps(table);
        let own = self.joins.iter().filter(|e| e.right == table);
        let catalog = self
            .prepared
            .incoming(table)
            .filter(|e| !self.joins.iter().any(|o| o.left == e.left && o.right == e.right));
        for edge in own.chain(catalog).filter(|e| e.left != e.right) {
            steps.push(edge.turned());
        }
        if let Some(own_role) = self.prepared.outgoing(table).iter().find(|e| e.right == table) {
            // A table that refers to itself is a step in both directions.
            steps.push(own_role.turned());
        }
        steps
    }

    /// Whether a step uses the key called `via`: a role, or `entity.column` of its key side.
    fn is_via(&self, edge: &Edge, via: &str) -> bool {
        let side = |table: TableId, columns: &[String]| {
            columns.iter().any(|c| via == format!("{}.{c}", self.table(table).name))
        };
        edge.role.as_deref() == Some(via)
            || side(edge.left, &edge.left_columns)
            || side(edge.right, &edge.right_columns)
    }
}
