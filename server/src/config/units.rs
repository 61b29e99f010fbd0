//! Durations and sizes as people write them.
//!
//! In: `90s`, `24h`, `1h30m`, `250ms`; `2GB`, `512 KiB`, `4096`. Out: `Duration`, bytes. Units
//! of size are decimal (`1KB` = 1,000 bytes) unless they carry the `i` (`1KiB` = 1,024).

use std::time::Duration;

/// Reads a duration: one or more whole numbers, each with its unit (`ms s m h d`).
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let hint = || format!("{text:?} is no duration; write for example \"90s\", \"5m\", \"1h30m\"");
    let mut rest = text.trim();
    let mut total_ms: u64 = 0;
    if rest.is_empty() {
        return Err(hint());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(hint)?;
        let number: u64 = rest[..digits].parse().map_err(|_| hint())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit_ms = match rest[..end].trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(hint()),
        };
        let part = number.checked_mul(unit_ms).ok_or_else(hint)?;
        total_ms = total_ms.checked_add(part).ok_or_else(hint)?;
        rest = &rest[end..];
    }
    Ok(Duration::from_millis(total_ms))
}

/// Reads a size in bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let hint = || format!("{text:?} is no size; write for example \"512KB\", \"10MB\", \"2GiB\"");
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let number: u64 = trimmed[..digits].parse().map_err(|_| hint())?;
    let unit: u64 = match trimmed[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(hint()),
    };
    number.checked_mul(unit).ok_or_else(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let ok = [("90s", 90_000), ("24h", 86_400_000), ("1h30m", 5_400_000), ("250ms", 250)];
        for (text, ms) in ok {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "90", "s", "1.5h", "-3s", "5 minutes", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_duration("18446744073709551615h").is_err());
    }

    #[test]
    fn sizes() {
        let ok =
            [("2GB", 2_000_000_000), ("512 KiB", 524_288), ("4096", 4096), ("10mb", 10_000_000)];
        for (text, bytes) in ok {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "-1", "1.5GB", "3 XB", "18446744073709551615TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
