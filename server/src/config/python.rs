//! `python`: how to reach the EDA service, or to start it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::section::{Section, fold_path};

/// The secret that the sample configuration carries.
const SAMPLE_SHARED_SECRET: &str = "change-me-in-production";
/// What the EDA service takes as a secret is no shorter.
const LEAST_SECRET: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct PythonConfig {
    pub(crate) enabled: bool,
    /// Where somebody else runs it; not looked at with `autostart`.
    pub(crate) base_url: String,
    pub(crate) timeout: Duration,
    /// Present, and not the sample, where `enabled`; with `autostart` one is made if there is none.
    pub(crate) auth_shared_secret: Option<SecretString>,
    pub(crate) resource_limits: PythonLimits,
    /// Whether the server starts it, on a free port of loopback, and ends it.
    pub(crate) autostart: bool,
    /// The Python to start it with: a name that is looked for in `PATH`, or a path.
    pub(crate) command: PathBuf,
    /// The folder of the package `air_eda`, where that Python does not have it installed.
    pub(crate) module_path: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub(crate) struct PythonLimits {
    pub(crate) memory_mb: u32,
    pub(crate) workers: u16,
}

impl PythonConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let mut limits = section.section("resource_limits");
        let config = Self {
            // Off unless asked for: AIR needs no other service to be useful.
            enabled: section.flag("enabled", false),
            base_url: super::url(&mut section, "base_url", "http://localhost:9001", &HTTP),
            timeout: section.duration("timeout", Duration::from_secs(90)),
            auth_shared_secret: section.secret("auth_shared_secret"),
            resource_limits: PythonLimits {
                memory_mb: limits.number("memory_mb", 2048, 64..=1_048_576),
                workers: limits.number("workers", 2, 1..=256),
            },
            autostart: section.flag("autostart", false),
            command: command(&mut section),
            module_path: section.path("module_path", None),
        };
        if config.autostart {
            return config.started_here(&section);
        }
        if config.enabled {
            config.check_secret(&section);
        }
        config
    }

    /// With `autostart` nobody else need know the secret, so that the sample counts as none.
    fn started_here(mut self, section: &Section<'_>) -> Self {
        if !self.enabled {
            let what = "has no effect while python.enabled is false";
            section.report("autostart", what, "set python.enabled: true");
        }
        self.auth_shared_secret =
            self.auth_shared_secret.filter(|s| s.expose_secret() != SAMPLE_SHARED_SECRET);
        let given = self.auth_shared_secret.as_ref();
        if given.is_some_and(|secret| secret.expose_secret().len() < LEAST_SECRET) {
            let what = format!("the secret is shorter than {LEAST_SECRET} bytes");
            section.report("auth_shared_secret", what, "leave it out: one is made at each start");
        }
        self
    }

    fn check_secret(&self, section: &Section<'_>) {
        let fix = "set AIR__PYTHON__AUTH_SHARED_SECRET to random text that the EDA service has \
                   too, or set python.enabled to false";
        match &self.auth_shared_secret {
            None => section.report("auth_shared_secret", "no secret is set", fix),
            Some(secret) if secret.expose_secret() == SAMPLE_SHARED_SECRET => {
                section.report("auth_shared_secret", "the sample secret is refused", fix);
            }
            Some(_) => {}
        }
    }
}

/// A path is taken from the data folder; a name is left to `PATH`.
fn command(section: &mut Section<'_>) -> PathBuf {
    let text = section.text("command", "python3");
    match text.contains('/') {
        true => fold_path(&section.data_dir().join(text)),
        false => PathBuf::from(text),
    }
}

pub(super) const HTTP: [&str; 2] = ["http", "https"];
