//! Figures over the questions of a set, and how they are shown.

use std::fmt::Write;

use serde::Serialize;

use super::Judged;
use super::grade::Verdict;
use super::set::Difficulty;
use crate::models::Usage;

/// Right ones of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub(crate) right: usize,
    pub(crate) of: usize,
}

/// Figures of one run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) all: Share,
    pub(crate) easy: Share,
    pub(crate) medium: Share,
    pub(crate) hard: Share,
    /// Of those that must be asked back.
    pub(crate) asked_back: Share,
    /// Asked back where there is one right answer.
    pub(crate) asked_needlessly: usize,
    pub(crate) other_rows: usize,
    pub(crate) made_up: usize,
    pub(crate) gave_up: usize,
    pub(crate) failed: usize,
    pub(crate) usage: Usage,
    pub(crate) median_milliseconds: f64,
    pub(crate) total_milliseconds: f64,
}

pub(crate) fn figures(judged: &[Judged]) -> Figures {
    let share = |of: &dyn Fn(&Judged) -> bool| {
        let mut share = Share::default();
        for one in judged.iter().filter(|one| of(one)) {
            share.of += 1;
            share.right += usize::from(one.outcome.verdict == Verdict::Right);
        }
        share
    };
    let count = |verdicts: &[Verdict]| {
        judged.iter().filter(|one| verdicts.contains(&one.outcome.verdict)).count()
    };
    let mut usage = Usage::default();
    judged.iter().for_each(|one| usage.add(one.usage));
    let mut times: Vec<f64> = judged.iter().map(|one| one.milliseconds).collect();
    times.sort_by(f64::total_cmp);
    Figures {
        all: share(&|_| true),
        easy: share(&|one| one.difficulty == Difficulty::Easy),
        medium: share(&|one| one.difficulty == Difficulty::Medium),
        hard: share(&|one| one.difficulty == Difficulty::Hard),
        asked_back: share(&|one| one.outcome.to_ask),
        asked_needlessly: count(&[Verdict::AskedBack]),
        other_rows: count(&[Verdict::OtherRows, Verdict::Unrunnable, Verdict::Guessed]),
        made_up: count(&[Verdict::MadeUp]),
        gave_up: count(&[Verdict::GaveUp]),
        failed: count(&[Verdict::Failed, Verdict::OtherState]),
        usage,
        median_milliseconds: times.get(times.len() / 2).copied().unwrap_or_default(),
        total_milliseconds: times.iter().sum(),
    }
}

/// Runs beside each other.
pub(crate) fn table(runs: &[(String, Figures)]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, cell: &dyn Fn(&Figures) -> String| {
        let _ = write!(text, "{name:<28}");
        for (_, figures) in runs {
            let _ = write!(text, "{:>22}", cell(figures));
        }
        text.push('\n');
    };
    let share = |share: Share| {
        let percent = 100.0 * share.right as f64 / share.of.max(1) as f64;
        format!("{}/{} {percent:.1} %", share.right, share.of)
    };
    line("right", &|f| share(f.all));
    line("  easy", &|f| share(f.easy));
    line("  medium", &|f| share(f.medium));
    line("  hard", &|f| share(f.hard));
    line("asked back where it must", &|f| share(f.asked_back));
    line("asked back needlessly", &|f| f.asked_needlessly.to_string());
    line("wrong rows, or guessed", &|f| f.other_rows.to_string());
    line("made up", &|f| f.made_up.to_string());
    line("gave up", &|f| f.gave_up.to_string());
    line("failed, or another state", &|f| f.failed.to_string());
    line("calls of models", &|f| f.usage.calls.to_string());
    line("prompt tokens", &|f| f.usage.prompt_tokens.to_string());
    line("completion tokens", &|f| f.usage.completion_tokens.to_string());
    line("median ms a question", &|f| format!("{:.1}", f.median_milliseconds));
    line("total s", &|f| format!("{:.1}", f.total_milliseconds / 1000.0));
    let mut head = format!("{:<28}", "");
    for (name, _) in runs {
        let _ = write!(head, "{name:>22}");
    }
    format!("{head}\n{text}")
}
