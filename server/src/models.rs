//! Language models: whom to ask, in what order, and what is done when one misbehaves.
//!
//! In: the configuration, and a [`Chat`] for a task. Out: a [`Reply`] without the key, or the
//! [`Fault`] of the model; the caller goes on with the next of [`Models::order`], and in the end
//! with the built-in interpreter. Each call has a time limit, is tried again where that may help,
//! and is counted. Absent on purpose: what is asked and what a reply means (`drafts`, `analysis`),
//! and any text of a server in an error or the log.

mod breaker;
mod fault;
mod openai;
mod provider;
mod redact;
mod transport;
mod usage;

pub(crate) mod prompts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::breaker::Breaker;
use self::openai::OpenAi;
use self::usage::Counts;
use crate::config::{CallsConfig, ModelName, ModelsConfig, Provider as ProviderName};
use crate::store::checksum;

pub(crate) use self::fault::Fault;
pub(crate) use self::provider::{
    Chat, Embedded, Failed, Form, Message, Piece, Provider, Reply, Speaker,
};
pub(crate) use self::usage::{Counted, Usage, estimate};

/// The wait before the first retry; it doubles with each.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// A server that wants a longer wait than this is left for the next.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What a model is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Chat,
    Sql,
}

/// Every model that may be asked.
pub(crate) struct Models {
    config: ModelsConfig,
    models: BTreeMap<ModelName, Model>,
    embedder: Option<Model>,
}

struct Model {
    provider: Result<Arc<dyn Provider>, Fault>,
    breaker: Breaker,
    counts: Counts,
}

impl Models {
    /// Nothing is reached yet.
    pub(crate) fn new(config: &ModelsConfig) -> Self {
        // The first to be installed stays; any does.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = client(&config.calls);
        let model = |name: ModelName| {
            let wanted = match name {
                ModelName::Openai => &config.openai.model,
                ModelName::Llama3 => &config.ollama.llama3_model,
                ModelName::Sqlcoder => &config.ollama.sqlcoder_model,
            };
            (name, Model::new(config, name.provider(), wanted, http.as_ref()))
        };
        let embeddings = &config.embeddings;
        let embedder = (embeddings.provider != ProviderName::Builtin)
            .then(|| Model::new(config, embeddings.provider, &embeddings.model, http.as_ref()));
        Self {
            models: ModelName::ALL.into_iter().map(model).collect(),
            embedder: embedder.filter(|model| model.provider.is_ok()),
            config: config.clone(),
        }
    }

    pub(crate) fn calls(&self) -> &CallsConfig {
        &self.config.calls
    }

    /// Whether a model can be asked at all, and if not, why.
    pub(crate) fn usable(&self, name: ModelName) -> Result<(), Fault> {
        match self.models.get(&name).map(|model| &model.provider) {
            Some(Err(fault)) => Err(fault.clone()),
            Some(Ok(_)) => Ok(()),
            None => Err(Fault::NotConfigured("there is no such model")),
        }
    }

    /// Whether a model's server is there and knows the key.
    pub(crate) async fn probe(&self, name: ModelName) -> Result<(), Fault> {
        self.usable(name)?;
        match self.models.get(&name).and_then(|model| model.provider.as_ref().ok()) {
            Some(provider) => provider.probe().await,
            None => Ok(()),
        }
    }

    /// The name under which a model's server knows it.
    pub(crate) fn served(&self, name: ModelName) -> String {
        let provider = self.models.get(&name).and_then(|model| model.provider.as_ref().ok());
        let model = provider.map_or("", |provider| provider.model());
        format!("{}:{model}", name.as_str())
    }

