//! `models`: which model does what. `provider: builtin`, the default, needs none of them.

use std::time::Duration;

use secrecy::SecretString;

use super::python::HTTP;
use super::section::Section;

/// A model a request may name with `force_model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ModelName {
    Openai,
    Llama3,
    Sqlcoder,
}

impl ModelName {
    pub(crate) const ALL: [Self; 3] = [Self::Openai, Self::Llama3, Self::Sqlcoder];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Llama3 => "llama3",
            Self::Sqlcoder => "sqlcoder",
        }
    }

    /// Who runs it.
    pub(crate) fn provider(self) -> Provider {
        match self {
            Self::Openai => Provider::Openai,
            Self::Llama3 | Self::Sqlcoder => Provider::Ollama,
        }
    }
}

/// Who writes the first draft of a question's IR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Builtin,
    Openai,
    Ollama,
}

impl Provider {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Openai => "openai",
            Self::Ollama => "ollama",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ModelsConfig {
    pub(crate) provider: Provider,
    pub(crate) chat_primary: ModelName,
    pub(crate) chat_backup: ModelName,
    pub(crate) sql_primary: ModelName,
    pub(crate) openai: OpenaiConfig,
    pub(crate) ollama: OllamaConfig,
    pub(crate) embeddings: EmbeddingsConfig,
    pub(crate) calls: CallsConfig,
}

/// How a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct CallsConfig {
    pub(crate) connect_timeout: Duration,
    /// To the first token, and from each to the next.
    pub(crate) first_token_timeout: Duration,
    /// Of one call with all its tries.
    pub(crate) timeout: Duration,
    /// After the first try.
    pub(crate) retries: u32,
    /// How often a wrong draft is sent back with the planner's error.
    pub(crate) corrections: u32,
    /// Failures in a row after which a model is left alone.
    pub(crate) breaker_failures: u32,
    pub(crate) breaker_pause: Duration,
    /// Of a reply.
    pub(crate) max_tokens: u32,
    /// Of the schema notes in a prompt.
    pub(crate) notes_tokens: u32,
    /// Rows that an analysis shows to a model.
    pub(crate) analysis_rows: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct OpenaiConfig {
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) api_key: Option<SecretString>,
}

#[derive(Debug, Clone)]
pub(crate) struct OllamaConfig {
    pub(crate) host: String,
    pub(crate) llama3_model: String,
    pub(crate) sqlcoder_model: String,
}

#[derive(Debug, Clone)]
pub(crate) struct EmbeddingsConfig {
    /// `builtin`: notes are chosen by their words alone.
    pub(crate) provider: Provider,
    pub(crate) model: String,
}

/// The service that cannot be asked without a key.
const OPENAI_URL: &str = "https://api.openai.com/v1";

impl OpenaiConfig {
    /// Whether there is enough to ask it. Other services of the same form may want no key.
    pub(crate) fn is_given(&self) -> bool {
        self.api_key.is_some() || self.base_url.trim_end_matches('/') != OPENAI_URL
    }
}

fn calls(mut section: Section<'_>) -> CallsConfig {
    CallsConfig {
        connect_timeout: section.duration("connect_timeout", Duration::from_secs(5)),
        first_token_timeout: section.duration("first_token_timeout", Duration::from_secs(15)),
        timeout: section.duration("timeout", Duration::from_secs(25)),
        retries: section.number("retries", 2, 0..=10),
        corrections: section.number("corrections", 3, 0..=3),
        breaker_failures: section.number("breaker_failures", 5, 1..=1_000),
        breaker_pause: section.duration("breaker_pause", Duration::from_secs(30)),
        max_tokens: section.number("max_tokens", 2_000, 64..=100_000),
        notes_tokens: section.number("notes_tokens", 3_000, 100..=1_000_000),
        analysis_rows: section.number("analysis_rows", 30, 1..=50),
    }
}

impl ModelsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let chat = [("openai", ModelName::Openai), ("llama3", ModelName::Llama3)];
        let sql = [chat[0], chat[1], ("sqlcoder", ModelName::Sqlcoder)];
        let providers = [("openai", Provider::Openai), ("ollama", Provider::Ollama)];
        let with_builtin = [("builtin", Provider::Builtin), providers[0], providers[1]];
        let mut openai = section.section("openai");
        let mut ollama = section.section("ollama");
        let mut embeddings = section.section("embeddings");
        let calls = calls(section.section("calls"));
        Self {
            calls,
            provider: section.choice("provider", Provider::Builtin, &with_builtin),
            chat_primary: section.choice("chat_primary", ModelName::Openai, &chat),
            chat_backup: section.choice("chat_backup", ModelName::Llama3, &chat),
            sql_primary: section.choice("sql_primary", ModelName::Sqlcoder, &sql),
            openai: OpenaiConfig {
                base_url: super::url(&mut openai, "base_url", OPENAI_URL, &HTTP),
                model: openai.text("model", "gpt-4o-mini"),
                api_key: openai.secret("api_key"),
            },
            ollama: OllamaConfig {
                host: super::url(&mut ollama, "host", "http://localhost:11434", &HTTP),
                llama3_model: ollama.text("llama3_model", "llama3"),
                sqlcoder_model: ollama.text("sqlcoder_model", "sqlcoder"),
            },
            embeddings: EmbeddingsConfig {
                provider: embeddings.choice("provider", Provider::Openai, &with_builtin),
                model: embeddings.text("model", "text-embedding-3-small"),
            },
        }
    }
}
