//! The words of asking: what English says about aggregates, groups, comparisons and order,
//! whatever the data are about.
//!
//! In: lower-case words. Out: what they say. Names and values of the data are not here; they come
//! from the catalog ([`super::lexicon`]); times are in [`super::time`].

use air_ir::{Agg, Op, Part, Unit};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Which end of an order is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    High,
    Low,
    /// High or low by what the measure is: a high delay is bad, a high revenue good.
    Worst,
    Best,
}

/// Why a question is none that a report answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// It asks for a change of the data.
    Change,
    /// It asks what will be.
    Future,
    /// It asks for causes.
    Cause,
}

/// What a word or phrase says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Say {
    /// Nothing that changes the rows.
    Filler,
    Agg(Agg),
    /// Said after the figure.
    OnAverage,
    Percentile,
    CountOf,
    /// "rows", "records": the rows of the main table.
    Rows,
    Distinct,
    Share,
    Super(End),
    Which,
    By,
    Per,
    Cmp(Op),
    Between,
    /// "or more", after the number.
    OrMore(Op),
    And,
    Or,
    /// The condition that follows is turned round.
    Not,
    Without,
    With,
    Prep,
    Unit(Unit),
    Adverb(Unit),
    Part(Part),
    Compare,
    /// "year over year": compared with this unit before.
    Over(Unit),
    Growth,
    Change,
    Running,
    Moving,
    Only,
    Remove,
    Filters,
    Instead,
    Also,
    About,
    Ordered,
    Dir(bool),
    Limit,
    List,
    Beyond(Beyond),
}

use Say::{Adverb, Cmp, Filler, Over, Prep, Super};

