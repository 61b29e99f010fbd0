//! A private MariaDB, started once for all tests of this binary.
//!
//! It listens on a free port of the loopback address and keeps its data in a temporary folder. It
//! ends with the tests: its keeper waits for a pipe that closes when this process is gone.

use air_connectors::{DatabaseOptions, MysqlSource, SourceError, explain};
use air_engine::{Dialect, Remote, RemoteQuery, Sql};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use secrecy::SecretString;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub(crate) const PASSWORD: &str = "s3cret/pass word";
const INSTALL: &str = "MariaDB is needed: apt-get install mariadb-server";

/// Starts the server, waits for the pipe to close, and ends the server.
const KEEPER: &str = r#"
user=; [ "$(id -u)" = 0 ] && user=--user=root
mariadb-install-db --no-defaults $user --datadir="$1/data" --skip-test-db \
    --auth-root-authentication-method=normal >"$1/install.log" 2>&1 || exit 1
mariadbd --no-defaults $user --datadir="$1/data" --socket="$1/socket" --pid-file="$1/pid" \
    --port="$2" --bind-address=127.0.0.1 --skip-name-resolve --skip-log-bin \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M --max-connections=80 \
    $3 >"$1/server.log" 2>&1 </dev/null &
read -r _
kill $! && wait $!
rm -rf "$1"
"#;

pub(crate) struct MariaDb {
    pub(crate) port: u16,
    _keeper: Child,
}

/// The server of this process.
pub(crate) fn mariadb() -> &'static MariaDb {
    static SERVER: OnceLock<MariaDb> = OnceLock::new();
    SERVER.get_or_init(|| MariaDb::start(&tempfile::tempdir().unwrap().keep(), ""))
}

/// Servers are where a plain user's search path does not look.
fn search_path() -> String {
    format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap_or_default())
}

fn wait_for(keeper: &mut Child, folder: &Path, port: u16) {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = keeper.try_wait().unwrap().is_some();
        if ended || begin.elapsed() > Duration::from_secs(60) {
            let log = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            panic!("{INSTALL}\n{}\n{}", log("install.log"), log("server.log"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl MariaDb {
    /// A server of a test's own over an empty folder, with more options.
    pub(crate) fn start(folder: &Path, options: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(folder)
            .arg(port.to_string())
            .arg(options)
            .env("PATH", search_path())
            .stdin(Stdio::piped())
            .spawn()
            .expect(INSTALL);
        wait_for(&mut keeper, folder, port);
        Self { port, _keeper: keeper }
    }

    /// A connection that may do anything.
    pub(crate) async fn admin(&self) -> Conn {
        let opts = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .user(Some("root"))
            .prefer_socket(false);
        Conn::new(opts).await.unwrap()
    }
}

/// A database of a test's own, and a source whose user may read it.
pub(crate) struct Shop {
    pub(crate) name: String,
    pub(crate) admin: Conn,
    pub(crate) source: MysqlSource,
}

/// A fresh database after `statements`.
pub(crate) async fn shop(statements: &[&str]) -> Shop {
    shop_with(statements, DatabaseOptions::default()).await
}

pub(crate) async fn shop_with(statements: &[&str], options: DatabaseOptions) -> Shop {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("shop{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = mariadb().admin().await;
    let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
    admin.query_drop(create).await.unwrap();
    admin.query_drop(format!("USE {name}")).await.unwrap();
    admin.query_drop("SET time_zone = '+00:00', sql_mode = ''").await.unwrap();
    admin.query_drop(format!("CREATE USER {name} IDENTIFIED BY '{PASSWORD}'")).await.unwrap();
    admin.query_drop(format!("GRANT SELECT ON {name}.* TO {name}")).await.unwrap();
    for statement in statements {
        admin.query_drop(*statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    let source = MysqlSource::open("shop", &dsn(&name, &name), options).unwrap();
    Shop { name, admin, source }
}

pub(crate) fn dsn(user: &str, database: &str) -> SecretString {
    let password = PASSWORD.replace('/', "%2F").replace(' ', "%20");
    let port = mariadb().port;
    SecretString::from(format!("mysql://{user}:{password}@127.0.0.1:{port}/{database}"))
}

pub(crate) fn query(text: &str, params: Vec<ScalarValue>, types: &[DataType]) -> RemoteQuery {
    let field = |(i, t): (usize, &DataType)| Field::new(format!("c{i}"), t.clone(), true);
    let fields: Vec<Field> = types.iter().enumerate().map(field).collect();
    RemoteQuery {
        sql: Sql { dialect: Dialect::Mysql, text: text.to_owned(), params },
        schema: Arc::new(Schema::new(fields)),
        at_most: None,
        divided: None,
    }
}

/// All rows of a query.
pub(crate) async fn read(
    source: &MysqlSource,
    query: RemoteQuery,
) -> Result<RecordBatch, SourceError> {
    let schema = Arc::clone(&query.schema);
    let rows = source.rows(query).await.map_err(|e| explain(&e))?;
    let batches: Vec<RecordBatch> = rows.try_collect().await.map_err(|e| explain(&e))?;
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// All rows, each cell as text; null is `∅`.
pub(crate) async fn cells(
    source: &MysqlSource,
    text: &str,
    params: Vec<ScalarValue>,
    types: &[DataType],
) -> Result<Vec<Vec<String>>, SourceError> {
    let batch = read(source, query(text, params, types)).await?;
    Ok((0..batch.num_rows())
        .map(|row| {
            let cell = |column: &Arc<dyn datafusion::arrow::array::Array>| {
                if column.is_null(row) {
                    "∅".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap()
                }
            };
            batch.columns().iter().map(cell).collect()
        })
        .collect())
}
