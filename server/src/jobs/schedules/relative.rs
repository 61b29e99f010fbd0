//! Parameters of a schedule that move with the moment it is run for.
//!
//! A value `{"during": "previous month", "edge": "start"}` stands for the start, or the first
//! instant after the end, of a period in the IR's own words, in the schedule's zone. It may stand
//! for a whole value or for an element of a list.

use air_ir::{Calendar, Period, Weekday};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::contract::types::{FieldError, FieldErrorCode, Params};
use crate::problem::{ApiError, field_error};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Edge {
    Start,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Timestamp,
    Date,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Relative {
    during: String,
    edge: Edge,
    #[serde(default)]
    form: Form,
}

/// Everything that is wrong with a schedule's parameters before a report sees them.
pub(crate) fn check(params: &Params, zone: &str) -> Vec<FieldError> {
    let now = Timestamp::now();
    let wrong = |(name, value): (&String, &Value)| {
        let error = resolve(value, zone, now).err()?;
        Some(field_error(format!("/params/{name}"), FieldErrorCode::BadPeriod, error))
    };
    params.iter().filter_map(wrong).collect()
}

/// The parameters at a moment.
pub(crate) fn resolved(params: &Params, zone: &str, at: Timestamp) -> Result<Params, ApiError> {
    let one = |(name, value): (&String, &Value)| {
        let value = resolve(value, zone, at).map_err(|error| {
            ApiError::field(format!("/params/{name}"), FieldErrorCode::BadPeriod, error)
        })?;
        Ok((name.clone(), value))
    };
    params.iter().map(one).collect()
}

fn resolve(value: &Value, zone: &str, at: Timestamp) -> Result<Value, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| resolve(item, zone, at)).collect(),
        Value::Object(_) => instant(value, zone, at),
        plain => Ok(plain.clone()),
    }
}

fn instant(value: &Value, zone: &str, at: Timestamp) -> Result<Value, String> {
    let relative = Relative::deserialize(value).map_err(|error| {
        format!("Write {{\"during\": \"previous month\", \"edge\": \"start\"}}: {error}.")
    })?;
    let period = Period::parse(&relative.during)?;
    let zone = TimeZone::get(zone).map_err(|_| format!("{zone} is no time zone."))?;
    let calendar = Calendar { zone, week_start: Weekday::Monday, year_start: 1 };
    let range = calendar.resolve(&period, at)?;
    let edge = match relative.edge {
        Edge::Start => range.start,
        Edge::End => range.end,
    };
    Ok(match relative.form {
        Form::Timestamp => json!(edge.timestamp().to_string()),
        Form::Date => json!(edge.date().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: Value, zone: &str) -> Result<Value, String> {
        resolve(&value, zone, "2024-03-31T22:30:00Z".parse().unwrap())
    }

    #[test]
    fn edges_follow_the_zone_and_its_clocks() {
        let month = |edge, form| json!({"during": "previous month", "edge": edge, "form": form});
        // In Berlin it is April already.
        assert_eq!(at(month("start", "date"), "Europe/Berlin").unwrap(), "2024-03-01");
        assert_eq!(at(month("end", "date"), "Europe/Berlin").unwrap(), "2024-04-01");
        assert_eq!(at(month("start", "date"), "UTC").unwrap(), "2024-02-01");
        let end = at(month("end", "timestamp"), "Europe/Berlin").unwrap();
        assert_eq!(end, "2024-03-31T22:00:00Z", "with summer time");
        let days = json!([{"during": "last 7 days", "edge": "start"}, "2024-01-01", 5, null]);
        let days = at(days, "UTC").unwrap();
        assert_eq!(days, json!(["2024-03-24T00:00:00Z", "2024-01-01", 5, null]));
    }

    #[test]
    fn what_is_no_period_is_named() {
        for (wrong, part) in [
            (json!({"during": "soon", "edge": "start"}), "soon"),
            (json!({"during": "today"}), "edge"),
            (json!({"during": "today", "edge": "middle"}), "middle"),
            (json!({"during": "today", "edge": "start", "plus": 1}), "plus"),
            (json!([{}]), "during"),
        ] {
            let error = at(wrong, "UTC").unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let params = json!({"a": 1, "b": {"during": "soon", "edge": "end"}});
        let errors = check(params.as_object().unwrap(), "UTC");
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].pointer, "/params/b");
    }
}