const PHRASES: &[(&str, Say)] = &[
    ("average", Say::Agg(Agg::Avg)),
    ("avg", Say::Agg(Agg::Avg)),
    ("mean", Say::Agg(Agg::Avg)),
    ("averages", Say::Agg(Agg::Avg)),
    ("total", Say::Agg(Agg::Sum)),
    ("totals", Say::Agg(Agg::Sum)),
    ("sum", Say::Agg(Agg::Sum)),
    ("minimum", Say::Agg(Agg::Min)),
    ("min", Say::Agg(Agg::Min)),
    ("maximum", Say::Agg(Agg::Max)),
    ("max", Say::Agg(Agg::Max)),
    ("on average", Say::OnAverage),
    ("in average", Say::OnAverage),
    ("median", Say::Agg(Agg::Median)),
    ("standard deviation", Say::Agg(Agg::Stddev)),
    ("stddev", Say::Agg(Agg::Stddev)),
    ("variance", Say::Agg(Agg::Variance)),
    ("percentile", Say::Percentile),
    ("how many", Say::CountOf),
    ("number of", Say::CountOf),
    ("count of", Say::CountOf),
    ("count", Say::CountOf),
    ("counts of", Say::CountOf),
    ("numbers of", Say::CountOf),
    ("amount of", Say::CountOf),
    ("number", Say::CountOf),
    ("rows", Say::Rows),
    ("records", Say::Rows),
    ("entries", Say::Rows),
    ("distinct", Say::Distinct),
    ("unique", Say::Distinct),
    ("different", Say::Distinct),
    ("share", Say::Share),
    ("percentage", Say::Share),
    ("percent", Say::Share),
    ("proportion", Say::Share),
    ("fraction", Say::Share),
    ("rate", Say::Share),
    ("shares", Say::Share),
    ("ratio", Say::Share),
    ("as a share", Say::Share),
    ("as share", Say::Share),
    ("as a percentage", Say::Share),
    ("%", Say::Share),
    ("top", Super(End::High)),
    ("most", Super(End::High)),
    ("highest", Super(End::High)),
    ("largest", Super(End::High)),
    ("biggest", Super(End::High)),
    ("greatest", Super(End::High)),
    ("longest", Super(End::High)),
    ("maximal", Super(End::High)),
    ("busiest", Super(End::High)),
    ("bottom", Super(End::Low)),
    ("least", Super(End::Low)),
    ("fewest", Super(End::Low)),
    ("lowest", Super(End::Low)),
    ("smallest", Super(End::Low)),
    ("shortest", Super(End::Low)),
    ("worst", Super(End::Worst)),
    ("best", Super(End::Best)),
    ("which", Say::Which),
    ("what", Say::Which),
    ("who", Say::Which),
    ("by", Say::By),
    ("grouped by", Say::By),
    ("broken down by", Say::By),
    ("split by", Say::By),
    ("group by", Say::By),
    ("break down by", Say::By),
    ("across", Say::By),
    ("per", Say::Per),
    ("for each", Say::Per),
    ("for every", Say::Per),
    ("each", Say::Per),
    ("every", Say::Per),
    ("in each", Say::Per),
    ("on each", Say::Per),
    ("at each", Say::Per),
    ("of each", Say::Per),
    ("within each", Say::Per),
    ("from each", Say::Per),
    ("more than", Cmp(Op::Gt)),
    ("greater than", Cmp(Op::Gt)),
    ("above", Cmp(Op::Gt)),
    ("over", Cmp(Op::Gt)),
    ("longer than", Cmp(Op::Gt)),
    ("larger than", Cmp(Op::Gt)),
    ("higher than", Cmp(Op::Gt)),
    ("bigger than", Cmp(Op::Gt)),
    ("exceeding", Cmp(Op::Gt)),
    ("exceeds", Cmp(Op::Gt)),
    ("exceed", Cmp(Op::Gt)),
    (">", Cmp(Op::Gt)),
    ("exceeded", Cmp(Op::Gt)),
    ("later than", Cmp(Op::Gt)),
    ("less than", Cmp(Op::Lt)),
    ("fewer than", Cmp(Op::Lt)),
    ("under", Cmp(Op::Lt)),
    ("below", Cmp(Op::Lt)),
    ("shorter than", Cmp(Op::Lt)),
    ("smaller than", Cmp(Op::Lt)),
    ("lower than", Cmp(Op::Lt)),
    ("<", Cmp(Op::Lt)),
    ("at least", Cmp(Op::Ge)),
    ("no less than", Cmp(Op::Ge)),
    ("no fewer than", Cmp(Op::Ge)),
    ("not less than", Cmp(Op::Ge)),
    ("minimum of", Cmp(Op::Ge)),
    (">=", Cmp(Op::Ge)),
    ("at most", Cmp(Op::Le)),
    ("no more than", Cmp(Op::Le)),
    ("not more than", Cmp(Op::Le)),
    ("up to", Cmp(Op::Le)),
    ("<=", Cmp(Op::Le)),
    ("maximum of", Cmp(Op::Le)),
    ("equal to", Cmp(Op::Eq)),
    ("equals", Cmp(Op::Eq)),
    ("exactly", Cmp(Op::Eq)),
    ("=", Cmp(Op::Eq)),
    ("==", Cmp(Op::Eq)),
    ("!=", Cmp(Op::Ne)),
    ("<>", Cmp(Op::Ne)),
    ("not equal to", Cmp(Op::Ne)),
    ("other than", Say::Not),
    ("or more", Say::OrMore(Op::Ge)),
    ("or longer", Say::OrMore(Op::Ge)),
    ("and more", Say::OrMore(Op::Ge)),
    ("or above", Say::OrMore(Op::Ge)),
    ("or later", Say::OrMore(Op::Ge)),
    ("or higher", Say::OrMore(Op::Ge)),
    ("or less", Say::OrMore(Op::Le)),
    ("or fewer", Say::OrMore(Op::Le)),
    ("or shorter", Say::OrMore(Op::Le)),
    ("or below", Say::OrMore(Op::Le)),
    ("between", Say::Between),
    ("and", Say::And),
    (",", Say::And),
    ("&", Say::And),
    ("as well as", Say::And),
    ("or", Say::Or),
    ("plus", Say::And),
    ("not", Say::Not),
    ("except", Say::Not),
    ("except for", Say::Not),
    ("excluding", Say::Not),
    ("exclude", Say::Not),
    ("apart from", Say::Not),
    ("but not", Say::Not),
    ("isnt", Say::Not),
    ("not from", Say::Not),
    ("not in", Say::Not),
    ("outside", Say::Not),
    ("ignoring", Say::Not),
    ("without", Say::Without),
    ("missing", Say::Without),
    ("lacking", Say::Without),
    ("unknown", Say::Without),
    ("no", Say::Without),
    ("with no", Say::Without),
    ("without any", Say::Without),
    ("with", Say::With),
    ("having", Say::With),
    ("whose", Say::With),
    ("where", Say::With),
    ("that have", Say::With),
    ("with known", Say::With),
    ("that had", Say::With),
    ("who have", Say::With),
    ("which have", Say::With),
    ("from", Prep),
    ("to", Prep),
    ("in", Prep),
    ("at", Prep),
    ("on", Prep),
    ("of", Prep),
    ("for", Prep),
    ("into", Prep),
    ("via", Prep),
    ("out of", Prep),
    ("through", Prep),
    ("minute", Say::Unit(Unit::Minute)),
    ("hour", Say::Unit(Unit::Hour)),
    ("minutes", Say::Unit(Unit::Minute)),
    ("hours", Say::Unit(Unit::Hour)),
    ("day", Say::Unit(Unit::Day)),
    ("days", Say::Unit(Unit::Day)),
    ("week", Say::Unit(Unit::Week)),
    ("weeks", Say::Unit(Unit::Week)),
    ("month", Say::Unit(Unit::Month)),
    ("months", Say::Unit(Unit::Month)),
    ("quarter", Say::Unit(Unit::Quarter)),
    ("quarters", Say::Unit(Unit::Quarter)),
    ("year", Say::Unit(Unit::Year)),
    ("years", Say::Unit(Unit::Year)),
    ("hourly", Adverb(Unit::Hour)),
    ("daily", Adverb(Unit::Day)),
    ("weekly", Adverb(Unit::Week)),
    ("monthly", Adverb(Unit::Month)),
    ("quarterly", Adverb(Unit::Quarter)),
    ("yearly", Adverb(Unit::Year)),
    ("annual", Adverb(Unit::Year)),
    ("annually", Adverb(Unit::Year)),
    ("hour of day", Say::Part(Part::Hour)),
    ("hour of the day", Say::Part(Part::Hour)),
    ("time of day", Say::Part(Part::Hour)),
    ("weekday", Say::Part(Part::Weekday)),
    ("weekdays", Say::Part(Part::Weekday)),
    ("day of week", Say::Part(Part::Weekday)),
    ("day of the week", Say::Part(Part::Weekday)),
    ("day of month", Say::Part(Part::Day)),
    ("day of the month", Say::Part(Part::Day)),
    ("month of year", Say::Part(Part::Month)),
    ("month of the year", Say::Part(Part::Month)),
    ("calendar month", Say::Part(Part::Month)),
    ("week of year", Say::Part(Part::Week)),
    ("week of the year", Say::Part(Part::Week)),
    ("day of the year", Say::Part(Part::DayOfYear)),
    ("quarter of the year", Say::Part(Part::Quarter)),
    ("compare", Say::Compare),
    ("compared", Say::Compare),
    ("comparison", Say::Compare),
    ("versus", Say::Compare),
    ("vs", Say::Compare),
    ("against", Say::Compare),
    ("comparing", Say::Compare),
    ("relative to", Say::Compare),
    ("month over month", Over(Unit::Month)),
    ("year over year", Over(Unit::Year)),
    ("week over week", Over(Unit::Week)),
    ("day over day", Over(Unit::Day)),
    ("quarter over quarter", Over(Unit::Quarter)),
    ("yoy", Over(Unit::Year)),
    ("mom", Over(Unit::Month)),
    ("wow", Over(Unit::Week)),
    ("qoq", Over(Unit::Quarter)),
    ("growth", Say::Growth),
    ("growth rate", Say::Growth),
    ("growth of", Say::Growth),
    ("change in", Say::Change),
    ("change of", Say::Change),
    ("change", Say::Change),
    ("difference", Say::Change),
    ("running total", Say::Running),
    ("running sum", Say::Running),
    ("cumulative", Say::Running),
    ("cumulated", Say::Running),
    ("running total of", Say::Running),
    ("cumulative total", Say::Running),
    ("running count", Say::Running),
    ("moving average", Say::Moving),
    ("rolling average", Say::Moving),
    ("moving", Say::Moving),
    ("rolling", Say::Moving),
    ("trailing average", Say::Moving),
    ("rolling mean", Say::Moving),
    ("only", Say::Only),
    ("just", Say::Only),
    ("remove", Say::Remove),
    ("drop", Say::Remove),
    ("clear", Say::Remove),
    ("filter", Say::Filters),
    ("filters", Say::Filters),
    ("restriction", Say::Filters),
    ("instead", Say::Instead),
    ("rather", Say::Instead),
    ("also", Say::Also),
    ("add", Say::Also),
    ("what about", Say::About),
    ("how about", Say::About),
    ("same for", Say::About),
    ("and what about", Say::About),
    ("the same for", Say::About),
    ("sorted by", Say::Ordered),
    ("ordered by", Say::Ordered),
    ("sort by", Say::Ordered),
    ("order by", Say::Ordered),
    ("ranked by", Say::Ordered),
    ("rank by", Say::Ordered),
    ("sorted", Say::Ordered),
    ("ascending", Say::Dir(true)),
    ("descending", Say::Dir(false)),
    ("asc", Say::Dir(true)),
    ("desc", Say::Dir(false)),
    ("lowest first", Say::Dir(true)),
    ("highest first", Say::Dir(false)),
    ("limit", Say::Limit),
    ("limit to", Say::Limit),
    ("first", Say::Limit),
    ("limited to", Say::Limit),
    ("list", Say::List),
    ("delete", Say::Beyond(Beyond::Change)),
    ("insert", Say::Beyond(Beyond::Change)),
    ("update", Say::Beyond(Beyond::Change)),
    ("truncate", Say::Beyond(Beyond::Change)),
    ("erase", Say::Beyond(Beyond::Change)),
    ("alter", Say::Beyond(Beyond::Change)),
    ("forecast", Say::Beyond(Beyond::Future)),
    ("predict", Say::Beyond(Beyond::Future)),
    ("prediction", Say::Beyond(Beyond::Future)),
    ("projected", Say::Beyond(Beyond::Future)),
    ("projection", Say::Beyond(Beyond::Future)),
    ("will be", Say::Beyond(Beyond::Future)),
    ("will", Say::Beyond(Beyond::Future)),
    ("expected next", Say::Beyond(Beyond::Future)),
    ("why", Say::Beyond(Beyond::Cause)),
    ("cause of", Say::Beyond(Beyond::Cause)),
    ("causes", Say::Beyond(Beyond::Cause)),
    ("cause", Say::Beyond(Beyond::Cause)),
    ("reason for", Say::Beyond(Beyond::Cause)),
    ("reasons for", Say::Beyond(Beyond::Cause)),
    ("explain", Say::Beyond(Beyond::Cause)),
    ("because of", Say::Beyond(Beyond::Cause)),
    ("group", Filler),
    ("whats", Filler),
];

