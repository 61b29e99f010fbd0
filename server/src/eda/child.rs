//! The EDA service as a child of this process: started, started again when it dies, and ended.
//!
//! In: `python` of the configuration. Out: the address where it answers now. It takes a free port
//! of loopback itself and tells it on its stdout, so that nobody else can have the port. Its
//! stdin is a pipe that this process holds open: however this process ends, it ends. Its
//! environment is made for it: no other secret of this process is in it. Its log goes where ours
//! goes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child as Process, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caller::Caller;
use super::fault::EdaError;
use super::signature::hex;
use crate::config::Config;

/// How long it may take from its start to its first answer.
const START: Duration = Duration::from_secs(60);
/// How long a caller waits for one that is being started again.
const WAIT: Duration = Duration::from_secs(20);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long it may take to end by itself: it gives its own requests five seconds.
const END: Duration = Duration::from_secs(8);
/// After more failures than this in a row nobody waits for it.
const HOPEFUL: u32 = 3;
/// Whoever lived so long has not failed at once.
const STEADY: Duration = Duration::from_secs(60);
/// What of this process's environment it gets.
const HANDED_ON: [&str; 14] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "AIR_EDA_MAX_ROWS",
    "AIR_EDA_MAX_BODY_MB",
    "AIR_EDA_WAITING",
];

/// How it is.
#[derive(Debug, Clone)]
enum State {
    Starting,
    Up(Url),
    /// Why it ended; it is started again. So many times in a row it did not live long.
    Down(String, u32),
}

pub(super) struct Child {
    state: watch::Receiver<State>,
    ending: CancellationToken,
    tasks: TaskTracker,
}

impl Child {
    /// Starts it, and watches it until it is to end.
    pub(super) fn start(config: &Config, caller: &Arc<Caller>) -> Arc<Self> {
        let (told, state) = watch::channel(State::Starting);
        let (ending, tasks) = (CancellationToken::new(), TaskTracker::new());
        let keeper = Keeper {
            config: config.clone(),
            caller: Arc::clone(caller),
            told,
            ending: ending.clone(),
        };
        tasks.spawn(keeper.keep());
        tasks.close();
        Arc::new(Self { state, ending, tasks })
    }

    pub(super) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Ends it, and waits for that.
    pub(super) async fn ended(&self) {
        self.ending.cancel();
        self.tasks.wait().await;
    }

    /// Where it answers.
    pub(super) fn address_now(&self) -> Result<Url, EdaError> {
        match &*self.state.borrow() {
            State::Up(url) => Ok(url.clone()),
            State::Starting => Err(EdaError::NotUp("it is being started".to_owned())),
            State::Down(why, _) => Err(EdaError::NotUp(format!("{why}; it is started again"))),
        }
    }

    /// The same, once it is up, unless it fails again and again.
    pub(super) async fn address(&self) -> Result<Url, EdaError> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| match state {
            State::Up(_) => true,
            State::Down(_, failures) => *failures > HOPEFUL,
            State::Starting => false,
        });
        let _ = tokio::time::timeout(WAIT, settled).await;
        self.address_now()
    }
}

/// Who keeps it running.
struct Keeper {
    config: Config,
    caller: Arc<Caller>,
    told: watch::Sender<State>,
    ending: CancellationToken,
}

