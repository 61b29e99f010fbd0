//! The body: its media type, size, depth and schema.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

use crate::contract::routes::Route;
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::problem::ApiError;
use crate::service::App;

/// Whether the operation reads the body itself, as it comes; its type is one of the operation's.
pub(super) fn is_streamed(route: &Route, headers: &HeaderMap) -> Result<bool, ApiError> {
    match route.body.filter(|body| body.streamed) {
        Some(wanted) => media_type(headers, wanted.media).map(|_| true),
        None => Ok(false),
    }
}

/// The body as JSON that fits its schema; none where the operation reads none, or none came.
pub(super) async fn read(
    app: &App,
    route: &Route,
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<Value>, ApiError> {
    let Some(wanted) = route.body else {
        return Ok(None);
    };
    let limit = app.config.limits.body;
    let bytes = axum::body::to_bytes(body, usize::try_from(limit).unwrap_or(usize::MAX))
        .await
        .map_err(|error| unreadable(&error, limit))?;
    if bytes.is_empty() {
        return match wanted.required {
            false => Ok(None),
            true => Err(ApiError::new(
                ErrorCode::BadRequest,
                format!("The body is missing; send {}.", wanted.media.join(" or ")),
            )),
        };
    }
    let media = media_type(headers, wanted.media)?;
    let value = match media.as_str() {
        "application/yaml" => yaml(&bytes, app.config.limits.json_depth)?,
        _ => json(&bytes, app.config.limits.json_depth)?,
    };
    let errors = app.schemas.errors(wanted.schema, &value);
    match errors.is_empty() {
        true => Ok(Some(value)),
        false => Err(ApiError::invalid(errors)),
    }
}

fn unreadable(error: &axum::Error, limit: u64) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // The limit of `to_bytes` has no type of its own that axum exports.
        if error.to_string().contains("length limit exceeded") {
            let megabytes = limit as f64 / 1e6;
            let detail = format!("A body is at most {megabytes} MB.");
            return ApiError::new(ErrorCode::PayloadTooLarge, detail);
        }
        cause = error.source();
    }
    ApiError::new(ErrorCode::BadRequest, "The body ended before it was whole.")
}

fn media_type(headers: &HeaderMap, wanted: &[&str]) -> Result<String, ApiError> {
    let refused = |found: &str| {
        let detail = format!("The body is {found}; send {}.", wanted.join(" or "));
        ApiError::new(ErrorCode::UnsupportedMediaType, detail)
    };
    if let Some(encoding) = headers.get(CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(refused("compressed"));
    }
    let given = headers.get(CONTENT_TYPE).ok_or_else(|| refused("of no type"))?;
    let given = given.to_str().map_err(|_| refused("of no type"))?;
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match wanted.contains(&essence.as_str()) {
        true => Ok(essence),
        false => Err(refused(&essence)),
    }
}

fn json(bytes: &[u8], depth: usize) -> Result<Value, ApiError> {
    if nests_deeper(bytes, depth) {
        let detail = format!("JSON nests at most {depth} deep.");
        return Err(ApiError::field("", FieldErrorCode::TooLarge, detail));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::new(ErrorCode::BadRequest, format!("The body is no JSON: {error}."))
    })
}

fn yaml(bytes: &[u8], depth: usize) -> Result<Value, ApiError> {
    let bad =
        |why: String| ApiError::new(ErrorCode::BadRequest, format!("The body is no YAML: {why}"));
    let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8.".to_owned()))?;
    let value: Value = serde_saphyr::from_str(text).map_err(|error| {
        let message = error.to_string();
        bad(message.lines().next().unwrap_or_default().to_owned())
    })?;
    json(value.to_string().as_bytes(), depth)
}

/// Counts brackets outside of strings, before anything is built from them.
fn nests_deeper(bytes: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'[' | b'{') => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::nests_deeper;

    #[test]
    fn counts_brackets_outside_of_strings() {
        assert!(!nests_deeper(br#"{"a":[1,"[[[\"[[["]}"#, 2));
        assert!(nests_deeper(b"[[[]]]", 2));
        assert!(!nests_deeper(b"[[],[],[]]", 2));
    }
}
