//! What stands around the service: Redis, the EDA service, folders, disk, and files of secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Found;
use crate::broker::RedisBroker;
use crate::config::{Config, FilesPlace, RedisConfig};
use crate::eda::{self, Eda};
use crate::pipeline::engine;

/// Less than this is told: a backup or a large sort would not fit.
const LITTLE_DISK: u64 = 1_000_000_000;
/// Less than this and what is acknowledged may soon not be written any more.
const NO_DISK: u64 = 100_000_000;

pub(super) async fn redis(config: &RedisConfig) -> Found {
    if !config.enabled {
        return Found::Off(
            "one process serves this data folder; redis.enabled is false".to_owned(),
        );
    }
    let begin = Instant::now();
    match RedisBroker::reach(config).await {
        Ok(()) => Found::Ok(format!("Redis answers in {}", millis(begin.elapsed()))),
        // The service starts without it and goes on alone.
        Err(fault) => Found::Wrong(format!("{fault}; see redis.url and redis.password")),
    }
}

pub(super) async fn eda(config: &Config) -> Found {
    if !config.python.enabled {
        return Found::Off("no profiles and findings; python.enabled is false".to_owned());
    }
    if config.python.autostart {
        // One that a running server has is not in the way of this one.
        return match eda::probe(config).await {
            Ok(()) => {
                Found::Ok("the server starts it, and Python has all that it needs".to_owned())
            }
            Err(why) => Found::Wrong(why),
        };
    }
    let begin = Instant::now();
    let standing = match Eda::start(config) {
        Ok(eda) => eda.standing().await,
        Err(error) => Err(error),
    };
    match standing {
        Ok(()) => Found::Ok(format!("answers in {}", millis(begin.elapsed()))),
        Err(error) => Found::Wrong(error.to_string()),
    }
}

/// The workers that runs over large files are divided among.
pub(super) async fn workers(config: &Config) -> Vec<(String, Found)> {
    let all = "workers".to_owned();
    match engine::workers(&config.execution) {
        Ok(None) => {
            vec![(
                all,
                Found::Off("this process does all itself; execution.engine is local".into()),
            )]
        }
        Err(fault) => vec![(all, Found::Wrong(format!("{:#}", anyhow::Error::from(fault))))],
        Ok(Some((places, ways))) => {
            let told = air_distributed::ask_workers(&places, &ways).await.into_iter();
            let found = told.map(|(place, answer)| match answer {
                Ok(()) => (format!("worker {place}"), Found::Ok("it answers".to_owned())),
                Err(why) => (format!("worker {place}"), Found::Wrong(why)),
            });
            found.collect()
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// The folder that every source of files lies below.
pub(super) fn files(config: &Config) -> Found {
    let base = &config.files.base_path;
    let is_folder = |place: &FilesPlace| matches!(place, FilesPlace::Folder(_));
    let wanted = config.analytics_sources.iter().any(|s| s.place.as_ref().is_some_and(is_folder));
    match std::fs::read_dir(base) {
        Ok(_) => Found::Ok(format!("{} can be read", base.display())),
        Err(error) if wanted => {
            Found::Wrong(format!("{}: {error}; see files.base_path", base.display()))
        }
        Err(_) => Found::Off(format!("{} is not there, and no source needs it", base.display())),
    }
}

/// Room where the service writes.
pub(super) fn disk(folder: &Path) -> Found {
    // A folder that is not made yet lies on the disk of the first one above that is there.
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Err(error) => Found::Wrong(format!("{}: {error}", there.display())),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let told = format!("{:.1} GB free at {}", free as f64 / 1e9, there.display());
            match free {
                0..NO_DISK => Found::Wrong(format!("{told}; make room before it is full")),
                NO_DISK..LITTLE_DISK => Found::Ok(format!("{told}, which is little")),
                _ => Found::Ok(told),
            }
        }
    }
}

/// Whether the service can write where it must, and others cannot look in.
pub(super) fn data_folder(config: &Config) -> Found {
    let folder = &config.data_dir;
    match std::fs::metadata(folder) {
        Err(error) => Found::Wrong(format!("{}: {error}", folder.display())),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Found::Wrong(format!(
            "{} is open to others: chmod 700 it; a start does so too",
            folder.display()
        )),
        Ok(_) => Found::Ok(format!("{} is its owner's alone", folder.display())),
    }
}

/// A configuration may hold secrets in clear; others who can read it have them.
pub(super) fn config_file(file: &Path, folder_is_closed: bool) -> Found {
    match std::fs::metadata(file) {
        Err(error) => Found::Wrong(format!("{}: {error}", file.display())),
        Ok(found) if !folder_is_closed && found.permissions().mode() & 0o004 != 0 => {
            Found::Ok(format!(
                "every key is known; {} can be read by everyone: keep secrets in the environment",
                file.display()
            ))
        }
        Ok(_) => Found::Ok("every key is known".to_owned()),
    }
}
