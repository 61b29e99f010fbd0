//! `analytics_sources[].store`: how an object store or a web server is reached.
//!
//! A `base_path` with `://` in it is an address, and `store` says the rest. Keys and passwords are
//! written as `${VAR}`, and no message shows their values.

use std::path::Path;

use air_connectors::{StoreAddress, StoreOptions};
use secrecy::SecretString;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct StoreConfig {
    pub(crate) address: StoreAddress,
    pub(crate) options: StoreOptions,
}

/// Reads the block of a source whose `base_path` is the address `text`.
pub(super) fn read(source: &mut Section<'_>, text: &str) -> Option<StoreConfig> {
    let mut section = source.section("store");
    let fix = "for example s3://bucket/folder or https://host/folder";
    let address = match StoreAddress::parse(text) {
        Ok(address) => address,
        Err(what) => {
            source.report("base_path", what, fix);
            section.forget();
            return None;
        }
    };
    let options = options(&mut section, &address);
    if let Err((key, what)) = options.check(&address) {
        match key {
            "store" | "base_path" => source.report(key, what, ""),
            key => section.report(key, what, ""),
        }
    }
    Some(StoreConfig { address, options })
}

fn options(section: &mut Section<'_>, address: &StoreAddress) -> StoreOptions {
    let defaults = StoreOptions::default();
    let mut settings: Vec<(String, SecretString)> = Vec::new();
    for &key in address.kind().texts() {
        settings.extend(section.secret(key).map(|value| (key.to_owned(), value)));
    }
    for &key in address.kind().flags() {
        if section.flag(key, false) {
            settings.push((key.to_owned(), SecretString::from("true")));
        }
    }
    StoreOptions {
        settings,
        from_environment: section.flag("from_environment", false),
        allow_http: section.flag("allow_http", false),
        ca: section.path("ca_file", None).and_then(|file| certificates(section, &file)),
        connect_timeout: section.duration("connect_timeout", defaults.connect_timeout),
        timeout: section.duration("timeout", defaults.timeout),
        max_retries: section.number("max_retries", 3_u16, 0..=10).into(),
        files: section.texts("files", &[]),
    }
}

fn certificates(section: &Section<'_>, file: &Path) -> Option<Vec<u8>> {
    let read = std::fs::read(file);
    read.map_err(|e| section.report("ca_file", format!("{}: {e}", file.display()), "")).ok()
}