    /// The models for a task, the first first: `forced` alone; else those of the provider that
    /// was named, since no other may be shown what the question is about; else those the
    /// configuration names for it, the ones of its provider before others.
    pub(crate) fn order(
        &self,
        task: Task,
        named: Option<ProviderName>,
        forced: Option<ModelName>,
    ) -> Vec<ModelName> {
        if let Some(forced) = forced {
            return vec![forced];
        }
        let config = &self.config;
        let mut order = match task {
            Task::Chat => vec![config.chat_primary, config.chat_backup],
            Task::Sql => vec![config.sql_primary, config.chat_primary],
        };
        let first = named.unwrap_or(config.provider);
        if task == Task::Chat && first != ProviderName::Builtin {
            // A provider that was asked for by name is asked, whatever the routing has.
            let own = [ModelName::Openai, ModelName::Llama3];
            order.extend(own.into_iter().filter(|name| name.provider() == first));
            order.sort_by_key(|name| name.provider() != first);
        }
        if let Some(named) = named {
            order.retain(|name| name.provider() == named);
        }
        let mut seen = Vec::new();
        for name in order {
            if !seen.contains(&name) && self.usable(name).is_ok() {
                seen.push(name);
            }
        }
        seen
    }

    /// Asks a model, with retries, until its time or the request's is over.
    pub(crate) async fn chat(&self, name: ModelName, mut chat: Chat) -> Result<Reply, Fault> {
        let Some(model) = self.models.get(&name) else {
            return Err(Fault::NotConfigured("there is no such model"));
        };
        chat.deadline = chat.deadline.min(Instant::now() + self.config.calls.timeout);
        let reply = self.replied(name, model, &chat).await;
        if let Err(fault) = &reply {
            tracing::warn!(model = name.as_str(), fault = fault.kind(), "a model did not answer");
        }
        reply
    }

    async fn replied(&self, name: ModelName, model: &Model, chat: &Chat) -> Result<Reply, Fault> {
        let provider = model.provider.as_ref().map_err(Clone::clone)?;
        let mut tries = 0;
        // What tries took that gave no reply is part of what the reply took.
        let mut spent = Usage::default();
        loop {
            model.admits()?;
            let fault = match provider.chat(chat).await {
                Ok(mut reply) => {
                    model.answered(reply.usage);
                    reply.usage.add(spent);
                    return Ok(reply);
                }
                Err(Failed { fault, usage }) => {
                    model.counts.spent(usage);
                    spent.add(usage);
                    fault
                }
            };
            tries += 1;
            self.pause(model, fault, tries, chat.deadline).await?;
            tracing::debug!(model = name.as_str(), tries, "a model is asked again");
            if let Some(pieces) = &chat.pieces {
                // Whoever listened has gone; the reply is wanted all the same.
                let _ = pieces.send(Piece::Again);
            }
        }
    }

    /// Vectors of texts; none where no provider of embeddings is configured.
    pub(crate) async fn embed(&self, texts: &[String], deadline: Instant) -> Option<Embedded> {
        let model = self.embedder.as_ref().filter(|_| !texts.is_empty())?;
        let deadline = deadline.min(Instant::now() + self.config.calls.first_token_timeout);
        match self.vectors(model, texts, deadline).await {
            Ok(found) => Some(found),
            Err(fault) => {
                tracing::warn!(fault = fault.kind(), "notes are chosen without embeddings");
                None
            }
        }
    }

    async fn vectors(
        &self,
        model: &Model,
        texts: &[String],
        deadline: Instant,
    ) -> Result<Embedded, Fault> {
        let provider = model.provider.as_ref().map_err(Clone::clone)?;
        let mut tries = 0;
        loop {
            model.admits()?;
            match provider.embed(texts, deadline).await {
                Ok(found) => {
                    model.answered(found.usage);
                    return Ok(found);
                }
                Err(fault) => {
                    tries += 1;
                    self.pause(model, fault, tries, deadline).await?;
                }
            }
        }
    }

    /// What tells the vectors of the embeddings from others, where there are any: the model, and
    /// a hash of the server's address, which may hold a password.
    pub(crate) fn embedder(&self) -> Option<String> {
        let provider = self.embedder.as_ref()?.provider.as_ref().ok()?;
        let base = match self.config.embeddings.provider {
            ProviderName::Openai => &self.config.openai.base_url,
            _ => &self.config.ollama.host,
        };
        let place = checksum(&serde_json::json!(base));
        Some(format!("{}@{}", provider.model(), place.get(..16).unwrap_or_default()))
    }

