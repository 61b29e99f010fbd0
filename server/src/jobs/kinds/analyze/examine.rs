//! What the EDA service tells of rows, part by part.
//!
//! In: rows at hand, and the parts that are wanted. Out: each part's answer as it came, and which
//! parts are missing and why. A part that fails takes no other with it; once the service is away,
//! the parts that are left are not waited for. Absent on purpose: figures that need no service.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::rows::Looked;
use super::share::Share;
use crate::contract::types::{
    AnalyzeOptions, EdaCorrelationsRequest, EdaDriftRequest, EdaFinding, EdaInference,
    EdaOutliersRequest, EdaProfile, EdaProfileRequest, EdaRole, EdaTrendsRequest, ErrorCode,
};
use crate::eda::{EdaError, Sheet};
use crate::jobs::Task;
use crate::problem::ApiError;
use crate::store::StoreError;

/// The parts, in the order they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Profile,
    Correlations,
    Outliers,
    Trends,
    Drift,
}

impl Part {
    pub(super) const ALL: [Self; 5] =
        [Self::Profile, Self::Correlations, Self::Outliers, Self::Trends, Self::Drift];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Correlations => "correlations",
            Self::Outliers => "outliers",
            Self::Trends => "trends",
            Self::Drift => "drift",
        }
    }

    fn is_wanted(self, options: &AnalyzeOptions) -> bool {
        let wanted = match self {
            Self::Profile => None,
            Self::Correlations => options.correlations,
            Self::Outliers => options.outliers,
            Self::Trends => options.trends,
            Self::Drift => options.drift,
        };
        wanted.unwrap_or(true)
    }
}

/// One analysis, over as many tables as it is of.
pub(super) struct Examining<'a> {
    task: &'a Task,
    wanted: Vec<Part>,
    /// Why the service is asked for nothing more.
    away: Option<String>,
}

/// What was found in the rows of one table.
#[derive(Default)]
struct Found {
    parts: Map<String, Value>,
    findings: Vec<EdaFinding>,
    profile: Option<EdaProfile>,
    missing: Vec<Value>,
    notes: Vec<String>,
}

impl Found {
    fn add(&mut self, part: Part, findings: &[EdaFinding], answer: &impl Serialize) {
        self.findings.extend(findings.iter().cloned());
        self.parts.insert(part.name().to_owned(), json!(answer));
    }

    /// There is nothing for this part to look at.
    fn leave_out(&mut self, part: Part, note: &str) {
        self.parts.insert(part.name().to_owned(), Value::Null);
        self.notes.push(note.to_owned());
    }

    fn miss(&mut self, part: Part, detail: &str) {
        self.missing.push(json!({"part": part.name(), "detail": detail}));
    }
}

impl<'a> Examining<'a> {
    pub(super) fn new(task: &'a Task, options: &AnalyzeOptions) -> Self {
        let wanted = Part::ALL.into_iter().filter(|part| part.is_wanted(options)).collect();
        Self { task, wanted, away: None }
    }

    /// Whether there is anything to ask the service for.
    pub(super) fn is_on(&self) -> bool {
        self.task.app.eda.is_on() && self.away.is_none()
    }

    /// Every part that is missing because the rows could not be had, or the service is away.
    pub(super) fn without(&self, detail: &str) -> Value {
        let detail = self.away.as_deref().unwrap_or(detail);
        let mut found = Found::default();
        self.wanted.iter().for_each(|part| found.miss(*part, detail));
        json!({"missing": found.missing})
    }

    /// Asks for each part of the rows.
    pub(super) async fn of(
        &mut self,
        looked: &Looked,
        name: &str,
        share: Share,
    ) -> Result<Value, ApiError> {
        let mut found = Found { notes: looked.notes.clone(), ..Found::default() };
        let rows = looked.rows.clone();
        let sheet = tokio::task::spawn_blocking(move || Sheet::of(&rows)).await;
        let sheet = sheet.map_err(ApiError::internal)?.map_err(EdaError::from)?;
        let wanted = self.wanted.clone();
        for (at, part) in wanted.iter().enumerate() {
            if let Some(why) = &self.away {
                found.miss(*part, why);
                continue;
            }
            self.task.step(share.at(at, wanted.len()), format!("{name}: {}", part.name()));
            match self.part(*part, looked, &sheet, &mut found).await {
                Ok(()) => {}
                Err(error) if self.task.stop.is_cancelled() => return Err(error),
                Err(error) => {
                    found.miss(*part, &error.detail);
                    self.away = (error.code == ErrorCode::Unavailable).then_some(error.detail);
                }
            }
        }
        self.keep(looked, &found).await?;
        let mut value = Value::Object(found.parts);
        value["rows"] = json!(sheet.rows());
        value["cut"] = json!(looked.cut);
        value["run_id"] = json!(looked.run);
        value["findings"] = json!(found.findings);
        value["missing"] = json!(found.missing);
        value["notes"] = json!(found.notes);
        Ok(value)
    }

