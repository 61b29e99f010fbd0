use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PG: &str = "postgres://reader:s3cret@db:5432/sales?sslmode=disable";
const GO: &str = "ops:s3c:re/t@tcp(localhost:3306)/ops?tls=true";

fn id(name: &str) -> DatasourceId {
    name.parse().unwrap()
}

fn vault(key: Option<&str>) -> DsnVault {
    let variables = [("PG_PASSWORD", "from env"), ("PG_DSN", "postgres://u:p@h/d")];
    let key = key.map(|key| (KEY_VARIABLE, key));
    DsnVault::new(&variables.into_iter().chain(key).collect()).unwrap()
}

#[test]
fn a_password_is_sealed_and_opened() {
    for dsn in [PG, GO, "mysql://u:p%40ss@h/d"] {
        let vault = vault(Some(KEY));
        let stored = vault.seal(&id("pg"), dsn).unwrap();
        assert!(!stored.as_str().contains("s3c"), "{}", stored.as_str());
        assert_eq!(vault.open(&id("pg"), &stored).unwrap().expose_secret(), dsn);
        // Each sealing has a nonce of its own.
        assert_ne!(vault.seal(&id("pg"), dsn).unwrap(), stored);
    }
}

#[test]
fn a_sealed_password_belongs_to_one_source_and_key() {
    let stored = vault(Some(KEY)).seal(&id("pg"), PG).unwrap();
    let other = vault(Some("//////////////////////////////////////////8="));
    assert!(matches!(vault(Some(KEY)).open(&id("pg2"), &stored), Err(SecretError::WrongKey)));
    assert!(matches!(other.open(&id("pg"), &stored), Err(SecretError::WrongKey)));
    assert!(matches!(vault(None).open(&id("pg"), &stored), Err(SecretError::KeyMissing)));
    let at = stored.as_str().find(SEALED).unwrap() + SEALED.len();
    let mut changed = stored.as_str().to_owned();
    let letter = if changed[at..].starts_with('A') { "B" } else { "A" };
    changed.replace_range(at..=at, letter);
    let changed = StoredDsn(changed);
    assert!(matches!(vault(Some(KEY)).open(&id("pg"), &changed), Err(SecretError::WrongKey)));
    let clear = StoredDsn(PG.to_owned());
    assert!(matches!(vault(Some(KEY)).open(&id("pg"), &clear), Err(SecretError::WrongKey)));
}

#[test]
fn without_a_key_only_references_are_stored() {
    let vault = vault(None);
    assert!(matches!(vault.seal(&id("pg"), PG), Err(SecretError::ClearPassword)));
    let by_reference = "postgres://reader:${PG_PASSWORD}@db/sales";
    let stored = vault.seal(&id("pg"), by_reference).unwrap();
    assert_eq!(stored.as_str(), by_reference);
    let opened = vault.open(&id("pg"), &stored).unwrap();
    assert_eq!(opened.expose_secret(), "postgres://reader:from env@db/sales");
    let whole = vault.seal(&id("pg"), "${PG_DSN}").unwrap();
    assert_eq!(vault.open(&id("pg"), &whole).unwrap().expose_secret(), "postgres://u:p@h/d");
    let none = vault.seal(&id("pg"), "postgres://reader@db/sales").unwrap();
    assert_eq!(none.as_str(), "postgres://reader@db/sales");
    let own = vault.seal(&id("pg"), "postgres://u:${AIR_ENCRYPTION_KEY}@evil/d").unwrap();
    assert!(matches!(vault.open(&id("pg"), &own), Err(SecretError::Expand(_))));
}

