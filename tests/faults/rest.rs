//! The rows of docs/faults.md that are no fault of a modem: RELIABILITY §3.4 to §3.7 and §3.9. Nothing is measured here; each
//! names the tests that show it.

/// A fault of the catalogue that others play.
pub(crate) struct Told {
    pub(crate) id: &'static str,
    /// What happens.
    pub(crate) fault: &'static str,
    /// What the gateway does.
    pub(crate) does: &'static str,
    /// `file::name` or `make target`, parted by blanks.
    pub(crate) tests: &'static str,
}

const fn told(id: &'static str, fault: &'static str, does: &'static str, tests: &'static str) -> Told {
    Told { id, fault, does, tests }
}

/// The catalogue: F-65 to F-68 are about an HTTP interface, which there is none of.
pub(crate) fn catalogue() -> Vec<String> {
    (34..=64).chain(69..=75).map(|n| format!("F-{n}")).collect()
}

pub(crate) const REST: &[Told] = &[
    told(
        "F-34",
        "`kill -9` at random",
        "all that was accepted reaches an end; what may have left is uncertain, never failed",
        "make:chaos tests/store/kills.rs::what_was_answered_survives_kills",
    ),
    told(
        "F-35",
        "`kill -9` before and after each call that writes",
        "the same; at most one part goes out twice, and says so",
        "make:killpoints",
    ),
    told(
        "F-36",
        "SIGTERM in the middle of a send, once and twice; SIGHUP",
        "the send ends first; the second ends it at once with exit 130, and the part is uncertain. There is no reload: SIGHUP only says so",
        "tests/process/signals.rs::a_send_on_the_air_ends_before_the_process \
         tests/process/signals.rs::a_second_signal_ends_it_at_once_and_leaves_the_send_uncertain \
         tests/process/signals.rs::a_hang_up_changes_nothing_and_says_so",
    ),
    told(
        "F-37",
        "a task panics",
        "what the others have in the air ends, then the process with exit 1, and systemd starts another: recovery is restart. \
         Where the thread that writes panics, nothing more is acknowledged",
        "tests/process/signals.rs::a_task_that_panics_ends_the_process_in_order \
         src/slots.rs::a_driver_that_panics_is_noticed",
    ),
    told(
        "F-38",
        "a thread hangs",
        "the watchdog is not fed, and after `WatchdogSec` (30 s) systemd kills the process and starts another",
        "tests/process/hangs.rs::a_thread_that_hangs_stops_the_heartbeat \
         tests/process/main.rs::the_watchdog_is_fed_without_modems",
    ),
    told(
        "F-39",
        "two are started",
        "the second exits 73 and names the process that has the lock; it touches nothing",
        "tests/cli.rs::a_second_gateway_is_refused_and_the_first_named \
         tests/store/recovery.rs::a_second_process_is_refused_and_told_who_is_there",
    ),
    told(
        "F-40",
        "the power is cut: what was not synced is dropped, torn or reordered",
        "all that was acknowledged is there",
        "make:powercut tests/powercut/main.rs::what_was_acknowledged_survives_power_cuts",
    ),
    told(
        "F-41",
        "the same in a first start, an update, a checkpoint, a snapshot, a salvage",
        "the same; what was begun is gone on with",
        "tests/powercut/main.rs::a_first_start_may_be_cut_at_every_call \
         tests/powercut/main.rs::an_update_may_be_cut_at_every_call \
         tests/powercut/main.rs::what_was_acknowledged_survives_power_cuts \
         tests/store/salvage.rs::a_salvage_that_was_cut_short_is_gone_on_with \
         tests/store/snapshots.rs::a_half_one_is_none",
    ),
    told(
        "F-42",
        "the disk is full",
        "nothing is accepted or armed, results go to the ballast's room and to a journal, SMS stay on the SIM; it goes on by itself",
        "tests/store/room.rs::a_full_disk_loses_nothing_and_goes_on_by_itself",
    ),
    told(
        "F-43",
        "pages that are damaged, a file that is cut, a WAL that is gone, another's, a newer one",
        "it is put aside, what can be read goes into a new one, what was not ended is uncertain, an alarm says so; one of others is \
         refused",
        "tests/store/salvage.rs::every_page_but_one_is_salvaged tests/store/salvage.rs::a_truncated_file_is_salvaged_at_any_length \
         tests/store/salvage.rs::what_is_no_database_is_put_aside_and_told_of tests/store/salvage.rs::a_missing_wal_is_a_damage \
         tests/store/salvage.rs::others_are_refused_and_left_alone",
    ),
    told(
        "F-44",
        "syncs fail",
        "the process ends with exit 74, nothing is acknowledged; after the third time in ten minutes it waits for the disk, and says so",
        "tests/process/main.rs::a_disk_that_fails_ends_it_with_74_and_a_restart_goes_on \
         tests/process/main.rs::a_disk_that_fails_for_the_third_time_is_waited_for",
    ),
    told(
        "F-45",
        "a sync takes 30 ms, 500 ms, or 5 s now and then",
        "sends take so much longer; the watchdog waits for 15 s at least",
        "tests/process/hangs.rs::a_slow_disk_slows_down_and_nothing_else",
    ),
    told(
        "F-46",
        "somebody reads for an hour",
        "a query of ours is cut after 1 s, so the WAL stays small; another program's transaction lets it grow until the disk is short \
         of room (F-42)",
        "src/store/reader.rs::a_query_is_cut_after_its_time tests/store/log.rs::the_log_beside_the_database_stays_small",
    ),
    told(
        "F-47",
        "another program holds the database's lock",
        "it is waited for 1 s, then nothing is accepted or sent, and `status` says so; it goes on by itself",
        "tests/process/main.rs::a_database_that_is_held_refuses_and_goes_on_by_itself \
         tests/store/room.rs::a_database_that_is_held_loses_nothing_and_goes_on_by_itself",
    ),
    told(
        "F-48",
        "nobody reads the log",
        "1024 records wait, those beyond are dropped, and one says how many; nothing else waits",
        "tests/process/hangs.rs::a_log_that_nobody_reads_holds_nothing_up_and_says_what_is_missing",
    ),
    told(
        "F-49",
        "the broker is restarted and forgets everything",
        "the link is made anew, and what was not acknowledged comes again",
        "tests/mqtt/faults.rs::f49_broker_restarted_without_persistence",
    ),
    told(
        "F-50",
        "the connection is cut between PUBLISH and PUBACK",
        "the event comes again, under its `event_id`",
        "tests/mqtt/faults.rs::f50_cut_at_each_octet",
    ),
    told(
        "F-51",
        "the connection dies without a word",
        "it is noticed by the keep-alive",
        "tests/mqtt/faults.rs::f51_half_open",
    ),
    told("F-52", "a command comes twice", "it is carried out once", "tests/mqtt/faults.rs::f52_command_redelivered"),
    told(
        "F-53",
        "a command is retained, or ten days old",
        "it is refused",
        "tests/mqtt/faults.rs::f53_retained_and_stale_commands",
    ),
    told("F-54", "the broker is slow", "no more is under way than it wants", "tests/mqtt/loads.rs::f54_slow_broker"),
    told(
        "F-55",
        "payloads and topics that are none",
        "refused; only a topic that no broker may hand on costs the link",
        "tests/mqtt/strangers.rs::f55_bad_topics_and_payloads",
    ),
    told(
        "F-56",
        "another client with our id",
        "it backs off, and an alarm says so",
        "tests/mqtt/strangers.rs::f56_takeover_loop",
    ),
    told(
        "F-57",
        "TLS that cannot be trusted",
        "no connection, and the reason in the log",
        "tests/mqtt/trust.rs::f57_bad_tls",
    ),
    told(
        "F-58",
        "the broker refuses to publish",
        "the event is parked, others go on",
        "tests/mqtt/trust.rs::f58_publish_denied",
    ),
    told(
        "F-59",
        "the broker is away for 14 days",
        "events are kept, and those that wait for longer in a file",
        "tests/mqtt/loads.rs::f59_away_for_fourteen_days",
    ),
    told(
        "F-60",
        "the box boots in 1970, and NTP knows the time later",
        "sends go on at once; every wait is a span and stays as long as it was; a step is believed after a minute, and then `send_at` \
         means the new clock",
        "tests/process/clocks.rs::a_box_that_boots_long_ago_sends_and_later_knows_the_time \
         tests/store/clock.rs::what_waits_for_an_instant_of_the_wall_clock_follows_it_and_nothing_else_does",
    ),
    told(
        "F-61",
        "the clock is set back by an hour, or ahead by a year for a moment",
        "nothing expires, nothing goes out twice, no wait is longer",
        "tests/process/clocks.rs::a_clock_that_jumps_expires_nothing_and_sends_nothing_twice \
         tests/faults/clocks.rs::no_step_of_the_wall_clock_changes_a_span",
    ),
    told(
        "F-62",
        "the process, or the box, sleeps for ten minutes",
        "what was on the air is read from the line, or is uncertain; time goes on by CLOCK_BOOTTIME",
        "tests/process/clocks.rs::a_process_that_stood_still_goes_on \
         tests/store/clock.rs::a_start_is_told_where_the_process_before_was",
    ),
    told(
        "F-63",
        "the service centre's clock is wrong, or its time stamp is no time",
        "the difference is learnt from its reports; without a time only reference and number tell",
        "tests/store/reports.rs::a_centre_with_a_wrong_clock_is_understood src/store/reports.rs::time_decides_between_equal_references \
         tests/faults/clocks.rs::a_message_without_a_time_is_published",
    ),
    told(
        "F-64",
        "a schedule meets daylight saving, 29 February, a new year",
        "there are no schedules by the calendar: `send_at` is an instant with its zone, and comes once",
        "src/bridge/wire/time.rs::table_of_instants tests/store/log.rs::what_is_due_comes_by_priority_and_then_by_time",
    ),
    told(
        "F-69",
        "mistakes in the configuration, secrets that cannot be read",
        "no start, exit 78, each mistake with file, line and key; a secret is never shown. There is no reload",
        "src/config/mod.rs::every_mistake_names_line_and_key tests/config.rs::check_and_run_refuse_the_same_way \
         tests/config.rs::secrets_come_from_credentials_first_and_are_never_shown",
    ),
    told(
        "F-70",
        "an update with a queue, and back again",
        "a copy of the database is kept, then it is migrated; an older gsmgate refuses a newer one",
        "tests/store/upgrade.rs::a_queue_of_an_older_version_goes_on tests/store/salvage.rs::others_are_refused_and_left_alone",
    ),
    told(
        "F-71",
        "64 files, no thread more, 64 MiB",
        "who connects beyond that is refused or waits; modems and queue go on",
        "tests/process/limits.rs::with_few_files_no_threads_and_little_memory_it_goes_on",
    ),
    told(
        "F-72",
        "a burst of submits, a flood from one sender, a million in the queue",
        "all are kept, an alarm still goes first, and the memory stays as it was",
        "tests/process/limits.rs::a_burst_and_a_flood_are_kept_and_an_alarm_goes_first \
         tests/process/limits.rs::a_large_queue_needs_no_more_memory",
    ),
    told(
        "F-73",
        "a message that every try of fails",
        "it waits longer after each try and expires; others pass it at once",
        "src/scheduler/tests/faults.rs::a_message_that_always_fails_holds_nobody_up",
    ),
    told(
        "F-74",
        "one SIM of four dies with a queue",
        "all go out by the others within 60 s, but those that may go by no other: `status` names the SIM that they wait for",
        "tests/faults/dead.rs::what_a_dead_sim_had_goes_out_by_others",
    ),
    told(
        "F-75",
        "a client runs away: one text to one number a thousand times",
        "not there: nothing caps a recipient. `[limits]` caps a SIM, `max_queued` the queue, and an `id` makes a repeat one message",
        "src/scheduler/tests.rs::limits_close_a_lane tests/store/log.rs::one_id_is_one_message_for_seven_days \
         tests/store/log.rs::a_full_queue_says_so_and_still_knows_what_it_has",
    ),
];
