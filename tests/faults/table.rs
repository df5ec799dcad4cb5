//! The rows of docs/faults.md.

use super::world::Measured;
use super::{lines, ports, sims};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A fault of the catalogue.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// What happens, and what the gateway does.
    pub(crate) happens: &'static str,
    /// Plays it here: its name, and how.
    pub(crate) play: Option<(&'static str, Play)>,
    /// Tests that prove it, or a part of it, elsewhere: `file::name`.
    pub(crate) elsewhere: &'static [&'static str],
    /// How often a message may go out too often.
    pub(crate) twice: usize,
    pub(crate) target: Target,
}

type Play = fn() -> Pin<Box<dyn Future<Output = Measured>>>;

/// How long the recovery may take.
pub(crate) struct Target {
    /// As it is printed; empty: there is none.
    pub(crate) text: &'static str,
    /// What fails the test.
    pub(crate) most: Option<Duration>,
}

const AT_ONCE: Target = within("at once", 5);
const NONE: Target = Target { text: "", most: None };

const fn within(text: &'static str, seconds: u64) -> Target {
    Target { text, most: Some(Duration::from_secs(seconds)) }
}

/// One that is played here.
const fn row(id: &'static str, happens: &'static str, play: (&'static str, Play), target: Target) -> Row {
    Row { id, happens, play: Some(play), elsewhere: &[], twice: 0, target }
}

impl Row {
    const fn twice(self, twice: usize) -> Row {
        Row { twice, ..self }
    }

    const fn also(self, elsewhere: &'static [&'static str]) -> Row {
        Row { elsewhere, ..self }
    }
}

/// A play, by the name of its function.
macro_rules! play {
    ($module:ident::$name:ident) => {
        (concat!("tests/faults/", stringify!($module), ".rs::", stringify!($name)), || Box::pin($module::$name()))
    };
}

