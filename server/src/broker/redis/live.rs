//! Events on their way between processes, and the streams that keep the last of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use redis::{Pipeline, pipe};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::memory::STREAM_LENGTH;
use super::link::{Link, Way};
use crate::events::{Channel, Event, Hub, Live};
use crate::id::ProcessId;

/// Announcements that are sent at once.
const BATCH: usize = 256;
/// Events of a stream that are read at once.
const PAGE: usize = 256;
const STREAM_LIFETIME: Duration = Duration::from_secs(24 * 3600);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Numbers an event, keeps it and hands it on in one step, so that numbers are in order for every
/// process. The number is the time, or one more than the last.
const NUMBER: &str = r"
local now = redis.call('TIME')
local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local prev = top[1] and string.match(top[1][1], '^(%d+)') or '0'
local seq = string.format('%.0f', math.max(now[1] * 1000000 + now[2], prev + 1))
local text = ARGV[4] .. seq .. ARGV[5]
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], seq .. '-0', 'prev', prev, 'text', text)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[6], ARGV[3] .. '\n' .. seq .. '\n' .. prev .. '\n' .. text)
return {seq, prev}
";

type StreamRows = Vec<(String, Vec<(String, Vec<u8>)>)>;

/// How an event is written: `process \n channel \n seq \n prev \n text`.
pub(super) struct Wire {
    process: String,
    /// Publishing knows no databases, so the name holds its number.
    channel: String,
}

impl Wire {
    pub(super) fn new(process: &ProcessId, database: i64) -> Self {
        Self { process: process.to_string(), channel: format!("air:{database}:live") }
    }

    /// What each process hears every second, its own too: silence means a dead connection.
    pub(super) fn beat(&self) -> Pipeline {
        let mut commands = pipe();
        commands.cmd("PUBLISH").arg(&self.channel).arg(format!("{}\n", self.process)).ignore();
        commands
    }

    fn write(&self, live: &Live) -> Vec<u8> {
        let head = format!("{}\n{}\n{}\n{}\n", self.process, live.channel, live.seq, live.prev);
        [head.as_bytes(), &live.text].concat()
    }

    /// An event of another process.
    fn read(&self, message: &[u8]) -> Option<Live> {
        let mut parts = message.splitn(5, |byte| *byte == b'\n');
        let mut part = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
        if part()? == self.process {
            return None;
        }
        let channel = part()?.into();
        let (seq, prev) = (part()?.parse().ok()?, part()?.parse().ok()?);
        Some(Live { channel, seq, prev, text: Bytes::copy_from_slice(parts.next()?) })
    }

    /// Keeps an event in its stream; `None` where Redis is away.
    pub(super) async fn number(&self, link: &Link, event: &Event) -> Option<Live> {
        let channel = event.channel.to_string();
        let (before, after) = event.around_seq();
        let mut commands = pipe();
        commands.cmd("EVAL").arg(NUMBER).arg(1).arg(&channel);
        commands.arg(STREAM_LENGTH).arg(millis(STREAM_LIFETIME));
        commands.arg(format!("{}\n{channel}", self.process)).arg(&before).arg(&after);
        commands.arg(&self.channel);
        let answer = link.ask_once::<Vec<(String, String)>>(Way::Write, &commands).await;
        let (seq, prev) = answer.ok()?.pop()?;
        let text = [before.as_str(), &seq, &after].concat();
        let (seq, prev) = (seq.parse().ok()?, prev.parse().ok()?);
        Some(Live { channel: channel.into(), seq, prev, text: text.into() })
    }

    /// What a stream holds behind a number, and whether that is all.
    pub(super) async fn kept(
        &self,
        link: &Link,
        channel: &Channel,
        after: u64,
    ) -> (Vec<Live>, bool) {
        let name = channel.to_string();
        let mut commands = pipe();
        let from = format!("({after}-0");
        commands.cmd("XRANGE").arg(&name).arg(from).arg("+").arg("COUNT").arg(PAGE);
        let rows = link.ask::<Vec<StreamRows>>(Way::Read, &commands).await;
        let rows = rows.ok().and_then(|mut rows| rows.pop()).unwrap_or_default();
        let whole = rows.len() < PAGE;
        let name: Arc<str> = name.into();
        let live = |(id, fields): (String, Vec<(String, Vec<u8>)>)| {
            let field = |wanted: &str| {
                fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
            };
            let seq = id.split('-').next()?.parse().ok()?;
            let prev = std::str::from_utf8(field("prev")?).ok()?.parse().ok()?;
            let text = Bytes::copy_from_slice(field("text")?);
            Some(Live { channel: Arc::clone(&name), seq, prev, text })
        };
        (rows.into_iter().filter_map(live).collect(), whole)
    }

    pub(super) async fn last_kept(&self, link: &Link, channel: &Channel) -> u64 {
        let mut commands = pipe();
        commands.cmd("XREVRANGE").arg(channel.to_string()).arg("+").arg("-").arg("COUNT").arg(1);
        let rows = link.ask::<Vec<StreamRows>>(Way::Read, &commands).await.unwrap_or_default();
        let top = rows.first().and_then(|rows| rows.first());
        top.and_then(|(id, _)| id.split('-').next()?.parse().ok()).unwrap_or_default()
    }
}

/// Sends announcements in their order, many at once.
pub(super) async fn announce(link: Arc<Link>, wire: Arc<Wire>, mut queue: mpsc::Receiver<Live>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let mut commands = pipe();
        for live in batch.drain(..) {
            commands.cmd("PUBLISH").arg(&wire.channel).arg(wire.write(&live)).ignore();
        }
        // What is lost is in the table or was not to be kept; sending twice would tell twice.
        let _ = link.ask_once::<()>(Way::Write, &commands).await;
    }
}

/// Hears what other processes tell, for as long as the broker lives.
pub(super) async fn listen(link: Arc<Link>, wire: Arc<Wire>, hub: Arc<Hub>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let why = match link.listener(&wire.channel).await {
            Ok(listener) => {
                pause = FIRST_PAUSE;
                link.set_deaf(None);
                // Durable events that were missed are found in the table; these are not there.
                hub.catch_up_streams().await;
                let mut messages = listener.into_on_message();
                while let Ok(Some(message)) = timeout(link.silence(), messages.next()).await {
                    if let Some(live) = wire.read(message.get_payload_bytes()) {
                        hub.deliver(&live);
                    }
                }
                "the connection that listens was lost".to_owned()
            }
            Err(why) => why,
        };
        link.set_deaf(Some(why));
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let (here, there) = (Wire::new(&ProcessId::new(), 0), Wire::new(&ProcessId::new(), 0));
        let text = Bytes::from_static(b"{\"payload\":\"two\\nlines\n\"}");
        let live = Live { channel: "chat/a".into(), seq: 7, prev: 6, text };
        let message = here.write(&live);
        assert_eq!(there.read(&message), Some(live));
        assert_eq!(here.read(&message), None, "its own were delivered already");
        for broken in
            [&b""[..], b"proc\n", b"proc\na\nx\n1\nt", b"proc\na\n1\n", b"\xff\na\n1\n0\nt"]
        {
            assert_eq!(there.read(broken), None);
        }
    }
}
