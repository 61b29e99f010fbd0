use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::models::Provider;
use super::*;
use crate::auth::Role;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let options = LoadOptions {
        data_dir: "/srv/air".into(),
        file: "config.yaml".into(),
        auth: None,
        environment: variables.iter().copied().collect(),
    };
    Config::parse(yaml, Path::new("config.yaml"), options)
}

/// Loads with authentication set up, which every configuration wants.
fn loaded(yaml: &str) -> Config {
    load(yaml, &[("AIR__SERVER__AUTH__JWT_SECRET", SECRET)]).unwrap()
}

/// `path: what` of each problem, in order of path.
fn problems(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let mut variables = variables.to_vec();
    variables.push(("AIR__SERVER__AUTH__JWT_SECRET", SECRET));
    let error = load(yaml, &variables).unwrap_err();
    let mut lines: Vec<String> = error
        .problems
        .iter()
        .map(|problem| format!("{}: {} → {}", problem.path, problem.what, problem.fix))
        .collect();
    lines.sort();
    lines
}

fn assert_problem(yaml: &str, wanted: &str) {
    let found = problems(yaml, &[]);
    assert!(found.iter().any(|line| line.contains(wanted)), "{wanted}\nin {found:#?}");
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let config = loaded("");
    assert_eq!((config.server.host.as_str(), config.server.port), ("0.0.0.0", 9000));
    assert_eq!(config.control_plane.file, Path::new("/srv/air/air.db"));
    assert_eq!(config.safety.default_row_limit, 5000);
    assert_eq!(config.safety.time_filter, TimeFilter::Inject);
    assert_eq!(config.limits.memory_pool, 2_000_000_000);
    assert_eq!(config.limits.request, Duration::from_secs(30));
    assert_eq!(config.files.base_path, Path::new("/srv/air/files"));
    assert_eq!(config.models.provider, Provider::Builtin);
    assert!(!config.redis.enabled && !config.python.enabled);
}

/// The file that is shipped: it says the defaults, works with the sample data, and its sample
/// secret is refused.
#[test]
fn the_shipped_configuration_is_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("data");
    let load_file = |file: &str, auth: Option<bool>| {
        let environment = Environment::default();
        Config::load(LoadOptions { data_dir: folder.clone(), file: file.into(), auth, environment })
    };
    let refused = load_file("config.yaml", None).unwrap_err();
    let paths: Vec<&str> = refused.problems.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["server.auth.jwt_secret"], "{refused}");
    assert!(refused.to_string().contains("sample secret is refused"));

    let config = load_file("config.yaml", Some(false)).unwrap();
    assert_eq!(config.server.bind_host(), "127.0.0.1");
    let source = &config.analytics_sources[0];
    assert_eq!(
        (source.id.as_str(), source.kind, source.default),
        ("flights", SourceKind::Files, true)
    );
    let Some(FilesPlace::Folder(path)) = &source.place else { panic!("no folder") };
    assert_eq!(*path, folder.join("sample"));

    let dev = load_file("config-dev.yaml", None).unwrap();
    assert!(!dev.server.auth.enabled);
    assert_eq!(dev.analytics_sources.len(), 1);
}

/// What the shipped file says equals what a file without the key gives, but for the keys whose
/// comment says otherwise.
#[test]
fn the_shipped_configuration_says_the_defaults() {
    let text = include_str!("../../../data/config.yaml");
    let mut shipped = loaded(text);
    let defaults = loaded("");
    shipped.analytics_sources.clear();
    shipped.chat.enabled = defaults.chat.enabled;
    shipped.files.base_path.clone_from(&defaults.files.base_path);
    shipped.python.auth_shared_secret = None;
    assert_eq!(format!("{shipped:#?}"), format!("{defaults:#?}"));
}

