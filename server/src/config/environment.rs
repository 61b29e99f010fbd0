//! The process environment, read once.
//!
//! In: the variables of the process. Out: a snapshot that expands `${VAR}` in a text and hands
//! over the `AIR__SECTION__KEY` overrides. Absent on purpose: any later look at the process
//! environment, so that what was checked at start is what runs.

use std::collections::BTreeMap;

/// Variables that belong to AIR itself and may never be pulled into a DSN or another value that
/// leaves the process.
const OWN_SECRETS: [&str; 1] = ["AIR_ENCRYPTION_KEY"];
const OVERRIDE_PREFIX: &str = "AIR__";

/// A snapshot of the environment.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets; even their names say more than a log should.
        write!(f, "Environment({} variables)", self.variables.len())
    }
}

/// Why a text with `${…}` could not be expanded. Holds no value of any variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpandError {
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    #[error("`${{` without its `}}`")]
    Unclosed,
    #[error(
        "`${{{0}}}` is not a reference: a name has letters, digits and `_`, and begins with no digit"
    )]
    BadName(String),
    #[error("{0} belongs to AIR itself and is never expanded")]
    Reserved(String),
}

impl Environment {
    /// Reads the process environment. Variables that are not UTF-8 are left out.
    pub(crate) fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Replaces each `${NAME}` by its value, once: what a variable holds is not expanded again.
    /// `$${` stands for a literal `${`.
    pub(crate) fn expand(&self, text: &str) -> Result<String, ExpandError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                out.push_str(&rest[..at]);
                out.push('{');
                rest = &rest[at + 2..];
                continue;
            }
            out.push_str(&rest[..at]);
            let Some(end) = rest[at..].find('}') else {
                return Err(ExpandError::Unclosed);
            };
            out.push_str(self.lookup(&rest[at + 2..at + end])?);
            rest = &rest[at + end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn lookup(&self, name: &str) -> Result<&str, ExpandError> {
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(ExpandError::BadName(name.to_owned()));
        }
        if OWN_SECRETS.contains(&name) || name.starts_with(OVERRIDE_PREFIX) {
            return Err(ExpandError::Reserved(name.to_owned()));
        }
        self.get(name).ok_or_else(|| ExpandError::NotSet(name.to_owned()))
    }

    /// The overrides: variable name, the path of keys it names, its value.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.variables.iter().filter_map(|(name, value)| {
            let path = name.strip_prefix(OVERRIDE_PREFIX)?;
            let keys = path.split("__").map(str::to_ascii_lowercase).collect();
            Some((name.as_str(), keys, value.as_str()))
        })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let variables = pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self { variables }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [("USER_NAME", "ann"), ("NESTED", "${USER_NAME}"), ("AIR_ENCRYPTION_KEY", "k")]
            .into_iter()
            .collect()
    }

    #[test]
    fn expands_each_reference_once() {
        let text = environment().expand("a ${USER_NAME} b ${NESTED} $${USER_NAME} $5");
        assert_eq!(text.unwrap(), "a ann b ${USER_NAME} ${USER_NAME} $5");
    }

    #[test]
    fn refuses_what_it_cannot_expand() {
        let expand = |text: &str| environment().expand(text).unwrap_err();
        assert_eq!(expand("${MISSING}"), ExpandError::NotSet("MISSING".into()));
        assert_eq!(expand("x ${USER_NAME"), ExpandError::Unclosed);
        assert_eq!(expand("${1A}"), ExpandError::BadName("1A".into()));
        assert_eq!(expand("${}"), ExpandError::BadName(String::new()));
        let reserved = ExpandError::Reserved("AIR_ENCRYPTION_KEY".into());
        assert_eq!(expand("${AIR_ENCRYPTION_KEY}"), reserved);
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", environment()), "Environment(3 variables)");
    }
}