pub(crate) const ROWS: &[Row] = &[
    row(
        "F-01",
        "what the modem says comes in pieces of any size: it is understood all the same",
        play!(lines::f_01_output_in_pieces),
        AT_ONCE,
    )
    .also(&["tests/at_transcripts.rs::every_transcript_is_understood_however_it_is_cut"]),
    row(
        "F-02",
        "a line of the modem's own inside an answer, between `+CMGR` and its PDU, after the prompt: the answer stays whole",
        play!(lines::f_02_urc_inside),
        AT_ONCE,
    ),
    row("F-03", "echo in spite of `ATE0`, also of the PDU, and doubled CR: both are passed over", play!(lines::f_03_echo), AT_ONCE),
    row(
        "F-04",
        "noise: NUL, eighth bits, what another speed looks like, a line of 256 KiB without an end",
        play!(lines::f_04_noise),
        within("2 s", 2),
    ),
    row(
        "F-05",
        "the SIM is busy (`+CME ERROR: 515`) for 30 s, at the start and later: it is asked again, the port stays open",
        play!(lines::f_05_busy),
        within("5 s", 5),
    ),
    row(
        "F-06",
        "the modem is mute for 100 s, or for good: it is opened again, then restarted, at most three times an hour",
        play!(lines::f_06_mute),
        within("90 s for each step", 90),
    )
    .also(&[
        "src/modem/recovery_tests.rs::a_modem_that_falls_silent_is_opened_again_and_then_restarted",
        "src/modem/recovery_tests.rs::a_modem_that_stays_mute_is_restarted_three_times_an_hour",
        "src/modem/ladder.rs::a_mute_modem_is_restarted_harder_each_time_and_three_times_an_hour",
    ])
    .twice(1),
    row(
        "F-07",
        "the prompt never comes, comes late, or lacks its blank: nothing is sent after 10 s without one, and it is tried again",
        play!(lines::f_07_prompt),
        within("10 s", 10),
    ),
    row(
        "F-08",
        "the modem stands in a prompt with a message of somebody else when it is opened: that is never sent",
        play!(lines::f_08_starts_in_the_prompt),
        within("3 s", 3),
    ),
    row(
        "F-09",
        "accepted, and the end of the submit is lost: after the deadline of 180 s its report tells, and a held one ends as \
         `unknown`; other SIMs send on, this one after 120 s more at most",
        play!(lines::f_09_final_lost),
        within("180 s, and 10 s", 190),
    )
    .twice(1),
    row(
        "F-10",
        "not accepted, and no end: it is sent again 120 s after the deadline, in which a report could have come; a held one \
         ends as `unknown`",
        play!(lines::f_10_never_accepted),
        within("180 s, 120 s, and 10 s", 310),
    ),
    row(
        "F-11",
        "the end comes 1 to 100 s after the deadline: it is credited to its own submit, and never to the next",
        play!(lines::f_11_final_late),
        AT_ONCE,
    )
    .also(&["src/modem/tests.rs::a_late_reference_is_credited_to_the_submit_it_belongs_to"]),
    row(
        "F-12",
        "OK without `+CMGS`, with garbage, with 256, or with two: sent, and its report is matched without the reference",
        play!(lines::f_12_final_odd),
        AT_ONCE,
    )
    .also(&["src/modem/send.rs::table_of_ends_with_ok"]),
    row(
        "F-13",
        "the line hangs up at each of the first 40 steps, and at each of a submit: what was not sent is sent again; once \
         Ctrl-Z may be out the new line is first listened to for 5 s, which are not counted",
        play!(lines::f_13_hang_up),
        within("5 s", 5),
    )
    .also(&["src/modem/tests.rs::a_hang_up_at_any_step_is_uncertain_only_after_ctrl_z"])
    .twice(1),
    row(
        "F-14",
        "the modem takes no octet for 8 s: what the system cannot write within 5 s counts as not sent",
        play!(lines::f_14_stall),
        within("10 s", 10),
    )
    .also(&["src/modem/tests.rs::a_write_that_stalls_is_not_sent"]),
    row(
        "F-15",
        "the memory is full, and nothing is told any more: the memories are looked through each minute, and an alarm says so",
        play!(sims::f_15_memory_full),
        within("60 s", 60),
    )
    .also(&["src/modem/tests.rs::a_full_memory_is_swept_at_once"]),
    row(
        "F-16",
        "a message lies in the memory that was not chosen; the modem forgets the choice at a restart: all memories are read",
        play!(sims::f_16_other_memory),
        within("60 s", 60),
    ),
    row(
        "F-17",
        "a delete is refused, does nothing, is not answered, or deletes another message: it is looked at and tried again",
        play!(sims::f_17_delete_fails),
        within("60 s", 60),
    )
    .also(&["src/modem/tests.rs::a_failed_delete_is_looked_at_and_tried_again"]),
    row(
        "F-18",
        "MMS, WAP push, type 0, class 2, flash, voice mail, data to a port, reserved TP-PID and TP-DCS: published, as a message \
         or raw, and deleted from the SIM",
        play!(sims::f_18_odd_messages),
        AT_ONCE,
    ),
    row(
        "F-19",
        "the SIM is taken out, and is back, or another is there, 30 s later: other SIMs send meanwhile",
        play!(sims::f_19_sim_gone),
        within("10 s", 10),
    )
    .also(&["src/modem/pin.rs::a_wrong_pin_costs_one_try_at_most"])
    .twice(1),
    Row {
        id: "F-20",
        happens: "the PIN is wrong: it costs one try, which is remembered over a restart, and none below three",
        play: None,
        elsewhere: &[
            "tests/personalities.rs::no_make_is_given_a_wrong_pin_twice",
            "src/modem/tests.rs::with_two_tries_left_the_pin_is_not_entered",
            "tests/store/pins.rs::a_mark_is_there_after_a_restart_and_is_of_one_sim_and_one_pin",
        ],
        twice: 0,
        target: Target { text: "by a person", most: None },
    },
    row(
        "F-21",
        "no network, a network that denies, a foreign one: nothing is tried without one, and no try is counted",
        play!(sims::f_21_no_network),
        within("5 s", 5),
    )
    .also(&["src/modem/recovery_tests.rs::what_the_network_denies_is_no_reason_for_a_restart"]),
    row(
        "F-22",
        "the parts of two long messages with one reference come mixed: each is put together of its own",
        play!(sims::f_22_interleaved),
        AT_ONCE,
    )
    .also(&["tests/store/inbound.rs::parts_make_one_message_in_any_order", "tests/store/inbound.rs::two_senders_may_use_one_reference"]),
    row(
        "F-23",
        "a part never comes, or after 70 h: what is there is published after ten minutes, and again when it is whole",
        play!(sims::f_23_part_after_days),
        NONE,
    )
    .also(&["tests/store/inbound.rs::what_is_missing_is_said_and_a_late_part_completes_it"]),
    row(
        "F-24",
        "the SIM is lost between two parts, for 1 s and for 15 min: it goes on, or all parts go out anew by another SIM",
        play!(sims::f_24_sim_lost_between_parts),
        NONE,
    )
    .also(&["src/scheduler/tests.rs::a_message_whose_sim_stays_away_begins_anew_by_another"]),
    row(
        "F-25",
        "`+CMS ERROR` with each code from 0 to 600, instead of the prompt and after the payload: failed, tried again, or uncertain",
        play!(sims::f_25_cms_codes),
        within("120 s for a report, and the back-off", 150),
    )
    .also(&["src/model/failure.rs::every_code_has_a_class_and_the_unknown_is_ambiguous"])
    .twice(1),
    row(
        "F-26",
        "unplugged, and back under another name: it is known by its IMEI, its SIM by its ICCID",
        play!(ports::f_26_replug),
        within("5 s", 5),
    )
    .also(&["tests/discovery.rs::a_modem_is_found_behind_silent_ports_and_known_again_under_other_names"])
    .twice(1),
    row(
        "F-27",
        "ports that are for diagnosis or navigation: all are tried, and the one that answers is the one",
        play!(ports::f_27_other_ports),
        within("15 s", 15),
    )
    .also(&["tests/discovery.rs::a_modem_is_found_behind_silent_ports_and_known_again_under_other_names"]),
    row(
        "F-28",
        "the plug falls out every 20 s: the modem is watched before it is used, an alarm names the supply, other SIMs send",
        play!(ports::f_28_drops),
        NONE,
    )
    .also(&["src/modem/recovery_tests.rs::a_modem_that_comes_and_goes_is_watched_before_it_is_used"])
    .twice(1),
    row(
        "F-29",
        "a reset takes the modem away for 60 s: it is waited for, and not reset again",
        play!(ports::f_29_slow_reset),
        within("120 s", 120),
    ),
    row(
        "F-30",
        "the voltage of the box is too low (Raspberry Pi): an alarm says so, once, and one modem sends at a time",
        play!(ports::f_30_power_unstable),
        NONE,
    )
    .also(&["src/modem/supply.rs::a_weak_supply_is_told_of_once_until_it_was_good_for_a_minute"]),
    row(
        "F-31",
        "another program on the line: an OK to a command of its own, or a part of our answers is gone; the line is brought in \
         step at the deadline of the command, 25 s for one that reads the SIM, and an alarm names the program",
        play!(ports::f_31_foreigner),
        within("5 s after that deadline", 30),
    )
    .twice(1),
    row(
        "F-32",
        "the port may not be opened: the modem says so with the next step, and is used soon after it may",
        play!(ports::f_32_no_permission),
        within("2 s", 2),
    ),
    row(
        "F-33",
        "16 modems at once: four are looked at at a time, and all are ready",
        play!(ports::f_33_sixteen_modems),
        within("30 s", 30),
    )
    .also(&["tests/discovery.rs::sixteen_modems_at_once_are_ready_within_thirty_seconds"]),
];