#[test]
fn what_might_hide_a_password_is_refused() {
    let problem = |dsn: &str| match vault(Some(KEY)).seal(&id("pg"), dsn) {
        Err(SecretError::Dsn(problem)) => problem,
        other => panic!("{dsn}: {other:?}"),
    };
    assert_eq!(problem("host=db password=s3cret"), DsnProblem::Form);
    assert_eq!(problem("u:s3cret@unix(/run/db.sock)/d"), DsnProblem::Form);
    assert_eq!(problem("postgres://u:s3/cret@db/d"), DsnProblem::Encode);
    assert_eq!(problem("postgres://u:s3?cret@db/d"), DsnProblem::Encode);
    assert_eq!(problem("postgres://u:s3@cret@db/d"), DsnProblem::Encode);
    assert_eq!(problem("postgres://u@db/d?password=s3cret"), DsnProblem::SecretOption);
    assert_eq!(problem("postgres://u@db/d?PassWord=s3cret"), DsnProblem::SecretOption);
    assert_eq!(problem("postgres://u@db/d?%70assword=s3cret"), DsnProblem::SecretOption);
    assert_eq!(problem("postgres://u:a${PG_PASSWORD}@db/d"), DsnProblem::PartReference);
    assert_eq!(problem("postgres://u:***@db/d"), DsnProblem::Placeholder);
    // Without its host a password stands where a port would, or a host.
    for dsn in [
        "postgres://reader:s3cret/sales",
        "postgres://reader:123456/sales",
        "postgres://s3$cret/sales",
        "postgres://u:p@db:s3cret/sales",
        "postgres://u:p@[s3cret]/sales",
        "postgres://u:p@s3${cret/sales",
        "postgres://u:p@db,s3!cret/sales",
        "u@tcp(reader:s3cret)/sales",
        "u@tcp(s3 cret",
    ] {
        assert_eq!(problem(dsn), DsnProblem::Host, "{dsn}");
        assert_eq!(redact(dsn), "***", "{dsn}");
        assert!(!DsnProblem::Host.to_string().contains("s3"));
    }
}

#[test]
fn a_host_is_a_name_an_address_or_a_variable() {
    for dsn in [
        "postgres://u@db.example_1.org:5432/d",
        "postgres://u@db",
        "postgres://u@10.0.0.1:65535/d",
        "postgres://u@[2001:db8::1]:5432/d",
        "postgres://u@[::1]/d",
        "postgres://u@${HOST}:${PORT}/d",
        "postgres://u@${HOST}.example.org/d",
        "u@tcp(localhost:3306)/d",
        "u@tcp([::1]:3307)/d",
        "u@tcp(::1)/d",
        "mysql://u@db:/d",
    ] {
        let stored = vault(None).seal(&id("pg"), dsn).unwrap();
        assert_eq!((stored.as_str(), redact(dsn).as_str()), (dsn, dsn));
    }
}

#[test]
fn a_shown_dsn_has_no_password() {
    let cases = [
        (PG, "postgres://reader:***@db:5432/sales?sslmode=disable"),
        (GO, "ops:***@tcp(localhost:3306)/ops?tls=true"),
        ("postgres://u:${PG_PASSWORD}@db/d", "postgres://u:${PG_PASSWORD}@db/d"),
        ("${PG_DSN}", "${PG_DSN}"),
        ("postgres://u@db/d?password=s3cret&a=b", "postgres://u@db/d?password=***&a=b"),
        ("postgres://u:s3/cret@db/d", "***"),
        ("host=db password=s3cret", "***"),
        ("", "***"),
    ];
    for (dsn, shown) in cases {
        assert_eq!(redact(dsn), shown, "{dsn}");
    }
    let stored = vault(Some(KEY)).seal(&id("pg"), PG).unwrap();
    assert_eq!(stored.redacted(), "postgres://reader:***@db:5432/sales?sslmode=disable");
}

#[test]
fn a_key_is_32_bytes() {
    for key in ["short", "AAECAwQFBgcICQoLDA0ODw==", "not base64 !"] {
        let environment = [(KEY_VARIABLE, key)].into_iter().collect();
        assert!(matches!(DsnVault::new(&environment), Err(SecretError::BadKey)), "{key}");
    }
    assert_eq!(format!("{:?}", vault(Some(KEY))), "DsnVault(key: set)");
}