/// Every key of the original specification's file is read: none of them is unknown.
#[test]
fn the_original_configuration_is_read() {
    let original = r#"
server: {host: 0.0.0.0, port: 9000, ws_enabled: true,
         auth: {enabled: true, jwt_secret: "0123456789abcdef0123456789abcdef", token_expiry: "24h"}}
control_plane: {driver: sqlite, dsn: "file:air.db?_fk=1"}
analytics_sources:
  - {id: "ts-dev", kind: "timescaledb", dsn: "postgres://user:pass@localhost:5432/energy?sslmode=disable", display_name: "Timescale Dev", default: true}
  - {id: "pg-sales", kind: "postgres", dsn: "postgres://reporter:***@pg:5432/sales", display_name: "Sales Warehouse (PG)"}
  - {id: "mysql-ops", kind: "mysql", dsn: "user:pass@tcp(localhost:3306)/ops", display_name: "Ops MySQL"}
  - {id: "energy-files", kind: "files", base_path: "/data/files/energy", display_name: "Energy Files (CSV/Parquet)"}
python: {enabled: true, base_url: "http://localhost:9001", timeout: "90s", auth_shared_secret: "another secret",
         resource_limits: {memory_mb: 2048, workers: 2}}
redis: {enabled: true, url: "redis://localhost:6379/0", password: "", db: 0, max_retries: 3, dial_timeout: "5s",
        read_timeout: "3s", write_timeout: "3s", pool_size: 10, min_idle_conns: 5}
websocket: {enabled: true, buffer_size: 1024, read_buffer_size: 4096, write_buffer_size: 4096, handshake_timeout: "10s",
            ping_period: "54s", pong_wait: "60s", max_message_size: 512, enable_compression: true}
chat: {enabled: true, message_retention: "24h", typing_timeout: "5s", presence_timeout: "5m", max_room_size: 100,
       ai_streaming: true, ai_response_timeout: "30s"}
files: {allowed_ext: [".csv", ".parquet", ".jsonl"], max_rows_return_json: 50000, infer_rows: 20000, base_path: "/data/files"}
models: {chat_primary: "openai", chat_backup: "llama3", sql_primary: "sqlcoder", openai: {model: "gpt-4o-mini", api_key: ""},
         ollama: {host: "http://localhost:11434", llama3_model: "llama3", sqlcoder_model: "sqlcoder"},
         embeddings: {provider: "openai", model: "text-embedding-3-small"}}
safety: {default_row_limit: 5000, max_row_limit: 100000, enforce_time_filter_days: 370}
telemetry: {level: "info"}
"#;
    let config = load(original, &[]).unwrap();
    assert_eq!(config.analytics_sources.len(), 4);
    assert_eq!(config.python.timeout, Duration::from_secs(90));
    assert_eq!(config.chat.presence_timeout, Duration::from_secs(300));
    let shown = format!("{config:?}");
    for secret in ["user:pass", "0123456789abcdef", "another secret"] {
        assert!(!shown.contains(secret), "Debug shows {secret}");
    }
}

#[test]
fn nothing_is_a_retention_for_ever_and_no_other_duration() {
    let config =
        loaded("execution: {snapshot_retention: 0s, run_retention: 0s, jobs: {retention: 0s}}");
    let execution = &config.execution;
    assert_eq!((execution.snapshot_retention, execution.run_retention), (None, None));
    assert_eq!(execution.jobs.retention, None);
    assert_problem("execution: {query_timeout: 0s}", "a duration is longer than nothing");
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems(
        "sever: {port: 1}\nserver: {prot: 1, port: 70000, auth: {token_expiry: 24}}\n\
         safety: {time_filter: injct}\nlimits: {body: 10 apples}\n",
        &[],
    );
    let wanted = [
        "limits.body: \"10 apples\" is no size",
        "safety.time_filter: injct cannot be used here → did you mean inject?",
        "server.auth.token_expiry: 24 cannot be used here → write a number and a unit",
        "server.port: 70000 cannot be used here → a whole number from 0 to 65535",
        "server.prot: unknown key → did you mean port?",
        "sever: unknown key → did you mean server?",
    ];
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (line, start) in found.iter().zip(wanted) {
        assert!(line.starts_with(start), "{line}\nwanted {start}");
    }
}

