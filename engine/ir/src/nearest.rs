//! Known names close to one that was not found.

/// Up to three of `known`, nearest first, by edit distance; none that is merely as far away as
/// half the name is long. Case is ignored, and a name that contains the other counts as near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let allowed = wanted.chars().count().div_ceil(2).clamp(1, 4);
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::osa_distance(&wanted, &lower);
            let contains = lower.len() > 2
                && wanted.len() > 2
                && (lower.contains(&wanted) || wanted.contains(&lower));
            (distance <= allowed || contains).then_some((distance, candidate))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, n)| n.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_misspellings_and_ignores_strangers() {
        let known = ["dep_delay", "arr_delay", "distance"];
        assert_eq!(nearest("dep_dealy", known), ["dep_delay", "arr_delay"]);
        assert!(nearest("colour", known).is_empty());
    }
}
