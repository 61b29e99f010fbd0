//! `air eval`: golden questions, asked and judged; and `air eval add`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{AuthMode, Place, complain, say};
use crate::config::{ModelName, Provider};
use crate::eval::{self, Difficulty, Judged, Set, Verdict};
use crate::id::ScopeVersionId;
use crate::service::Service;
use crate::store::Store;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Eval {
    #[command(subcommand)]
    add: Option<Also>,
    #[command(flatten)]
    ask: Ask,
}

#[derive(Debug, Subcommand)]
enum Also {
    /// Add the answer of a scope version to a set, with what is to be asked and its IR.
    Add(Add),
}

#[derive(Debug, Args)]
struct Ask {
    /// The set of questions, in YAML.
    file: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Who interprets; several are shown beside each other.
    #[arg(long, value_enum, default_value = "builtin")]
    provider: Vec<Who>,
    /// The one model to use.
    #[arg(long, value_enum)]
    force_model: Option<Which>,
    /// Only the questions with these ids.
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Fail where fewer are right.
    #[arg(long, value_name = "N")]
    at_least: Option<usize>,
    /// Everything as JSON.
    #[arg(long)]
    json: bool,
    /// Say what came instead, for each that is not right.
    #[arg(long)]
    failures: bool,
}

#[derive(Debug, Args)]
struct Add {
    /// The set of questions.
    file: PathBuf,
    /// The scope version whose IR is right.
    version: ScopeVersionId,
    #[arg(long, value_enum, default_value = "medium")]
    difficulty: Level,
    /// The question's id in the set; the version's own if it is not given.
    #[arg(long)]
    id: Option<String>,
    /// Take an answer that no person has confirmed.
    #[arg(long)]
    unverified: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    Builtin,
    Openai,
    Ollama,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Openai,
    Llama3,
    Sqlcoder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Easy,
    Medium,
    Hard,
}

impl Who {
    fn provider(self) -> (&'static str, Provider) {
        match self {
            Self::Builtin => ("builtin", Provider::Builtin),
            Self::Openai => ("openai", Provider::Openai),
            Self::Ollama => ("ollama", Provider::Ollama),
        }
    }
}

impl Which {
    fn model(self) -> ModelName {
        match self {
            Self::Openai => ModelName::Openai,
            Self::Llama3 => ModelName::Llama3,
            Self::Sqlcoder => ModelName::Sqlcoder,
        }
    }
}

impl Eval {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        match self.add {
            Some(Also::Add(add)) => runtime.block_on(add.run()),
            None => runtime.block_on(self.ask.run()),
        }
    }
}

impl Ask {
    async fn run(self) -> anyhow::Result<()> {
        let file = self.file.clone().context("name the set of questions")?;
        let mut set = Set::read(&read(&file)?).with_context(|| file.display().to_string())?;
        set.questions.retain(|entry| self.only.is_empty() || self.only.contains(&entry.id));
        ensure!(!set.questions.is_empty(), "no question of the set has such an id");
        let service = Service::start(unheard(&self.place).load()?).await?;
        let runs = self.runs(&service, &set).await;
        service.close().await;
        self.show(&runs?)
    }

    async fn runs(
        &self,
        service: &Service,
        set: &Set,
    ) -> anyhow::Result<Vec<(String, Vec<Judged>)>> {
        let mut runs = Vec::new();
        for who in &self.provider {
            let (name, provider) = who.provider();
            let forced = self.force_model.map(Which::model).filter(|_| *who != Who::Builtin);
            let drafter = eval::drafter(service.app(), provider, forced)?;
            runs.push((name.to_owned(), eval::run(service.app(), set, drafter).await?));
        }
        Ok(runs)
    }

    fn show(&self, runs: &[(String, Vec<Judged>)]) -> anyhow::Result<()> {
        let figures: Vec<(String, eval::Figures)> =
            runs.iter().map(|(name, judged)| (name.clone(), eval::figures(judged))).collect();
        if self.json {
            let run = |((name, judged), (_, figures)): (&(String, Vec<Judged>), &(String, _))| json!({"provider": name, "figures": figures, "questions": judged});
            let all: Vec<_> = runs.iter().zip(&figures).map(run).collect();
            say(&json!({"runs": all}).to_string());
        } else {
            say(eval::table(&figures).trim_end());
        }
        if self.failures {
            runs.iter().for_each(|(name, judged)| tell(name, judged));
        }
        if let Some(least) = self.at_least {
            for (name, figures) in &figures {
                let right = figures.all.right;
                ensure!(right >= least, "{name}: {right} are right, and {least} are wanted");
            }
        }
        Ok(())
    }
}

/// Beside the data, what came of each question that is not right.
fn tell(name: &str, judged: &[Judged]) {
    for one in judged.iter().filter(|one| one.outcome.verdict != Verdict::Right) {
        let instead = one.outcome.instead.as_deref().unwrap_or_default();
        let verdict = json!(one.outcome.verdict);
        complain(&format!("{name} {} {verdict}: {}\n    {instead}", one.id, one.question));
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<()> {
        let config = unheard(&self.place).load()?;
        let control_plane = &config.control_plane.file;
        ensure!(control_plane.exists(), "there is no control plane at {}", control_plane.display());
        let store = Store::open(control_plane).await?;
        let added = self.added(&store).await;
        store.close().await;
        let (text, id) = added?;
        // The whole file or the old one: a set is never half written.
        let beside = self.file.with_extension("yaml.new");
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, &self.file)?;
        say(&format!("added {id} to {}", self.file.display()));
        Ok(())
    }

    async fn added(&self, store: &Store) -> anyhow::Result<(String, String)> {
        let scopes = store.scopes();
        let version = scopes.version(&self.version).await?;
        ensure!(
            self.unverified || version.is_verified(),
            "no person has confirmed {}; approve the scope, or say --unverified",
            self.version
        );
        let ir = version.ir.as_ref().context("the version has no IR")?;
        let ir = air_ir::Ir::parse(ir).map_err(|_| anyhow::anyhow!("the version's IR is wrong"))?;
        let question = version.answer.as_ref().and_then(|answer| answer["question"].as_str());
        let question = question.context("the version is of no question; it was written by hand")?;
        let earlier = scopes.versions(&version.scope_id).await?;
        let earlier = earlier.into_iter().find(|one| one.version + 1 == version.version);
        let previous = earlier.and_then(|one| one.ir);
        let difficulty = match self.difficulty {
            Level::Easy => Difficulty::Easy,
            Level::Medium => Difficulty::Medium,
            Level::Hard => Difficulty::Hard,
        };
        let id = self.id.clone().unwrap_or_else(|| self.version.to_string());
        let text = read(&self.file)?;
        let now = version.created_at.timestamp();
        let text = eval::appended(&text, &id, question, difficulty, &ir, previous.as_ref(), now)?;
        Ok((text, id))
    }
}

/// Nothing listens here, so nobody needs a token.
fn unheard(place: &Place) -> Place {
    Place { auth: Some(AuthMode::Disabled), ..place.clone() }
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}
