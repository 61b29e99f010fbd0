//! Where calls go, and as whom.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use crate::{Call, Error};

/// The longest a server works on one request is 30 s; this leaves room for the way.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server to call. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
}

/// Makes a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    url: String,
    token: Option<String>,
    timeout: Duration,
}

impl ClientBuilder {
    /// The bearer token of every call.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// How long a whole call may take; 60 s unless said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client, or what is wrong with the address or the token.
    pub fn build(self) -> Result<Client, Error> {
        let base = address(&self.url)?;
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| Error::BadHeader { name: "the token".to_owned() })?;
            // Kept out of every debug print.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // reqwest is built without a provider of its own, and ends the process where none is set.
        // One that is set already stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(self.timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            // AIR redirects nowhere; following one would carry data to a stranger.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::Setup)?;
        Ok(Client { base, http })
    }
}

impl Client {
    /// A client of the server at `url`, such as `http://127.0.0.1:9000`, with or without a path.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder { url: url.into(), token: None, timeout: DEFAULT_TIMEOUT }
    }

    /// A call of any path, which begins with `/` and may hold a query.
    pub fn request(&self, method: Method, path: &str) -> Result<Call, Error> {
        let bad = || Error::BadPath { path: path.to_owned() };
        if !path.starts_with('/') {
            return Err(bad());
        }
        // Joined as text: `Url::join` would read `//name` as another host and send the token there.
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|_| bad())?;
        Ok(Call::new(self.http.request(method, url)))
    }

    /// A call of the contract; each segment is escaped.
    pub(crate) fn call(&self, method: Method, segments: &[&str]) -> Call {
        let mut url = self.base.clone();
        // `address` has made sure that the base can have segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        let call = Call::new(self.http.request(method, url));
        // An address without them, or with them resolved, is that of something else.
        match segments.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            Some(name) => call.wrong(Error::BadName { name: (*name).to_owned() }),
            None => call,
        }
    }
}

fn address(text: &str) -> Result<Url, Error> {
    let bad = |url: &str| Error::BadUrl { url: url.to_owned() };
    let mut url = Url::parse(text).map_err(|_| bad(text))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Refused, since it would be printed with the address; so it is not printed here either.
        let hidden = url.set_username("").and_then(|()| url.set_password(None));
        return Err(bad(if hidden.is_ok() {
            url.as_str()
        } else {
            "(an address with a password)"
        }));
    }
    let plain = url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(bad(text));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Client {
        Client::builder(url).token("secret-token").build().unwrap()
    }

    #[test]
    fn paths_stay_on_the_server() {
        let client = client("http://127.0.0.1:9000/air/");
        for (path, url) in [
            ("/v1/reports", "http://127.0.0.1:9000/air/v1/reports"),
            ("/v1/reports?limit=2", "http://127.0.0.1:9000/air/v1/reports?limit=2"),
            ("//elsewhere.example/v1", "http://127.0.0.1:9000/air//elsewhere.example/v1"),
        ] {
            assert_eq!(client.request(Method::GET, path).unwrap().url().unwrap(), url);
        }
        for path in ["v1", "", "http://elsewhere.example/"] {
            assert!(matches!(client.request(Method::GET, path), Err(Error::BadPath { .. })));
        }
    }

    #[test]
    fn segments_are_escaped() {
        let call = client("http://127.0.0.1:9000").call(Method::GET, &["v1", "a/../b?c"]);
        assert_eq!(call.url().unwrap(), "http://127.0.0.1:9000/v1/a%2F..%2Fb%3Fc");
    }

    #[tokio::test]
    async fn names_that_lead_elsewhere_are_not_sent() {
        for name in ["", ".", ".."] {
            let call = client("http://127.0.0.1:9").call(Method::DELETE, &["v1", "reports", name]);
            assert!(matches!(call.send().await, Err(Error::BadName { .. })), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["", "localhost:9000", "ftp://a", "http://", "data:x", "http://a/?b=c"] {
            let built = Client::builder(url).build();
            assert!(matches!(built, Err(Error::BadUrl { .. })), "{url}");
        }
        for url in ["http://ana:hidden@a", "ftp://:hidden@a"] {
            let error = Client::builder(url).build().unwrap_err();
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn a_token_is_checked_and_never_printed() {
        let built = Client::builder("http://a").token("a\nb").build();
        assert!(matches!(built, Err(Error::BadHeader { .. })));
        let printed = format!("{:?}", client("http://a"));
        assert!(!printed.contains("secret-token"), "{printed}");
    }
}