#[test]
fn overrides_win_and_are_named_in_problems() {
    let variables = [
        ("AIR__SERVER__PORT", "8080"),
        ("AIR__SERVER__AUTH__JWT_SECRET", SECRET),
        ("AIR__FILES__ALLOWED_EXT", ".csv,.jsonl"),
        ("AIR__SAFETY__TIME_FILTER", "off"),
        ("AIR__POLICIES", r#"[{"datasource": "a", "entity": "t", "roles": ["viewer"]}]"#),
        ("AIR_TOKEN", "not ours"),
    ];
    let config = load("server: {port: 1}", &variables).unwrap();
    assert_eq!(config.server.port, 8080);
    assert_eq!(config.files.allowed_ext, [".csv", ".jsonl"]);
    assert_eq!(config.safety.time_filter, TimeFilter::Off);
    assert_eq!(config.policies[0].roles, [Role::Viewer]);

    let found = problems("", &[("AIR__SERVER__PROT", "1"), ("AIR__TELEMETRY__LEVEL", "loud")]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("server.prot (from AIR__SERVER__PROT): unknown key"));
    assert!(found[1].starts_with("telemetry.level (from AIR__TELEMETRY__LEVEL): loud"));
    let found = problems("server: {port: 1}", &[("AIR__SERVER__PORT__X", "1")]);
    assert!(found[0].contains("port holds no keys"), "{found:#?}");
}

#[test]
fn references_are_expanded_and_dsns_keep_theirs() {
    let yaml = "analytics_sources: [{id: pg, kind: postgres, dsn: 'postgres://u:${PW}@h/d'}]\n\
                telemetry: {level: '${LEVEL}'}";
    let variables = [("AIR__SERVER__AUTH__JWT_SECRET", SECRET), ("PW", "s3c"), ("LEVEL", "warn")];
    let config = load(yaml, &variables).unwrap();
    let dsn = config.analytics_sources[0].dsn.as_ref().unwrap();
    assert_eq!(dsn.written.expose_secret(), "postgres://u:${PW}@h/d");
    assert_eq!(dsn.expanded.expose_secret(), "postgres://u:s3c@h/d");
    assert_eq!(config.telemetry.level, "warn");
    let found = problems(yaml, &[]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("PW is not set"), "{found:#?}");
    assert!(found.iter().any(|line| line.contains("LEVEL is not set")), "{found:#?}");
}

#[test]
fn authentication_wants_a_key_that_is_not_known_to_all() {
    let refused = |yaml: &str| load(yaml, &[]).unwrap_err().to_string();
    assert!(refused("").contains("no secret is set"));
    assert!(refused("server: {auth: {jwt_secret: your-secret-key-here}}").contains("sample"));
    let short = refused("server: {auth: {jwt_secret: short-secret-word}}");
    assert!(short.contains("shorter than 32 bytes") && !short.contains("short-secret-word"));
    assert!(refused("server: {auth: {algorithm: RS256}}").contains("JWKS"));
    assert!(load("server: {auth: {enabled: false}}", &[]).is_ok());
    load("server: {auth: {algorithm: RS256, jwks_file: keys.json}}", &[]).unwrap();
    let open = load("server: {host: 0.0.0.0, auth: {enabled: false}}", &[]).unwrap();
    assert_eq!(open.server.bind_host(), "127.0.0.1");
    assert_eq!(loaded("server: {host: 0.0.0.0}").server.bind_host(), "0.0.0.0");
}

#[test]
fn sources_are_checked() {
    let source = |fields: &str| format!("analytics_sources: [{{{fields}}}]");
    let cases = [
        ("kind: postgres, dsn: 'postgres://h/d'", "analytics_sources[0].id: missing"),
        ("id: '../x', kind: files, base_path: files", "\"../x\" is no datasource id"),
        ("id: a, kind: oracle, dsn: x", "\"oracle\" is no kind of source"),
        ("id: a, kind: files", "analytics_sources[0].base_path: missing"),
        ("id: a, kind: files, base_path: /etc", "/etc lies outside files.base_path"),
        ("id: a, kind: files, base_path: files/../../x", "lies outside files.base_path"),
        ("id: a, kind: files, base_path: filesx", "lies outside files.base_path"),
        ("id: a, kind: files, base_path: files, store: {}", "a folder of this machine has none"),
        ("id: a, kind: files, base_path: 's3://b/x'", "store: no credentials"),
        (
            "id: a, kind: files, base_path: 's3://k:p@b', store: {skip_signature: true}",
            "analytics_sources[0].base_path: the address holds a user or a password",
        ),
        (
            "id: a, kind: files, base_path: 's3://b', store: {skip_signature: true, regoin: x}",
            "analytics_sources[0].store.regoin: unknown key → did you mean region?",
        ),
        (
            "id: a, kind: files, base_path: 's3://b', store: {access_key_id: x}",
            "analytics_sources[0].store.secret_access_key: missing",
        ),
        (
            "id: a, kind: files, base_path: 's3://b', store: {skip_signature: true, account_key: x}",
            "analytics_sources[0].store.account_key: unknown key",
        ),
        (
            "id: a, kind: files, base_path: 's3://b', \
             store: {skip_signature: true, endpoint: 'http://h:1'}",
            "analytics_sources[0].store.endpoint: credentials and rows would go without TLS",
        ),
        ("id: a, kind: files, base_path: 'ftp://b'", "ftp:// is no kind of store"),
        ("id: a, kind: mysql, dsn: x, base_path: 's3://b'", "a database has none"),
        ("id: a, kind: mysql", "analytics_sources[0].dsn: missing"),
        ("id: a, kind: mysql, dsn: x, base_path: files", "a database has none"),
        ("id: a, kind: mysql, dns: x", "did you mean dsn?"),
    ];
    for (fields, wanted) in cases {
        assert_problem(&source(fields), wanted);
    }
    let two = "id: a, kind: files, base_path: files, default: true";
    let twice = format!("analytics_sources: [{{{two}}}, {{{two}}}]");
    assert_problem(&twice, "a is used twice");
    assert_problem(&twice, "another source is the default already");
}

#[test]
fn a_store_is_read_with_its_keys_hidden() {
    let yaml = "analytics_sources: [{id: lake, kind: files, base_path: 's3://b/x/', \
                store: {access_key_id: '${ID}', secret_access_key: '${KEY}', region: eu-west-1, \
                virtual_hosted_style_request: true, timeout: 5s, max_retries: 1}}]";
    let variables =
        [("AIR__SERVER__AUTH__JWT_SECRET", SECRET), ("ID", "AKIAX"), ("KEY", "hush-hush")];
    let config = load(yaml, &variables).unwrap();
    let Some(FilesPlace::Store(store)) = &config.analytics_sources[0].place else {
        panic!("no store");
    };
    assert_eq!(store.address.shown(), "s3://b/x");
    let (options, key) = (&store.options, store.options.settings.iter());
    assert_eq!((options.timeout, options.max_retries), (Duration::from_secs(5), 1));
    let keys: Vec<&str> = key.map(|(key, _)| key.as_str()).collect();
    let wanted = ["region", "access_key_id", "secret_access_key", "virtual_hosted_style_request"];
    assert_eq!(keys, wanted);
    let shown = format!("{config:?}");
    assert!(!shown.contains("hush-hush") && !shown.contains("AKIAX"), "Debug shows a key");
}

#[test]
fn parts_that_contradict_are_told() {
    let cases = [
        ("websocket: {ping_period: 60s, pong_wait: 60s}", "websocket.ping_period"),
        ("safety: {default_row_limit: 10, max_row_limit: 5}", "safety.default_row_limit"),
        ("redis: {pool_size: 1, min_idle_conns: 2}", "redis.min_idle_conns"),
        ("redis: {url: 'http://h'}", "redis.url: this is not a URL"),
        ("python: {enabled: true}", "python.auth_shared_secret: no secret"),
        (
            "python: {enabled: true, auth_shared_secret: change-me-in-production}",
            "the sample secret is refused",
        ),
        ("files: {allowed_ext: ['.exe']}", "\".exe\" is not a form AIR reads"),
        ("control_plane: {driver: postgres}", "control_plane.driver"),
        ("control_plane: {dsn: ':memory:'}", "a file is wanted"),
        ("control_plane: {dsn: 'file:air.db?_fk=0'}", "foreign keys are always on"),
        ("control_plane: {dsn: 'file:air.db?_fks=1'}", "did you mean _fk?"),
        ("execution: {engine: cluster}", "execution.engine: cluster cannot be used"),
        ("policies: [{datasource: a}]", "policies[0].entity: missing"),
        ("policies: [{datasource: a, entity: t, roles: [root]}]", "\"root\" is no role"),
        ("policies: [{datasource: a, entity: t, rows: [x]}]", "one filter of the IR"),
        ("policies: [{datasource: a, entity: t, row: []}]", "did you mean rows?"),
    ];
    for (yaml, wanted) in cases {
        assert_problem(yaml, wanted);
    }
}

#[test]
fn the_eda_service_may_be_started_here() {
    let config = loaded("").python;
    assert!(!config.autostart);
    assert_eq!((config.command.as_path(), config.module_path), (Path::new("python3"), None));
    let config = loaded(
        "python: {enabled: true, autostart: true, command: ../venv/bin/python, module_path: eda,
          auth_shared_secret: change-me-in-production}",
    );
    assert!(config.python.autostart && config.python.auth_shared_secret.is_none());
    assert_eq!(config.python.command, Path::new("/srv/venv/bin/python"));
    assert_eq!(config.python.module_path.as_deref(), Some(Path::new("/srv/air/eda")));
    let given = "python: {enabled: true, autostart: true, auth_shared_secret: 0123456789abcdef}";
    assert!(loaded(given).python.auth_shared_secret.is_some());
    for (yaml, wanted) in [
        ("python: {autostart: true}", "python.autostart: has no effect"),
        ("python: {enabled: true, autostart: true, auth_shared_secret: short}", "shorter than 16"),
        ("python: {enabled: true, autostrat: true}", "did you mean autostart?"),
    ] {
        assert_problem(yaml, wanted);
    }
}

