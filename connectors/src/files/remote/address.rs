//! Where a store is: a `base_path` that is an address.
//!
//! In: `s3://bucket/prefix`, `gs://…`, `az://…`, `abfs(s)://…`, `http(s)://host/folder`. Out: which
//! kind of store, its bucket or origin, and the folder in it. Deliberately absent: secrets, which
//! an address never holds, and reaching the store.

use object_store::path::Path;
use percent_encoding::percent_decode_str;
use url::Url;

/// What kind of store an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    S3,
    Gcs,
    Azure,
    Http,
}

impl StoreKind {
    /// The texts that `store` may hold for such a store, by the names that `object_store` has for
    /// them; those of HTTP are `username`, `password` and `bearer_token`.
    pub fn texts(self) -> &'static [&'static str] {
        match self {
            Self::S3 => {
                &["region", "endpoint", "access_key_id", "secret_access_key", "session_token"]
            }
            Self::Gcs => &["base_url", "service_account_key", "service_account_path"],
            Self::Azure => &[
                "account_name",
                "endpoint",
                "account_key",
                "sas_token",
                "bearer_token",
                "tenant_id",
                "client_id",
                "client_secret",
            ],
            Self::Http => &["username", "password", "bearer_token"],
        }
    }

    /// The switches that `store` may hold for such a store.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["skip_signature", "virtual_hosted_style_request", "request_payer"],
            Self::Gcs | Self::Azure => &["skip_signature"],
            Self::Http => &[],
        }
    }

    /// The texts of which each alone, or with its neighbours, opens the store.
    pub(super) fn credentials(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["access_key_id", "secret_access_key", "session_token"],
            Self::Gcs => &["service_account_key", "service_account_path"],
            Self::Azure => {
                &["account_key", "sas_token", "bearer_token", "client_id", "client_secret"]
            }
            Self::Http => &["username", "password", "bearer_token"],
        }
    }
}

/// An address without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAddress {
    pub(super) kind: StoreKind,
    /// The bucket or container; of HTTP the origin, with its slash.
    pub(super) bucket: String,
    /// Azure's, where the address names it.
    pub(super) account: Option<String>,
    /// The folder in the bucket; empty for the whole.
    pub(super) prefix: Path,
    shown: String,
}

impl StoreAddress {
    /// Whether a `base_path` is an address at all, and no folder here.
    pub fn is_one(base_path: &str) -> bool {
        base_path.contains("://")
    }

    /// Reads an address.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it; it does not repeat the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|e| format!("this is no address: {e}"))?;
        let host = url.host_str().filter(|h| !h.is_empty());
        let host = host.ok_or("the address names no bucket or host: s3://bucket/folder")?;
        if url.password().is_some() || (!url.username().is_empty() && !is_azure(&url)) {
            return Err("the address holds a user or a password; write them below store".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("the address holds a query or a fragment; take it out".into());
        }
        let path = percent_decode_str(url.path()).decode_utf8();
        let path = path.map_err(|_| "the address's path is not UTF-8")?;
        let prefix = Path::parse(path.as_ref())
            .map_err(|_| "the address's path has an empty name, `.` or `..` in it")?;
        let mut account = None;
        let (kind, bucket) = match url.scheme() {
            "s3" => (StoreKind::S3, host.to_owned()),
            "gs" => (StoreKind::Gcs, host.to_owned()),
            "az" | "abfs" | "abfss" if url.username().is_empty() => {
                (StoreKind::Azure, host.to_owned())
            }
            "az" | "abfs" | "abfss" => {
                account = host.split('.').next().map(str::to_owned);
                (StoreKind::Azure, url.username().to_owned())
            }
            "http" | "https" => {
                (StoreKind::Http, format!("{}/", url.origin().ascii_serialization()))
            }
            other => {
                return Err(format!(
                    "{other}:// is no kind of store; there are s3, gs, az, abfs, abfss, http, https"
                ));
            }
        };
        let shown = text.trim_end_matches('/').to_owned();
        Ok(Self { kind, bucket, account, prefix, shown })
    }

    /// As it was written, without a slash at its end.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// Plain HTTP, for a web server.
    pub(super) fn is_plain_http(&self) -> bool {
        self.bucket.starts_with("http://")
    }
}

/// `container@account.host`, in which the first is no secret.
fn is_azure(url: &Url) -> bool {
    matches!(url.scheme(), "az" | "abfs" | "abfss")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_store_and_a_folder() {
        let cases = [
            ("s3://my_bucket.x/a/b%20c/", StoreKind::S3, "my_bucket.x", "a/b c"),
            ("s3://bucket", StoreKind::S3, "bucket", ""),
            ("gs://bucket/a", StoreKind::Gcs, "bucket", "a"),
            ("az://container/a", StoreKind::Azure, "container", "a"),
            ("abfss://container@acc.dfs.core.windows.net/a", StoreKind::Azure, "container", "a"),
            ("http://host:8080/data", StoreKind::Http, "http://host:8080/", "data"),
            ("https://host/", StoreKind::Http, "https://host/", ""),
        ];
        for (text, kind, bucket, prefix) in cases {
            let address = StoreAddress::parse(text).unwrap();
            let found = (address.kind, address.bucket.as_str(), address.prefix.as_ref());
            assert_eq!(found, (kind, bucket, prefix), "{text}");
        }
        let abfss = StoreAddress::parse("abfss://c@acc.dfs.core.windows.net/").unwrap();
        assert_eq!(abfss.account.as_deref(), Some("acc"));
    }

    #[test]
    fn addresses_hold_no_secret_and_lead_nowhere_else() {
        let cases = [
            ("s3:///a", "names no bucket"),
            ("ftp://host/a", "ftp:// is no kind of store"),
            ("http://ann:pw@host/a", "a user or a password"),
            ("s3://key:pw@bucket/a", "a user or a password"),
            ("https://host/a?sig=abc", "a query"),
            ("s3://bucket/a//b", "an empty name"),
            ("s3://bucket/a/%2e%2e%2fb", "`..`"),
        ];
        for (text, wanted) in cases {
            let error = StoreAddress::parse(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
            assert!(!error.contains("pw") && !error.contains("abc"), "{error}");
        }
    }
}
