use super::*;

fn options(settings: &[(&str, &str)]) -> StoreOptions {
    let secret = |(key, value): &(&str, &str)| ((*key).to_owned(), SecretString::from(*value));
    StoreOptions { settings: settings.iter().map(secret).collect(), ..StoreOptions::default() }
}

fn checked(address: &str, options: &StoreOptions) -> Result<(), (&'static str, String)> {
    options.check(&StoreAddress::parse(address).unwrap())
}

/// An address, settings, the key that is wrong, and a part of what is said.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn settings_that_do_not_fit_are_told_by_their_key_without_their_value() {
    let key = [("access_key_id", "AKIA"), ("secret_access_key", "hush")];
    let open = ("skip_signature", "true");
    let cases: [Case<'_>; 10] = [
        ("s3://b", &[], "store", "no credentials"),
        ("s3://b", &key[1..], "access_key_id", "missing"),
        ("s3://b", &key[..1], "secret_access_key", "missing"),
        ("s3://b", &[key[0], key[1], open], "store", "exclude one another"),
        ("s3://b", &[open, ("account_key", "hush")], "store", "unknown key"),
        ("s3://b", &[open, ("endpoint", "http://hush")], "endpoint", "without TLS"),
        ("s3://b", &[open, ("endpoint", "hush")], "endpoint", "no plain address"),
        ("az://c", &[("account_key", "hush")], "account_name", "missing"),
        ("http://h", &[("username", "ann"), ("password", "hush")], "base_path", "without TLS"),
        ("https://h", &[("username", "ann")], "password", "missing"),
    ];
    for (address, settings, wanted_key, wanted) in cases {
        let (key, what) = checked(address, &options(settings)).unwrap_err();
        assert_eq!(key, wanted_key, "{address} {settings:?}: {what}");
        assert!(what.contains(wanted), "{what}");
        assert!(!what.contains("hush") && !what.contains("AKIA"), "{what}");
    }
    let (_, what) =
        checked("s3://b", &StoreOptions { from_environment: true, ..options(&key) }).unwrap_err();
    assert!(what.contains("exclude one another"), "{what}");
}

#[test]
fn a_client_is_made_of_settings_that_fit() {
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (
            "s3://b/a",
            &[("access_key_id", "k"), ("secret_access_key", "s"), ("region", "eu-west-1")],
        ),
        ("s3://b/a", &[("skip_signature", "true"), ("endpoint", "https://127.0.0.1:9000")]),
        ("gs://b/a", &[("skip_signature", "true")]),
        ("az://c/a", &[("account_name", "acc"), ("account_key", "aGVsbG8=")]),
        ("abfss://c@acc.dfs.core.windows.net/a", &[("sas_token", "sv=1&sig=abc")]),
        ("http://h/a", &[]),
    ];
    for (address, settings) in cases {
        let address = StoreAddress::parse(address).unwrap();
        if let Err(fault) = open(&address, &options(settings)) {
            panic!("{}: {fault}", address.shown());
        }
    }
    let address = StoreAddress::parse("gs://b").unwrap();
    let Err(fault) = open(&address, &options(&[("service_account_key", "{\"hush\": 1}")])) else {
        panic!("a key that is none");
    };
    assert!(fault.to_string().contains("service account"), "{fault}");
    assert!(!fault.to_string().contains("hush"), "{fault}");
}