#[test]
fn a_file_that_is_no_yaml_shows_no_line_of_it() {
    let error = load("server:\n  auth: {jwt_secret: s3cret-word\n  port: [", &[]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("no YAML") && !text.contains("s3cret-word"), "{text}");
    assert!(load("- a\n- b", &[]).unwrap_err().to_string().contains("no keys at its top"));
    let twice = load("server: {port: 1, port: 2}", &[]).unwrap_err().to_string();
    assert!(twice.contains("no YAML"), "{twice}");
    let missing = Config::load(LoadOptions {
        data_dir: "no-such-folder".into(),
        file: "config.yaml".into(),
        auth: None,
        environment: Environment::default(),
    });
    assert!(missing.unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn workers_are_named_with_a_token_and_reached_by_tls() {
    let token = "0123456789abcdef0123456789abcdef";
    let text = |execution: &str| format!("execution: {{engine: distributed, {execution}}}");
    let config =
        loaded(&text(&format!("workers: [\"http://127.0.0.1:9100\"], worker: {{token: {token}}}")));
    assert!(config.execution.distributed && !config.execution.worker.has_tls());
    assert_eq!(config.execution.bytes_per_part, 16_000_000);
    assert!(!loaded("").execution.distributed);

    let tls = "ca: ca.pem, cert: cert.pem, key: key.pem";
    let config = loaded(&text(&format!(
        "workers: [\"https://worker-1:9100\"], worker: {{token: {token}, {tls}}}"
    )));
    assert!(config.execution.worker.has_tls());

    assert_problem(&text(&format!("worker: {{token: {token}}}")), "distributed has no workers");
    let here = "workers: [\"http://127.0.0.1:9100\"]";
    assert_problem(&text(here), "execution.worker.token: missing");
    assert_problem(&text(&format!("{here}, worker: {{token: short}}")), "too short");
    assert_problem(&text("workers: [\"http://10.0.0.7:9100\"]"), "only loopback is spoken to");
    assert_problem(&text("workers: [\"https://worker-1:9100\"]"), "wants certificates");
    assert_problem(&text("workers: [\"worker-1\"]"), "no URL of a worker");
    assert_problem("execution: {worker: {ca: ca.pem}}", "execution.worker.cert: missing");
    assert_problem("execution: {worker: {bind: worker-1}}", "cannot be listened on");
}
