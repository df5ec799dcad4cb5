//! Cell broadcasts: pages put together, and each message told of once, though the network repeats it for hours.

use crate::model::{Notice, NoticeKind};
use crate::tpdu::PrimaryNotification;
use crate::tpdu::broadcast::{self, Page, SerialNumber};
use std::collections::VecDeque;

/// Messages of which pages are missing, at most; the oldest goes.
const OPEN: usize = 32;
/// Messages that were told of and may be repeated.
const TOLD: usize = 256;

/// Identifier and serial number: a changed message has another.
type Key = (u16, SerialNumber);

/// What came so far.
#[derive(Debug, Default)]
pub(super) struct Broadcasts {
    open: VecDeque<Vec<Page>>,
    /// With true for a primary notification: what it says in short, the pages of the same message say in words.
    told: VecDeque<(Key, bool)>,
}

impl Broadcasts {
    /// Takes a page; what there is to tell once all pages are here.
    pub(super) fn take(&mut self, octets: &[u8]) -> Option<Notice> {
        if let Some(warning) = PrimaryNotification::of(octets) {
            let key = (warning.message_id, warning.serial);
            if self.told.contains(&(key, true)) {
                return None;
            }
            self.remember(key, true);
            let detail = format!("primary notification: {warning}");
            return Some(self::notice(warning.message_id, None, detail));
        }
        let pages = broadcast::decode(octets)
            .inspect_err(|error| tracing::warn!(%error, "a cell broadcast cannot be read"))
            .ok()?;
        let key = pages.first()?.key();
        if self.told.contains(&(key, false)) {
            return None;
        }
        let at = self.open.iter().position(|open| open[0].key() == key);
        let mut all = at.and_then(|at| self.open.remove(at)).unwrap_or_default();
        for page in pages {
            if !all.iter().any(|other| other.page == page.page) {
                all.push(page);
            }
        }
        match broadcast::join(&all) {
            Some(text) => {
                self.remember(key, false);
                let first = all.iter().find(|page| page.page == 1).unwrap_or(&all[0]);
                let language = first.language().map(|code| format!(", language {code}")).unwrap_or_default();
                let detail = format!(
                    "cell broadcast {}, serial number {:#06x}, {} pages{language}",
                    key.0,
                    key.1.bits(),
                    first.pages
                );
                Some(notice(key.0, Some(text), detail))
            }
            None => {
                if self.open.len() >= OPEN {
                    self.open.pop_front();
                }
                self.open.push_back(all);
                None
            }
        }
    }

    fn remember(&mut self, key: Key, is_primary: bool) {
        if self.told.len() >= TOLD {
            self.told.pop_front();
        }
        self.told.push_back((key, is_primary));
    }
}

fn notice(message_id: u16, text: Option<String>, detail: String) -> Notice {
    let subject = broadcast::subject(message_id).unwrap_or("not known here");
    Notice { text, ..Notice::new(NoticeKind::Broadcast, subject, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpdu::hex;

    fn take(broadcasts: &mut Broadcasts, line: &str) -> Option<(String, Option<String>)> {
        broadcasts.take(&hex::decode(line).unwrap()).map(|notice| (notice.subject, notice.text))
    }

    #[test]
    fn pages_are_joined_and_a_message_is_told_of_once() {
        let mut broadcasts = Broadcasts::default();
        let told = |text: &str| Some(("presidential or national alert".to_owned(), Some(text.to_owned())));
        assert_eq!(take(&mut broadcasts, "4021 1112 0F 22 F3F7DB0D"), None, "the second page first");
        assert_eq!(take(&mut broadcasts, "4021 1112 0F 22 F3F7DB0D"), None);
        assert_eq!(take(&mut broadcasts, "4021 1112 0F 12 F3F7DB0D"), told("soonsoon"));
        assert_eq!(take(&mut broadcasts, "4021 1112 0F 12 F3F7DB0D"), None, "repeated");
        assert_eq!(take(&mut broadcasts, "4022 1112 0F 11 F3F7DB0D"), told("soon"), "changed");
        assert_eq!(take(&mut broadcasts, "40"), None, "no page");
        let warning = format!("4021 1101 0380 {}", "00".repeat(50));
        assert_eq!(take(&mut broadcasts, &warning), Some(("tsunami warning".to_owned(), None)));
        assert_eq!(take(&mut broadcasts, &warning), None);
        let words = Some(("tsunami warning".to_owned(), Some("soon".to_owned())));
        assert_eq!(take(&mut broadcasts, "4021 1101 0F 11 F3F7DB0D"), words, "the same warning in words");
        assert_eq!(take(&mut broadcasts, "4021 1101 0F 11 F3F7DB0D"), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut broadcasts = Broadcasts::default();
        for n in 0..2000_u16 {
            take(&mut broadcasts, &format!("{:04X} 0032 0F 12 F3F7DB0D", n << 4));
            take(&mut broadcasts, &format!("{:04X} 0033 0F 11 F3F7DB0D", n << 4));
        }
        assert_eq!((broadcasts.open.len(), broadcasts.told.len()), (OPEN, TOLD));
    }
}
