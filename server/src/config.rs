//! Configuration: read once at start, checked whole.
//!
//! In: the data folder's YAML file, `AIR__SECTION__KEY` overrides, `${VAR}` references, and the
//! switch of the command line. Out: [`Config`], or one error that lists every problem. Absent on
//! purpose: any default that hides a mistake (an unknown key is an error), and any later look at
//! the environment.

mod chat;
mod connectors;
mod control_plane;
mod eda;
mod environment;
mod execution;
mod files;
mod jobs;
mod learning;
mod limits;
mod models;
mod policies;
mod problem;
mod python;
mod redis;
mod safety;
mod section;
mod server;
mod sources;
mod stores;
mod telemetry;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod websocket;
mod worker;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

pub(crate) use self::chat::ChatConfig;
pub(crate) use self::connectors::ConnectorsConfig;
pub(crate) use self::control_plane::ControlPlaneConfig;
pub(crate) use self::eda::EdaConfig;
pub(crate) use self::environment::{Environment, ExpandError};
pub(crate) use self::execution::ExecutionConfig;
pub(crate) use self::files::FilesConfig;
pub(crate) use self::jobs::JobsConfig;
pub(crate) use self::learning::LearningConfig;
pub(crate) use self::limits::LimitsConfig;
pub(crate) use self::models::{CallsConfig, ModelName, ModelsConfig, Provider};
pub(crate) use self::policies::Policy;
pub(crate) use self::problem::{ConfigError, Problem};
pub(crate) use self::python::PythonConfig;
#[cfg(test)]
pub(crate) use self::python::PythonLimits;
pub(crate) use self::redis::RedisConfig;
pub(crate) use self::safety::{SafetyConfig, TimeFilter};
pub(crate) use self::server::{AuthConfig, MIN_SECRET_BYTES, ServerConfig, TokenAlgorithm};
pub(crate) use self::sources::{FilesPlace, SourceConfig, SourceKind};
pub(crate) use self::telemetry::{LogFormat, OtlpConfig, TelemetryConfig};
pub(crate) use self::units::parse_duration;
pub(crate) use self::websocket::WebsocketConfig;
pub(crate) use self::worker::TlsFault;

use self::section::{Reading, Section};

/// Everything the service is told.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) server: ServerConfig,
    pub(crate) control_plane: ControlPlaneConfig,
    pub(crate) analytics_sources: Vec<SourceConfig>,
    pub(crate) python: PythonConfig,
    pub(crate) redis: RedisConfig,
    pub(crate) websocket: WebsocketConfig,
    pub(crate) chat: ChatConfig,
    pub(crate) files: FilesConfig,
    pub(crate) models: ModelsConfig,
    pub(crate) safety: SafetyConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) execution: ExecutionConfig,
    pub(crate) eda: EdaConfig,
    pub(crate) learning: LearningConfig,
    pub(crate) policies: Vec<Policy>,
    pub(crate) limits: LimitsConfig,
    pub(crate) connectors: ConnectorsConfig,
    /// For what is expanded later: a DSN that was stored with its references.
    pub(crate) environment: Environment,
}

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub(crate) struct LoadOptions {
    pub(crate) data_dir: PathBuf,
    /// File name inside the data folder, or a path.
    pub(crate) file: PathBuf,
    /// `--auth enabled|disabled`; wins over the file.
    pub(crate) auth: Option<bool>,
    pub(crate) environment: Environment,
}

impl Config {
    /// Reads and checks the configuration.
    pub(crate) fn load(options: LoadOptions) -> Result<Self, ConfigError> {
        // What is relative to the data folder stays so wherever the process stands later.
        let data_dir = std::path::absolute(&options.data_dir).unwrap_or(options.data_dir);
        let options = LoadOptions { data_dir, ..options };
        let file = options.data_dir.join(&options.file);
        let text = std::fs::read_to_string(&file).map_err(|error| ConfigError {
            file: file.display().to_string(),
            problems: vec![Problem {
                path: options.file.display().to_string(),
                what: format!("the file cannot be read: {error}"),
                fix: "name the folder with --data and the file in it with --config".to_owned(),
            }],
        })?;
        Self::parse(&text, &file, options)
    }

    fn parse(text: &str, file: &Path, options: LoadOptions) -> Result<Self, ConfigError> {
        let failed = |problems| ConfigError { file: file.display().to_string(), problems };
        let tree = tree::read(text, &options.environment).map_err(failed)?;
        let reading = Reading {
            environment: &options.environment,
            data_dir: &options.data_dir,
            origins: tree.origins,
            problems: RefCell::new(tree.problems),
        };
        let config = Self::read(Section::root(&reading, tree.values), &options);
        let problems = reading.problems.into_inner();
        if problems.is_empty() { Ok(config) } else { Err(failed(problems)) }
    }

    fn read(mut root: Section<'_>, options: &LoadOptions) -> Self {
        let files = FilesConfig::read(root.section("files"));
        Self {
            data_dir: options.data_dir.clone(),
            server: ServerConfig::read(root.section("server"), options.auth),
            control_plane: ControlPlaneConfig::read(root.section("control_plane")),
            analytics_sources: sources::read(&mut root, &files.base_path),
            python: PythonConfig::read(root.section("python")),
            redis: RedisConfig::read(root.section("redis")),
            websocket: WebsocketConfig::read(root.section("websocket")),
            chat: ChatConfig::read(root.section("chat")),
            files,
            models: ModelsConfig::read(root.section("models")),
            safety: SafetyConfig::read(root.section("safety")),
            telemetry: TelemetryConfig::read(root.section("telemetry")),
            execution: ExecutionConfig::read(root.section("execution")),
            eda: EdaConfig::read(root.section("eda")),
            learning: LearningConfig::read(root.section("learning")),
            policies: policies::read(&mut root),
            limits: LimitsConfig::read(root.section("limits")),
            connectors: ConnectorsConfig::read(root.section("connectors")),
            environment: options.environment.clone(),
        }
    }
}

/// A URL of one of the schemes. Its value is never shown: it may carry a password.
fn url(section: &mut Section<'_>, key: &'static str, default: &str, schemes: &[&str]) -> String {
    let url = section.text(key, default);
    let known = url.split_once("://").is_some_and(|(scheme, rest)| {
        schemes.contains(&scheme) && !rest.is_empty() && !rest.starts_with('/')
    });
    if !known {
        let fix = format!("write {}://host:port", schemes.join(":// or "));
        section.report(key, "this is not a URL that can be used here", fix);
    }
    url
}