    /// Waits until the next try; gives the fault back where there is to be none.
    async fn pause(
        &self,
        model: &Model,
        fault: Fault,
        tries: u32,
        deadline: Instant,
    ) -> Result<(), Fault> {
        model.failed(&fault);
        let wait = fault.wait().unwrap_or_else(|| backoff(tries));
        let over = wait > LONGEST_WAIT || Instant::now() + wait >= deadline;
        if !fault.is_passing() || tries > self.config.calls.retries || over {
            return Err(fault);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Counts of each model, and whether it is left alone at present.
    pub(crate) fn counted(&self) -> Vec<(&'static str, Counted, bool)> {
        let named = self.models.iter().map(|(name, model)| (name.as_str(), model));
        let all = named.chain(self.embedder.iter().map(|model| ("embeddings", model)));
        let now = Instant::now();
        all.map(|(name, model)| (name, model.counts.counted(), model.breaker.is_open(now)))
            .collect()
    }
}

impl Model {
    fn new(
        config: &ModelsConfig,
        provider: ProviderName,
        wanted: &str,
        http: Option<&reqwest::Client>,
    ) -> Self {
        Self {
            provider: provider_of(config, provider, wanted, http),
            breaker: Breaker::new(config.calls.breaker_failures, config.calls.breaker_pause),
            counts: Counts::default(),
        }
    }

    fn admits(&self) -> Result<(), Fault> {
        if self.breaker.admits(Instant::now()) { Ok(()) } else { Err(Fault::Resting) }
    }

    fn answered(&self, usage: Usage) {
        self.breaker.succeeded();
        self.counts.answered(usage);
    }

    fn failed(&self, fault: &Fault) {
        self.counts.failed();
        if fault.is_of_server() {
            // A short wait is kept by the retry; a long one by leaving the model alone.
            let wait = fault.wait().filter(|wait| *wait > LONGEST_WAIT);
            self.breaker.failed(Instant::now(), wait);
        } else if fault.is_answer() {
            self.breaker.succeeded();
        } else {
            self.breaker.untried();
        }
    }
}

fn provider_of(
    config: &ModelsConfig,
    provider: ProviderName,
    wanted: &str,
    http: Option<&reqwest::Client>,
) -> Result<Arc<dyn Provider>, Fault> {
    let http = http.cloned().ok_or(Fault::NotConfigured("no HTTPS client can be made here"))?;
    let first = config.calls.first_token_timeout;
    let made = match provider {
        ProviderName::Openai if !config.openai.is_given() => {
            return Err(Fault::NotConfigured("models.openai.api_key is not set"));
        }
        ProviderName::Openai => {
            let openai = &config.openai;
            OpenAi::new(&openai.base_url, openai.api_key.as_ref(), wanted, http, first)?
        }
        ProviderName::Ollama => {
            // Ollama speaks the same protocol below /v1, and wants no key.
            let base = format!("{}/v1", config.ollama.host.trim_end_matches('/'));
            OpenAi::new(&base, None, wanted, http, first)?
        }
        ProviderName::Builtin => return Err(Fault::NotConfigured("it is no model")),
    };
    Ok(Arc::new(made))
}

/// None where the machine has no certificates to trust.
fn client(calls: &CallsConfig) -> Option<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(calls.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("air/", env!("CARGO_PKG_VERSION")));
    match builder.build() {
        Ok(client) => Some(client),
        Err(error) => {
            tracing::warn!(cause = %error, "no model can be asked: there is no HTTPS client");
            None
        }
    }
}

/// Half of the wait is chance, so that many do not come back together.
fn backoff(tries: u32) -> Duration {
    let whole = FIRST_BACKOFF * 2_u32.saturating_pow(tries.saturating_sub(1).min(8));
    let chance = f64::from(uuid::Uuid::now_v7().as_bytes()[15]) / 255.0;
    whole / 2 + (whole / 2).mul_f64(chance)
}

#[cfg(test)]
mod tests;
