//! Whether the box itself has voltage enough: what the kernel knows of it on a Raspberry Pi (fault F-30).

use super::Noticed;
use crate::clock;
use crate::model::{Label, Notice, NoticeKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::info;

/// How often the gauge is read: the kernel looks as often, and forgets what was before.
const READ: Duration = Duration::from_secs(2);
/// How often a gauge is looked for where there is none: its driver may be loaded late.
const LOOK: Duration = Duration::from_secs(30);
/// A supply that was good for so long is told of anew: a weak one dips with every message that is sent.
const GOOD: Duration = Duration::from_secs(60);

/// Tells of a supply that gets too weak, until it is dropped. `root`: where `sys` lies; `weak`: whether it is so now, or was
/// within the last minute.
pub(crate) async fn watch(root: PathBuf, notices: mpsc::Sender<Noticed>, weak: watch::Sender<bool>) {
    // Whose notices these are: no modem's.
    let label = Label::of_the_box();
    let mut low_at: Option<Instant> = None;
    loop {
        let low = is_low(&root);
        if low == Some(true) {
            if low_at.is_none() {
                let detail = "the voltage of this box is too low; modems reset at such dips: use a stronger power supply, \
                              or a hub with one of its own; until it is good again one modem sends at a time";
                let notice = Notice::new(NoticeKind::Alarm, "power_unstable", detail);
                info!(?notice, "notice");
                // One that finds no room stands in the log.
                let _ = notices.try_send(Noticed { modem: 0, label: label.clone(), iccid: None, notice });
            }
            low_at = Some(clock::now());
            weak.send_replace(true);
        } else if low_at.take_if(|at| clock::now() - *at >= GOOD).is_some() {
            info!("the voltage of this box is good again");
            weak.send_replace(false);
        }
        clock::sleep(if low.is_some() { READ } else { LOOK }).await;
    }
}

/// Under-voltage since the kernel looked before; `None` where nothing measures it.
fn is_low(root: &Path) -> Option<bool> {
    let gauges = fs::read_dir(root.join("sys/class/hwmon")).ok()?;
    let is_ours = |gauge: &Path| fs::read_to_string(gauge.join("name")).is_ok_and(|name| name.trim() == "rpi_volt");
    let gauge = gauges.flatten().map(|entry| entry.path()).find(|gauge| is_ours(gauge))?;
    let alarm = fs::read_to_string(gauge.join("in0_lcrit_alarm")).ok()?;
    Some(alarm.trim() == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_weak_supply_is_told_of_once_until_it_was_good_for_a_minute() {
        let root = tempfile::tempdir().unwrap();
        let gauges = root.path().join("sys/class/hwmon");
        for (gauge, name) in [("hwmon0", "cpu_thermal\n"), ("hwmon1", "rpi_volt\n")] {
            fs::create_dir_all(gauges.join(gauge)).unwrap();
            fs::write(gauges.join(gauge).join("name"), name).unwrap();
        }
        let set = |alarm| fs::write(gauges.join("hwmon1/in0_lcrit_alarm"), alarm).unwrap();
        let (sender, mut notices) = mpsc::channel(4);
        let (weak_in, weak) = watch::channel(false);
        tokio::spawn(super::watch(root.path().to_owned(), sender, weak_in));
        let (mut told, mut was_weak) = (Vec::new(), Vec::new());
        for (alarm, seconds) in [("0\n", 10), ("1\n", 10), ("0\n", 50), ("1\n", 10), ("0\n", 70), ("1\n", 10)] {
            set(alarm);
            clock::sleep(Duration::from_secs(seconds)).await;
            was_weak.push(*weak.borrow());
            told.push(std::iter::from_fn(|| notices.try_recv().ok()).map(|it| it.notice.subject).collect::<Vec<_>>());
        }
        let alarm = vec!["power_unstable".to_owned()];
        let none = Vec::new();
        assert_eq!(told, [none.clone(), alarm.clone(), none.clone(), none.clone(), none, alarm]);
        assert_eq!(was_weak, [false, true, true, true, false, true]);
    }

    #[test]
    fn other_boxes_have_no_such_gauge() {
        assert_eq!(is_low(tempfile::tempdir().unwrap().path()), None);
    }
}
