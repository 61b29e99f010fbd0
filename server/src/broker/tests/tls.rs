//! A Redis by TLS alone, with certificates made for the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::broker::RedisBroker;

/// An authority, a server's certificate for `localhost`, and another authority.
const CERTIFICATES: &str = r#"
cd "$1" && set -e
new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $new -keyout ca.key -out ca.pem -days 30 -subj /CN=test-authority
openssl req -x509 $new -keyout other.key -out other.pem -days 30 -subj /CN=other-authority
openssl req $new -keyout key.pem -out request.pem -subj /CN=localhost
echo subjectAltName=DNS:localhost >names
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -set_serial 1 -days 30 \
    -extfile names -out cert.pem
"#;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn certificates(folder: &Path) {
    let made = Command::new("sh").args(["-c", CERTIFICATES, "certificates"]).arg(folder).output();
    let made = made.unwrap();
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "openssl is needed: apt-get install openssl\n{told}");
}

fn start(folder: &Path, port: u16) -> Server {
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
    command.args(["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"]);
    command.args(["--tls-ca-cert-file", "ca.pem"]).current_dir(folder);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Server(child.expect("redis-server is missing: apt-get install -y redis-server"))
}

#[tokio::test]
async fn redis_by_tls_is_the_one_whose_authority_is_known() {
    let folder = TempDir::new().unwrap();
    certificates(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = start(folder.path(), port);
    let at = |scheme: &str, host: &str, authority: Option<&str>| RedisConfig {
        ca_file: authority.map(|file| folder.path().join(file)),
        ..config(format!("{scheme}://{host}:{port}/0"))
    };
    let known = at("rediss", "localhost", Some("ca.pem"));
    eventually("Redis answers", || async { RedisBroker::reach(&known).await.is_ok() }).await;
    for (scheme, host, authority) in [
        ("rediss", "localhost", None),
        ("rediss", "localhost", Some("other.pem")),
        // The certificate is for another name.
        ("rediss", "127.0.0.1", Some("ca.pem")),
        ("redis", "localhost", None),
    ] {
        let reached = RedisBroker::reach(&at(scheme, host, authority)).await;
        assert!(reached.is_err(), "{scheme} {host} {authority:?}");
    }

    // What listens and what asks go both by it.
    let (_folder, store) = store().await;
    let (process, hub) = (store.process().clone(), Hub::new(store));
    let broker = RedisBroker::start(&known, &process, hub).unwrap();
    eventually("Redis is heard", || async { broker.health().await == Health::Shared }).await;
    broker.session_seen(&session("ann", "ws_1"), LONG).await;
    assert_eq!(broker.online().await, ["ann"]);
}
