//! Times of day in a draft.
//!
//! In: the text of a draft. Out: whether it names one that is not the edge of a day. A model that
//! reads "the last two hours" may write down the clock of its prompt, and another hour's clock
//! would be the wrong one.

/// The beginning and the end of a day, which are the same at any time of it.
const EDGES: [&str; 3] = ["00:00", "23:59", "24:00"];

/// Whether a text names a time of day: `7:30`, `19:33:00`.
pub(super) fn names_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b':').any(|(colon, _)| {
        let minutes = digit(colon + 1) && digit(colon + 2) && !digit(colon + 3);
        let begin = (0..colon).rev().take_while(|at| digit(*at)).last();
        let Some(begin) = begin.filter(|begin| minutes && colon - begin <= 2) else { return false };
        // The seconds of a time, or the offset of a zone.
        let before = begin.checked_sub(1).map(|at| bytes[at]);
        let inside = before.is_some_and(|b| matches!(b, b':' | b'+' | b'-' | b'.'));
        !inside && !EDGES.contains(&&text[begin..colon + 3])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_found_and_edges_of_days_are_none() {
        for text in [
            r#"{"field":"placed_at","op":">=","value":"2026-11-28T07:00:00Z"}"#,
            "SELECT 1 WHERE t > TIMESTAMP '2026-11-28 19:33'",
            "t >= '2026-11-27 19:33:12.5+01:00'",
            "time '7:30'",
        ] {
            assert!(names_time(text), "{text}");
        }
        for text in [
            r#"{"limit":10,"value":"2026-11-28"}"#,
            "t >= '2026-11-28T00:00:00+02:00' AND t <= '2026-11-28 23:59:59'",
            "x::int, a:10, '1:5', 12345:00",
            "",
        ] {
            assert!(!names_time(text), "{text}");
        }
    }
}