/// Words that change nothing in the rows asked for.
const FILLERS: &str = "a an the how this that these those it its they them their he she is are was were be been \
am do does did done has have had can could would should may might please show me us i we you \
your my our give tell get see find display want need like know look let lets report table chart \
graph plot all any so then now than as with respect regarding concerning if there here ? . ! ; : ( ) - – — / \
comes happen happened occur occurred make made made go went come came take took overall altogether \
respectively hi hello thanks ok okay and/or ever much far actually currently really exactly both \
data dataset figure figures result results value values looking numbers breakdown overview \
well popular frequent common well alone one ones question answer whether belong belongs";

static SAYINGS: LazyLock<HashMap<&str, Say>> = LazyLock::new(|| {
    let fillers = FILLERS.split_ascii_whitespace().map(|f| (f, Filler));
    fillers.chain(PHRASES.iter().copied()).collect()
});

/// What `words` say together, if they say anything.
pub(super) fn say(words: &str) -> Option<Say> {
    SAYINGS.get(words).copied()
}

/// The longest phrase [`say`] knows, in words.
pub(super) const LONGEST: usize = 4;

/// Every single word that says something, for correcting misspellings.
pub(super) fn vocabulary() -> impl Iterator<Item = &'static str> {
    let words = PHRASES.iter().flat_map(|(w, _)| w.split(' '));
    words.filter(|w| w.len() >= 5)
}

/// Small numbers in words.
pub(super) fn number_word(word: &str) -> Option<f64> {
    let words = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let at = words.iter().position(|w| *w == word)?;
    u32::try_from(at).ok().filter(|n| *n != 1).map(f64::from)
}

/// Figures of which much is bad.
const BAD: &str = "delay late lateness cost costs expense error errors loss losses defect defects \
failure failures complaint complaints refund refunds downtime outage latency churn debt waste \
incident incidents accident accidents fault faults overdue cancelled cancellation cancellations \
shrinkage risk returns lost";

/// Figures of which much is good.
const GOOD: &str = "revenue sales profit score rating ratings income margin satisfaction uptime \
growth earnings yield success efficiency turnover availability quality wins";

/// Whether much of a measure is bad, by the words it is known by; `None` where they do not say.
pub(super) fn is_high_bad(words: &[String]) -> Option<bool> {
    let has = |list: &str| words.iter().any(|w| list.split_ascii_whitespace().any(|l| l == w));
    match (has(BAD), has(GOOD)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}
