//! Which of a user's rights are more than reading.
//!
//! In: the lines of `SHOW GRANTS`. Out: the first right that a read-only transaction does not
//! stop: files of the server, other users, its settings, its replication. Rights to write data
//! are not among them, since the transaction does stop those.

/// Rights that go beyond data, beside every `… ADMIN` and `…_ADMIN` of MySQL 8 and MariaDB.
const BEYOND: [&str; 16] = [
    "SUPER",
    "FILE",
    "SHUTDOWN",
    "RELOAD",
    "CREATE USER",
    "CREATE ROLE",
    "DROP ROLE",
    "CREATE TABLESPACE",
    "SET USER",
    "SET_USER_ID",
    "SET_ANY_DEFINER",
    "ALLOW_NONEXISTENT_DEFINER",
    "SYSTEM_USER",
    "REPLICATION SLAVE",
    "DELETE HISTORY",
    "PROXY",
];

/// Databases in which the server keeps its own users.
const SYSTEM: [&str; 1] = ["mysql"];

/// The first right in `grants` that reading does not need.
pub(super) fn beyond_reading<'g>(grants: impl Iterator<Item = &'g str>) -> Option<String> {
    grants.into_iter().find_map(in_line)
}

/// `GRANT SELECT, SHOW VIEW ON `db`.* TO …`
fn in_line(line: &str) -> Option<String> {
    let rest = line.strip_prefix("GRANT ")?;
    // A name may hold " ON " or " TO ", so only what is outside quotes counts.
    let plain = without_quoted(rest);
    let (rights, object) = plain.split_once(" ON ")?;
    let object = object.split_once(" TO ").map_or(object, |(object, _)| object).trim();
    let scope = scope(rest, object);
    let everything = rights.trim() == "ALL PRIVILEGES" || rights.trim() == "ALL";
    match scope {
        Scope::Everything if everything => Some("ALL PRIVILEGES ON *.*".to_owned()),
        Scope::Everything => {
            if plain.contains("WITH GRANT OPTION") {
                return Some("GRANT OPTION ON *.*".to_owned());
            }
            rights.split(',').map(str::trim).find(|right| is_beyond(right)).map(str::to_owned)
        }
        Scope::System(name) => {
            let writes = ["INSERT", "UPDATE", "DELETE"];
            let writes = rights.split(',').any(|r| writes.contains(&r.trim()));
            (everything || writes).then(|| format!("rights to write in database {name}"))
        }
        Scope::Other if rights.trim() == "PROXY" => Some("PROXY".to_owned()),
        Scope::Other => None,
    }
}

enum Scope {
    Everything,
    System(&'static str),
    Other,
}

fn scope(line: &str, object: &str) -> Scope {
    if object == "*.*" {
        return Scope::Everything;
    }
    let system = SYSTEM.into_iter().find(|name| line.contains(&format!(" ON `{name}`.")));
    system.map_or(Scope::Other, Scope::System)
}

fn is_beyond(right: &str) -> bool {
    BEYOND.contains(&right) || right.ends_with(" ADMIN") || right.ends_with("_ADMIN")
}

/// The text without what stands between quotes of any kind, and without lists of columns.
fn without_quoted(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut open = None;
    let mut depth = 0_usize;
    for c in text.chars() {
        match open {
            Some(quote) if c == quote => open = None,
            Some(_) => {}
            None if matches!(c, '`' | '\'' | '"') => open = Some(c),
            None if c == '(' => depth += 1,
            None if c == ')' => depth = depth.saturating_sub(1),
            None if depth == 0 => plain.push(c),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_pass() {
        for fine in [
            "GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*ABC'",
            "GRANT SELECT, SHOW VIEW ON `shop`.* TO `r`@`%`",
            "GRANT SELECT, PROCESS, SHOW DATABASES ON *.* TO `r`@`%`",
            "GRANT ALL PRIVILEGES ON `shop`.* TO `r`@`%` WITH GRANT OPTION",
            "GRANT SELECT (`a`, `SUPER`), INSERT (`b`) ON `shop`.`FILE ON *.* TO` TO `r`@`%`",
            "GRANT SELECT ON `mysql`.`proc` TO `r`@`%`",
            "GRANT `reader`@`%` TO `r`@`%`",
            "SET DEFAULT ROLE `reader` FOR `r`@`%`",
        ] {
            assert_eq!(in_line(fine), None, "{fine}");
        }
    }

    #[test]
    fn more_than_reading_is_named() {
        for (line, right) in [
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                "ALL PRIVILEGES",
            ),
            ("GRANT SELECT, FILE ON *.* TO `r`@`%`", "FILE"),
            ("GRANT SELECT, SUPER ON *.* TO `r`@`%`", "SUPER"),
            ("GRANT READ_ONLY ADMIN ON *.* TO `r`@`%`", "READ_ONLY ADMIN"),
            ("GRANT BINLOG_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `r`@`%`", "BINLOG_ADMIN"),
            ("GRANT SELECT ON *.* TO `r`@`%` WITH GRANT OPTION", "GRANT OPTION"),
            ("GRANT ALL PRIVILEGES ON `mysql`.* TO `r`@`%`", "database mysql"),
            ("GRANT SELECT, INSERT ON `mysql`.`user` TO `r`@`%`", "database mysql"),
            ("GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION", "PROXY"),
        ] {
            let found = in_line(line);
            assert!(found.as_deref().is_some_and(|f| f.contains(right)), "{line}: {found:?}");
        }
    }
}
