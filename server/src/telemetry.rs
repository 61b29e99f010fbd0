//! Logs and traces: what is told of the service's work while it works.
//!
//! In: `telemetry` of the configuration. Out: logs on stderr (stdout holds the one line that tells
//! where the service listens), and, where an endpoint is configured, spans by OTLP over HTTP: one a
//! request and one a stage of a run, under the caller's trace where `traceparent` names one.
//! Absent on purpose, in both: rows, literals and values of SQL, questions, prompts and tokens. A
//! span holds names, ids, statuses and times alone, and no log line becomes part of one.

use anyhow::Context as _;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, OtlpConfig, TelemetryConfig};
use crate::outbound;

/// Where OTLP over HTTP takes traces.
const TRACES: &str = "/v1/traces";

/// What was started; [`Telemetry::stop`] sends what is still held.
#[derive(Debug)]
pub(crate) struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logs and traces of this process. To be called outside of an async runtime: what
    /// sends spans has a thread of its own.
    pub(crate) fn start(config: &TelemetryConfig) -> anyhow::Result<Self> {
        let level = config.level;
        // Libraries write at their own levels and may show what AIR does not.
        // The client of models would write replies and errors whole.
        let filter = format!("warn,async_openai=off,air_server={level},air_connectors={level}");
        let filter = EnvFilter::try_new(filter)?;
        let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let log = match config.format {
            LogFormat::Json => log.json().with_span_list(false).boxed(),
            LogFormat::Text => log.with_ansi(false).boxed(),
        };
        let provider = config.otlp.as_ref().map(provider).transpose()?;
        let traces = provider.as_ref().map(|provider| {
            let own = |meta: &tracing::Metadata<'_>| {
                meta.is_span() && meta.target().starts_with("air_server")
            };
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("air"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(filter_fn(own))
        });
        let subscriber = tracing_subscriber::registry().with(log.with_filter(filter)).with(traces);
        subscriber.try_init().context("the log cannot be started")?;
        Ok(Self { provider })
    }

    /// Sends what is held. A collector that is away holds the end up for seconds at most.
    pub(crate) fn stop(self) {
        let Some(provider) = self.provider else { return };
        if let Err(error) = provider.shutdown() {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn provider(config: &OtlpConfig) -> anyhow::Result<SdkTracerProvider> {
    let endpoint = match config.endpoint.trim_end_matches('/') {
        whole if whole.ends_with(TRACES) => whole.to_owned(),
        base => format!("{base}{TRACES}"),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(outbound::blocking_client().timeout(config.timeout).build()?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(config.timeout)
        .build()
        .context("telemetry.otlp_endpoint cannot be used")?;
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("air").with_attribute(version).build();
    let ratio = Sampler::TraceIdRatioBased(config.sample_ratio);
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(ratio)))
        .with_resource(resource)
        .build())
}

/// Puts a new span under the trace that a request names, if it names one.
pub(crate) fn take_over(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&Given(headers));
    if context.span().span_context().is_valid() {
        // Without an endpoint nothing keeps spans, and there is nothing to put anywhere.
        let _ = span.set_parent(context);
    }
}

/// Headers by which a request to another service continues the present trace; none without one.
pub(crate) fn handed_on() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Taken(&mut headers));
    headers
}

struct Given<'h>(&'h HeaderMap);

impl Extractor for Given<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Taken<'h>(&'h mut HeaderMap);

impl Injector for Taken<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_trace_is_taken_over_and_handed_on() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let mut headers = HeaderMap::new();
            let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
            headers.insert("traceparent", HeaderValue::try_from(parent).unwrap());
            let span = tracing::info_span!("request");
            take_over(&span, &headers);
            let on = span.in_scope(handed_on);
            let handed = on["traceparent"].to_str().unwrap();
            assert!(handed.starts_with(&format!("00-{TRACE}-")), "{handed}");
            assert!(!handed.contains("00f067aa0ba902b7"), "the span is this one: {handed}");
        });
    }

    #[test]
    fn nothing_is_handed_on_without_a_trace() {
        assert!(handed_on().is_empty());
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static("nonsense"));
        take_over(&Span::none(), &headers);
    }
}
