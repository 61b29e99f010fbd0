//! `chat`: live chat.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct ChatConfig {
    pub(crate) enabled: bool,
    pub(crate) message_retention: Duration,
    pub(crate) typing_timeout: Duration,
    pub(crate) presence_timeout: Duration,
    pub(crate) max_room_size: u32,
    pub(crate) ai_streaming: bool,
    pub(crate) ai_response_timeout: Duration,
}

impl ChatConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self {
            enabled: section.flag("enabled", true),
            message_retention: section
                .duration("message_retention", Duration::from_secs(24 * 3600)),
            typing_timeout: section.duration("typing_timeout", Duration::from_secs(5)),
            presence_timeout: section.duration("presence_timeout", Duration::from_secs(300)),
            max_room_size: section.number("max_room_size", 100, 1..=100_000),
            ai_streaming: section.flag("ai_streaming", true),
            ai_response_timeout: section.duration("ai_response_timeout", Duration::from_secs(30)),
        }
    }
}
