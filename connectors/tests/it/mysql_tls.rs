//! Encrypted connections to MariaDB, with certificates made for the test.

use crate::servers_mariadb::{MariaDb, cells};
use air_connectors::{DatabaseError, DatabaseOptions, MysqlSource, SourceError};
use datafusion::arrow::datatypes::DataType;
use mysql_async::prelude::Queryable;
use secrecy::SecretString;
use std::process::Command;

/// An authority, and a server's certificate for `localhost`.
const CERTIFICATES: &str = r#"
cd "$1" && set -e
new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $new -keyout ca.key -out ca.pem -days 30 -subj /CN=test-authority
openssl req $new -keyout key.pem -out request.pem -subj /CN=localhost
echo subjectAltName=DNS:localhost >names
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -set_serial 1 -days 30 \
    -extfile names -out cert.pem
"#;

#[tokio::test]
async fn encryption_is_as_the_dsn_says() {
    let certificates = tempfile::tempdir().unwrap();
    let path = certificates.path().to_str().unwrap();
    let made = Command::new("sh").args(["-c", CERTIFICATES, "certificates", path]).output();
    let made = made.unwrap();
    let told = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "openssl is needed: apt-get install openssl\n{told}");
    let options =
        format!("--ssl-cert={path}/cert.pem --ssl-key={path}/key.pem --ssl-ca={path}/ca.pem");
    let server = MariaDb::start(&tempfile::tempdir().unwrap().keep(), &options);
    let mut admin = server.admin().await;
    admin.query_drop("CREATE USER reader IDENTIFIED BY 'pw'").await.unwrap();
    admin.query_drop("GRANT SELECT ON shop.* TO reader").await.unwrap();
    admin.query_drop("CREATE DATABASE shop").await.unwrap();

    let ca = format!("&ssl-ca={path}/ca.pem");
    for (host, options, encrypted) in [
        ("localhost", String::new(), Some(true)),
        ("localhost", "?ssl-mode=DISABLED".to_owned(), Some(false)),
        ("127.0.0.1", "?ssl-mode=REQUIRED".to_owned(), Some(true)),
        ("localhost", "?ssl-mode=VERIFY_CA".to_owned(), None),
        ("localhost", format!("?ssl-mode=VERIFY_CA{ca}"), Some(true)),
        ("localhost", "?tls=true".to_owned(), None),
        ("localhost", format!("?tls=true{ca}"), Some(true)),
        ("127.0.0.1", format!("?tls=true{ca}"), None),
    ] {
        let dsn = format!("mysql://reader:pw@{host}:{}/shop{options}", server.port);
        let options = DatabaseOptions::default();
        let source = MysqlSource::open("shop", &SecretString::from(dsn.clone()), options).unwrap();
        let cipher = "SELECT LENGTH(VARIABLE_VALUE) > 0 FROM information_schema.session_status \
                      WHERE VARIABLE_NAME = 'SSL_CIPHER'";
        let found = cells(&source, cipher, vec![], &[DataType::Boolean]).await;
        match (encrypted, found) {
            (Some(wanted), Ok(rows)) => assert_eq!(rows, [[wanted.to_string()]], "{dsn}"),
            (None, Err(SourceError::Database(DatabaseError::Tls { .. }))) => {}
            (_, other) => panic!("{dsn}: {other:?}"),
        }
    }
}
