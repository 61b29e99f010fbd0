//! A page under construction.

use std::fmt::Write;

use crate::metrics::Histogram;

/// Help holds no line breaks and no backslashes; labels are names of the contract and ids.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn text(self) -> String {
        self.0
    }

    pub(super) fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    pub(super) fn described(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.described(name, help, "counter");
        self.line(&format!("{name} {value}"));
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.described(name, help, "gauge");
        self.line(&format!("{name} {value}"));
    }

    pub(super) fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let count = histogram.count();
        for (bound, upto) in histogram.cumulative() {
            self.line(&format!("{name}_bucket{{{labels},le=\"{bound}\"}} {upto}"));
        }
        self.line(&format!("{name}_bucket{{{labels},le=\"+Inf\"}} {count}"));
        self.line(&format!("{name}_sum{{{labels}}} {}", histogram.sum_seconds));
        self.line(&format!("{name}_count{{{labels}}} {count}"));
    }
}
