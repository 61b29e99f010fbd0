//! Where the service is, and as whom: flags, then environment, then the profiles file.

use std::process::Command;

use serde_json::json;

use crate::stand_in::{StandIn, page};
use crate::{aircli, end, folder};

/// A command whose profiles file holds `text`.
fn with(test: &str, text: &str) -> Command {
    let home = folder(test);
    std::fs::create_dir_all(home.join("air")).unwrap();
    std::fs::write(home.join("air/config.yaml"), text).unwrap();
    let mut command = aircli();
    command.env("XDG_CONFIG_HOME", home).args(["sources", "list"]);
    command
}

fn server() -> StandIn {
    StandIn::new([page(json!([]))])
}

fn two(url: &str) -> String {
    format!(
        "default: here\nprofiles:\n  here: {{url: '{url}', token: t-here}}\n  \
        there: {{url: 'http://127.0.0.1:1', token: t-there}}\n"
    )
}

#[test]
fn the_default_profile_is_used() {
    let server = server();
    assert_eq!(end(&mut with("default", &two(&server.url))).code, Some(0));
    assert!(server.only().head.contains("authorization: Bearer t-here\r\n"));
}

#[test]
fn a_profile_is_named_by_flag_or_environment() {
    let text = two("http://127.0.0.1:2");
    end(with("flag", &text).args(["--profile", "there"])).ends(5, &["127.0.0.1:1"]);
    end(with("variable", &text).env("AIR_PROFILE", "there")).ends(5, &["127.0.0.1:1"]);
    let unknown = end(with("unknown", &text).args(["--profile", "thre"]));
    unknown.ends(2, &["config.yaml has no profile \"thre\"", "here, there"]);
}

#[test]
fn flags_win_over_environment_over_profile() {
    let server = server();
    let mut command = with("order", &two("http://127.0.0.1:1"));
    command.env("AIR_URL", "http://127.0.0.1:2").env("AIR_TOKEN", "t-env");
    assert_eq!(end(command.args(["--url", &server.url])).code, Some(0));
    assert!(server.only().head.contains("authorization: Bearer t-env\r\n"));
}

#[test]
fn a_profiles_token_goes_to_no_other_server() {
    let server = server();
    let mut command = with("elsewhere", &two("http://127.0.0.1:1"));
    assert_eq!(end(command.args(["--url", &server.url])).code, Some(0));
    assert!(!server.only().head.contains("authorization"));
}

#[test]
fn no_token_is_sent_where_access_is_disabled() {
    let server = server();
    let mut command = with("disabled", &two(&server.url));
    assert_eq!(end(command.args(["--auth", "disabled", "--token", "x"])).code, Some(0));
    assert!(!server.only().head.contains("authorization"));
}

#[test]
fn a_token_is_never_printed() {
    let mut command = with("printed", "");
    let ran = end(command.env("AIR_TOKEN", "hidden").args(["--help"]));
    ran.shows(&["AIR_TOKEN"]);
    assert!(!ran.out.contains("hidden"), "{ran:?}");
}

#[test]
fn a_wrong_file_is_told_with_its_place() {
    end(&mut with("key", "profils: {}")).ends(2, &["air/config.yaml", "profils"]);
    end(&mut with("form", "profiles: 3")).ends(2, &["air/config.yaml"]);
    let mut command = aircli();
    end(command.args(["sources", "list", "--profile", "x"]))
        .ends(2, &["config.yaml cannot be read"]);
}