impl Keeper {
    async fn keep(self) {
        let mut failures = 0;
        loop {
            let begun = Instant::now();
            let why = self.life().await;
            if self.ending.is_cancelled() {
                return;
            }
            failures = if begun.elapsed() > STEADY { 1 } else { failures + 1 };
            let pause = pause(failures);
            let pause_ms = pause.as_millis();
            tracing::warn!(reason = %why, pause_ms, "the EDA service ended and is started again");
            self.told.send_replace(State::Down(why, failures));
            tokio::select! {
                () = self.ending.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// From its start to its end; why it ended.
    async fn life(&self) -> String {
        let mut process = match command(&self.config, &self.caller).spawn() {
            Ok(process) => process,
            Err(error) => {
                let command = self.config.python.command.display();
                return format!("{command} cannot be started ({error}); see python.command");
            }
        };
        let held = process.stdin.take();
        tokio::select! {
            biased;
            () = self.ending.cancelled() => {}
            up = tokio::time::timeout(START, self.up(&mut process)) => match up {
                Ok(Ok(url)) => {
                    tracing::info!(pid = process.id(), "the EDA service is up");
                    self.told.send_replace(State::Up(url));
                }
                Ok(Err(why)) => {
                    end(process, held).await;
                    return why;
                }
                Err(_) => {
                    end(process, held).await;
                    return format!("it did not answer within {} s", START.as_secs());
                }
            },
        }
        tokio::select! {
            biased;
            () = self.ending.cancelled() => end(process, held).await,
            status = gone(&mut process) => status,
        }
    }

    /// Its address, once it answers there.
    async fn up(&self, process: &mut Process) -> Result<Url, String> {
        let stdout = process.stdout.take();
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            let read = stdout.map(|out| BufReader::new(out.take(64)).read_line(&mut line));
            read.and_then(Result::ok).map(|_| line)
        });
        let line = reading.await.ok().flatten().unwrap_or_default();
        let port: Option<u16> =
            line.trim().strip_prefix("port ").and_then(|port| port.parse().ok());
        let Some(port) = port else { return Err(gone(process).await) };
        let url: Url = format!("http://127.0.0.1:{port}").parse().map_err(|e| format!("{e}"))?;
        loop {
            match self.caller.health(&url).await {
                Ok(()) => return Ok(url),
                Err(EdaError::Unreachable(_)) => {}
                Err(error) => return Err(error.to_string()),
            }
            if let Ok(Some(status)) = process.try_wait() {
                return Err(told(status));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Twice as long after each failure, up to a minute.
fn pause(failures: u32) -> Duration {
    Duration::from_secs(1 << (failures.clamp(1, 7) - 1)).min(Duration::from_secs(60))
}

/// What starts it.
fn command(config: &Config, caller: &Caller) -> Command {
    let python = &config.python;
    let mut command = interpreter(config);
    command.args(["-m", "air_eda", "serve", "--until-stdin-closes", "--port", "0", "--tell-port"]);
    command.arg("--state").arg(config.data_dir.join("eda"));
    let secret = caller.secret().map(ExposeSecret::expose_secret).unwrap_or_default();
    command.env("AIR__PYTHON__AUTH_SHARED_SECRET", secret);
    let limits = &python.resource_limits;
    command.env("AIR__PYTHON__RESOURCE_LIMITS__MEMORY_MB", limits.memory_mb.to_string());
    command.env("AIR__PYTHON__RESOURCE_LIMITS__WORKERS", limits.workers.to_string());
    command.env("AIR__PYTHON__TIMEOUT", format!("{}ms", python.timeout.as_millis()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    // What a terminal sends to this process is not for it: it is needed until the last job ends.
    command.process_group(0);
    command
}

/// Python, with an environment that is made for it.
fn interpreter(config: &Config) -> Command {
    let mut command = Command::new(&config.python.command);
    command.env_clear();
    for name in HANDED_ON {
        if let Some(value) = config.environment.get(name) {
            command.env(name, value);
        }
    }
    let named = config.environment.get("PYTHONPATH").map(Into::into);
    if let Some(path) = config.python.module_path.clone().or(named) {
        command.env("PYTHONPATH", path);
    }
    command
}

/// Whether it could be started: whether Python finds all that it needs.
///
/// # Errors
/// Why not, and what to do.
pub(crate) async fn probe(config: &Config) -> Result<(), String> {
    let mut command = interpreter(config);
    command.args(["-c", "import air_eda.app, air_eda.worker"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let shown = config.python.command.display();
    let mut process = command
        .spawn()
        .map_err(|e| format!("{shown} cannot be started ({e}); see python.command"))?;
    let status = tokio::time::timeout(START, exit(&mut process)).await;
    if status.is_err() {
        // It has ended already where it cannot be killed.
        let _ = process.kill();
        let _ = process.wait();
    }
    match status {
        Ok(Some(status)) if status.success() => Ok(()),
        _ => Err(format!(
            "{shown} does not find all that the service needs; install \
             python/eda/requirements.txt for it, and see python.module_path"
        )),
    }
}

/// How it ended, once it has.
async fn exit(process: &mut Process) -> Option<ExitStatus> {
    loop {
        match process.try_wait() {
            Ok(None) => tokio::time::sleep(LOOK).await,
            Ok(status) => return status,
            Err(_) => return None,
        }
    }
}

async fn gone(process: &mut Process) -> String {
    exit(process).await.map_or_else(|| "it cannot be watched".to_owned(), told)
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(2), _) => "it does not take a setting; its line in the log says which".to_owned(),
        (Some(code), _) => format!(
            "it ended with {code}; the log says why: Python may lack python/eda/requirements.txt, \
             or python.module_path be wrong"
        ),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

/// Lets it end, and kills it where it does not.
async fn end(mut process: Process, held: Option<ChildStdin>) -> String {
    drop(held);
    if let Ok(Some(status)) = tokio::time::timeout(END, exit(&mut process)).await {
        return told(status);
    }
    tracing::warn!(pid = process.id(), "the EDA service did not end by itself and is killed");
    let _ = process.kill();
    let _ = process.wait();
    "it was killed".to_owned()
}

/// A secret that nobody else knows. None where the system gives no random bytes.
pub(super) fn secret() -> Option<SecretString> {
    let mut bytes = [0_u8; 32];
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).ok()?;
    Some(SecretString::from(hex(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds = [1, 2, 3, 6, 7, 100].map(|n| pause(n).as_secs());
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60]);
    }

    #[test]
    fn a_secret_is_another_each_time() {
        let (one, two) = (secret().unwrap(), secret().unwrap());
        assert_eq!(one.expose_secret().len(), 64);
        assert_ne!(one.expose_secret(), two.expose_secret());
    }
}
