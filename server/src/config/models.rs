//! `models`: which model does what. `provider: builtin`, the default, needs none of them.

use secrecy::SecretString;

use super::python::HTTP;
use super::section::Section;

/// A model a request may name with `force_model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelName {
    Openai,
    Llama3,
    Sqlcoder,
}

/// Who writes the first draft of a question's IR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Builtin,
    Openai,
    Ollama,
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
    pub(crate) provider: Provider,
    pub(crate) model: String,
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
        let openai_url = "https://api.openai.com/v1";
        Self {
            provider: section.choice("provider", Provider::Builtin, &with_builtin),
            chat_primary: section.choice("chat_primary", ModelName::Openai, &chat),
            chat_backup: section.choice("chat_backup", ModelName::Llama3, &chat),
            sql_primary: section.choice("sql_primary", ModelName::Sqlcoder, &sql),
            openai: OpenaiConfig {
                base_url: super::url(&mut openai, "base_url", openai_url, &HTTP),
                model: openai.text("model", "gpt-4o-mini"),
                api_key: openai.secret("api_key"),
            },
            ollama: OllamaConfig {
                host: super::url(&mut ollama, "host", "http://localhost:11434", &HTTP),
                llama3_model: ollama.text("llama3_model", "llama3"),
                sqlcoder_model: ollama.text("sqlcoder_model", "sqlcoder"),
            },
            embeddings: EmbeddingsConfig {
                provider: embeddings.choice("provider", Provider::Openai, &providers),
                model: embeddings.text("model", "text-embedding-3-small"),
            },
        }
    }
}
