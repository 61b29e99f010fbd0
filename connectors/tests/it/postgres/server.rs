//! A PostgreSQL server of the tests' own, on a free port, in a folder of its own.
//!
//! It is started once for the test program and stopped when that ends, however it ends: a shell
//! beside it waits for the closing of a pipe that only the test program holds.

use air_connectors::{DatabaseOptions, PostgresSource};
use air_ir::catalog::SourceKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// No text of AIR may ever hold it.
pub(crate) const PASSWORD: &str = "canary:/%20p@ss";
const ENCODED: &str = "canary%3A%2F%2520p%40ss";

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    // Held: the pipe in it closes with this program.
    _shell: Mutex<Child>,
}

/// The one server.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

const BEHIND: &str = r#"
"$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c fsync=off \
  -c max_connections=200 -c timezone=Asia/Kolkata -c ssl=on -c ssl_cert_file="$2/server.crt" \
  -c ssl_key_file="$2/server.key" >"$2/log" 2>&1 </dev/null &
pid=$!
read -r _
kill -INT $pid
wait $pid
rm -rf "$2"
"#;

fn start() -> Server {
    let bin = binaries();
    let folder = tempfile::Builder::new().prefix("air-postgres").tempdir().unwrap().keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    certificate(&folder);
    if is_root() {
        run(Command::new("chown").args(["-R", "postgres"]).arg(&folder));
    }
    run(as_server()
        .arg(bin.join("initdb"))
        .args(["-U", "postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"])
        .args(["--locale=C.UTF-8", "--pwfile"])
        .arg(folder.join("password"))
        .arg("-D")
        .arg(folder.join("data")));
    let port = free_port();
    let shell = as_server()
        .args(["sh", "-c", BEHIND, "sh"])
        .args([bin.as_path(), folder.as_path()])
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let server = Server { port, folder, _shell: Mutex::new(shell) };
    let until = Instant::now() + Duration::from_secs(60);
    // A connection that is let in, tried again and again, is how the server says it is there.
    while let Err(error) = std::thread::spawn(move || ready(port)).join().unwrap() {
        let log = || std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < until, "no PostgreSQL: {error}\n{}", log());
    }
    server
}

fn ready(port: u16) -> Result<(), tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let admin = connect(port, "postgres").await?;
        admin
            .batch_execute(&format!(
                "CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}';
                 CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}';
                 CREATE ROLE files LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_server_files;
                 CREATE ROLE copier LOGIN REPLICATION PASSWORD '{PASSWORD}';
                 CREATE ROLE heir LOGIN PASSWORD '{PASSWORD}' IN ROLE postgres;"
            ))
            .await
    })
}

async fn connect(port: u16, database: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user("postgres").dbname(database).password(PASSWORD);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|all| all.flatten().map(|e| e.path().join("bin")).collect())
        .unwrap_or_default();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().expect("PostgreSQL is not installed; run: apt-get install -y postgresql")
}

/// A certificate for `localhost`, which signs itself.
fn certificate(folder: &Path) {
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("server.key"))
        .arg("-out")
        .arg(folder.join("server.crt")));
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// The server refuses to run as root.
fn as_server() -> Command {
    if !is_root() {
        return Command::new("env");
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]);
    command
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// A connection of the superuser, for what a test prepares and observes.
    pub(crate) async fn admin(&self) -> Client {
        self.admin_of("postgres").await
    }

    /// The same, in another database than all tests share.
    pub(crate) async fn admin_of(&self, database: &str) -> Client {
        connect(self.port, database).await.unwrap()
    }

    pub(crate) fn dsn(&self, user: &str, options: &str) -> String {
        format!("postgres://{user}:{ENCODED}@127.0.0.1:{}/postgres{options}", self.port)
    }

    pub(crate) fn source(&self, user: &str, options: DatabaseOptions) -> PostgresSource {
        open(&self.dsn(user, ""), options)
    }
}

pub(crate) fn open(dsn: &str, options: DatabaseOptions) -> PostgresSource {
    let dsn = dsn.to_owned().into();
    PostgresSource::open("pg", SourceKind::Postgres, &dsn, options).unwrap()
}

/// A schema of its own, which `reader` may read and `writer` may write, with these tables.
pub(crate) async fn schema(sql: &str) -> (String, Client) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("s{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let admin = server().admin().await;
    admin
        .batch_execute(&format!(
            "CREATE SCHEMA {name}; SET search_path = {name}, public;
             GRANT USAGE ON SCHEMA {name} TO reader, writer;
             ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO reader;
             ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT ALL ON TABLES TO writer;
             {sql}"
        ))
        .await
        .unwrap();
    (name, admin)
}