    async fn part(
        &self,
        part: Part,
        looked: &Looked,
        sheet: &Sheet,
        found: &mut Found,
    ) -> Result<(), ApiError> {
        let (eda, config) = (&self.task.app.eda, &self.task.app.config.eda);
        let (seed, sample_rows) = (Some(config.seed), u32::try_from(config.sample_rows).ok());
        match part {
            Part::Profile => {
                let wanted = EdaProfileRequest { seed, ..EdaProfileRequest::default() };
                let profile = self.asked(|| eda.profile(sheet, &wanted)).await?;
                found.add(part, &profile.findings, &profile);
                found.profile = Some(profile);
            }
            Part::Correlations => {
                let wanted = EdaCorrelationsRequest {
                    seed,
                    sample_rows,
                    ..EdaCorrelationsRequest::default()
                };
                let answer = self.asked(|| eda.correlations(sheet, &wanted)).await?;
                found.add(part, &answer.findings, &answer);
            }
            Part::Outliers => {
                let wanted =
                    EdaOutliersRequest { seed, sample_rows, ..EdaOutliersRequest::default() };
                let answer = self.asked(|| eda.outliers(sheet, &wanted)).await?;
                found.add(part, &answer.findings, &answer);
            }
            Part::Trends => self.trends(looked, sheet, found).await?,
            Part::Drift => self.drift(looked, sheet, found).await?,
        }
        Ok(())
    }

    async fn trends(
        &self,
        looked: &Looked,
        sheet: &Sheet,
        found: &mut Found,
    ) -> Result<(), ApiError> {
        let (eda, config) = (&self.task.app.eda, &self.task.app.config.eda);
        let columns = self.asked(|| eda.infer(sheet)).await?;
        let Some(time) = time_of(&columns, looked.time.as_deref()) else {
            found.leave_out(Part::Trends, "No column says when, so there are no trends.");
            return Ok(());
        };
        let wanted = EdaTrendsRequest {
            path: None,
            format: None,
            time,
            columns: None,
            aggregate: None,
            buckets: u16::try_from(config.trend_buckets).ok(),
            unit: None,
            period: None,
        };
        let answer = self.asked(|| eda.trends(sheet, &wanted)).await?;
        found.add(Part::Trends, &answer.findings, &answer);
        Ok(())
    }

    async fn drift(
        &self,
        looked: &Looked,
        sheet: &Sheet,
        found: &mut Found,
    ) -> Result<(), ApiError> {
        let Some(key) = &looked.key else {
            let note =
                "These are no rows of a report, so there are no earlier ones to compare with.";
            found.leave_out(Part::Drift, note);
            return Ok(());
        };
        if looked.cut {
            let detail = "A part of the rows is at hand, which says nothing of how all changed; \
                          safety.max_row_limit and execution.snapshot_rows bound it.";
            found.miss(Part::Drift, detail);
            return Ok(());
        }
        let app = &self.task.app;
        let kept = app.store.eda_profiles().previous(key, &self.task.job.id, &looked.run).await?;
        let Some(kept) = kept else {
            let note =
                "No earlier profile is there to compare with; this one is kept for the next.";
            found.leave_out(Part::Drift, note);
            return Ok(());
        };
        let previous = EdaProfile::deserialize(&kept.profile).map_err(ApiError::internal)?;
        let wanted = EdaDriftRequest { previous: Some(previous), ..EdaDriftRequest::default() };
        let answer = self.asked(|| app.eda.drift(sheet, &wanted)).await?;
        let against = json!({"run_id": kept.run_id, "made_at": kept.made_at});
        found.add(Part::Drift, &answer.findings, &answer);
        found.parts[Part::Drift.name()]["against"] = against;
        Ok(())
    }

    /// Asks until the job is to stop, and again where what failed may pass.
    async fn asked<T, W>(&self, work: impl Fn() -> W) -> Result<T, ApiError>
    where
        W: Future<Output = Result<T, EdaError>>,
    {
        let work = || {
            let asking = work();
            self.task.unless_stopped(async move { asking.await.map_err(ApiError::from) })
        };
        self.task.persistently(work).await
    }

    /// Keeps the profile of all rows, to compare later ones with.
    async fn keep(&self, looked: &Looked, found: &Found) -> Result<(), ApiError> {
        let (Some(key), Some(profile), false) = (&looked.key, &found.profile, looked.cut) else {
            return Ok(());
        };
        let profiles = self.task.app.store.eda_profiles();
        match profiles.keep(key, &self.task.job.id, &looked.run, &json!(profile)).await {
            // The source was removed meanwhile, and what was known of it with it.
            Err(StoreError::BrokenReference { .. }) => Ok(()),
            kept => Ok(kept?),
        }
    }

    /// How the service took part in the whole.
    pub(super) fn told(&self, tables: &[Value]) -> Value {
        let names: Vec<&str> = self.wanted.iter().map(|part| part.name()).collect();
        if !self.task.app.eda.is_on() {
            let detail = "The EDA service is off; python.enabled turns it on.";
            return json!({"status": "off", "detail": detail, "missing": names});
        }
        let (mut missing, mut details): (Vec<&str>, Vec<&str>) = Default::default();
        for gap in tables.iter().flat_map(|table| table["eda"]["missing"].as_array()).flatten() {
            missing.extend(gap["part"].as_str());
            if let Some(detail) = gap["detail"].as_str().filter(|text| !details.contains(text)) {
                details.push(detail);
            }
        }
        let missing: Vec<&str> = names.into_iter().filter(|name| missing.contains(name)).collect();
        let status = match (&self.away, missing.is_empty()) {
            (Some(_), _) => "away",
            (None, false) => "partial",
            (None, true) => "ok",
        };
        json!({"status": status, "detail": details.join(" "), "missing": missing})
    }
}

/// The column of times: the catalog's, else the first.
fn time_of(columns: &EdaInference, known: Option<&str>) -> Option<String> {
    let times = || columns.columns.iter().filter(|column| column.role == EdaRole::Time);
    let named = times().find(|column| Some(column.name.as_str()) == known);
    named.or_else(|| times().next()).map(|column| column.name.clone())
}
