//! One call: what goes with it, and how its answer is read.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use reqwest::{Body, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A call that was not sent yet.
#[derive(Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    request: RequestBuilder,
    /// The first thing that cannot be sent; told when the call is.
    wrong: Option<Error>,
}

impl Call {
    pub(crate) fn new(request: RequestBuilder) -> Self {
        Self { request, wrong: None }
    }

    /// A call that ends in this error without being sent.
    pub(crate) fn wrong(mut self, error: Error) -> Self {
        self.wrong = self.wrong.or(Some(error));
        self
    }

    /// Adds a query: pairs, or a struct whose absent members are left out.
    pub fn query(mut self, query: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.query(query);
        self
    }

    /// The body, as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub(crate) fn json_if(self, body: Option<&impl Serialize>) -> Self {
        match body {
            Some(body) => self.json(body),
            None => self,
        }
    }

    /// A body of another type, such as a definition in YAML.
    pub fn body(self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut call = self.header("Content-Type", media_type);
        call.request = call.request.body(body.into());
        call
    }

    /// A body of a known length that is read as it is sent, such as a file.
    pub fn stream(self, media_type: &str, length: u64, body: Body) -> Self {
        let call = self.header("Content-Type", media_type);
        let mut call = call.header("Content-Length", &length.to_string());
        call.request = call.request.body(body);
        call
    }

    /// How long the whole call may take, in place of the client's own limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request = self.request.timeout(timeout);
        self
    }

    /// A header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => self.request = self.request.header(name, value),
            _ => return self.wrong(Error::BadHeader { name: name.to_owned() }),
        }
        self
    }

    pub(crate) fn header_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    pub(crate) fn accept(mut self, media_type: &'static str) -> Self {
        self.request = self.request.header(ACCEPT, HeaderValue::from_static(media_type));
        self
    }

    /// Sends it. Any answer but a success is an error; the body of a success is still to be read.
    pub async fn send(self) -> Result<Response, Error> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        let response = self.request.send().await.map_err(Error::transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(Error::transport)?;
        Err(Error::refused(status, &body))
    }

    /// Sends it and reads the answer's JSON.
    pub async fn typed<T: DeserializeOwned>(self) -> Result<T, Error> {
        let body = self.send().await?.bytes().await.map_err(Error::transport)?;
        serde_json::from_slice(&body).map_err(Error::Decode)
    }

    /// Sends it and reads the answer as text.
    pub async fn text(self) -> Result<String, Error> {
        self.send().await?.text().await.map_err(Error::transport)
    }

    /// Sends it; the answer holds nothing.
    pub(crate) async fn done(self) -> Result<(), Error> {
        self.send().await.map(drop)
    }

    #[cfg(test)]
    pub(crate) fn url(&self) -> Option<String> {
        let request = self.request.try_clone()?.build().ok()?;
        Some(request.url().to_string())
    }
}
