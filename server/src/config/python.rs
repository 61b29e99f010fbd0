//! `python`: how to reach the EDA service.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::section::Section;

/// The secret that the sample configuration carries.
const SAMPLE_SHARED_SECRET: &str = "change-me-in-production";

#[derive(Debug, Clone)]
pub(crate) struct PythonConfig {
    pub(crate) enabled: bool,
    pub(crate) base_url: String,
    pub(crate) timeout: Duration,
    /// Present, and not the sample, where `enabled`.
    pub(crate) auth_shared_secret: Option<SecretString>,
    pub(crate) resource_limits: PythonLimits,
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
        };
        if config.enabled {
            config.check_secret(&section);
        }
        config
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

pub(super) const HTTP: [&str; 2] = ["http", "https"];
