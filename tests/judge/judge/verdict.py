"""What was promised and not kept. Pure: a run that is over goes in, findings come out, each in a line that names it."""
from collections import Counter, defaultdict
from datetime import datetime

from .ledger import Ledger

# Findings, and the promise that each breaks (docs/guarantees.md).
PROMISES = {
    "strangers": "what nobody asked for was sent",
    "lost": "what was accepted never reached the network (I-01)",
    "wrong": "another text, or another number of parts",
    "held_twice": "under hold a part went out twice (I-05)",
    "unexplained": "a copy, or a doubt, that nobody was told the reason of (I-06)",
    "undelivered": "a report was handed over, and the message is not `delivered` (I-14)",
    "unproved": "`delivered` without a report of the network (I-16)",
    "unended": "no state that it may end in (I-02, I-32)",
    "stalled": "lay still, though nobody was in doubt about it (I-32)",
    "inbound_lost": "what came in was not published (I-18 to I-20)",
    "inbound_twice": "published again, and not flagged (I-21 to I-23)",
    "inbound_wrong": "another text or sender",
    "deleted_unread": "deleted from a SIM without having been read (I-18)",
    "left_on_sims": "not fetched, or not deleted (I-19)",
    "seq_gaps": "a hole in the log (I-25)",
    "refused": "a good command was refused",
    "panics": "the gateway panicked",
    "told": "a text stands in the gateway's log (I-30)",
    "problems": "the run itself: something ended that should not have",
}
ENDS = ("delivered", "sent", "no_report", "unknown")


class Findings:
    """What was found of each promise, and counts of the run."""

    def __init__(self):
        self.found = {promise: [] for promise in PROMISES}
        self.parts, self.extra, self.ambiguous, self.held_unknown, self.unlogged = 0, {}, 0, 0, 0
        self.orphaned = 0
        self.states = Counter()

    def add(self, promise, what):
        self.found[promise].append(what)

    def broken(self):
        """Those that were not kept."""
        return {promise: found for promise, found in self.found.items() if found}

    def counts(self):
        """For the proof."""
        return {"parts": self.parts, "extra_submits": sum(self.extra.values()), "ambiguous_messages": self.ambiguous,
                "held_unknown": self.held_unknown, "unlogged": self.unlogged, "orphaned": self.orphaned, "states": dict(self.states),
                **{promise: len(found) for promise, found in self.found.items()}}


def judge(run):
    """`run` says what was asked and what could disturb; the modems, the witness and the gateway say what happened."""
    ledger, out = Ledger(run.modems.events()), Findings()
    for judge_one in (judge_outbound, judge_copies, judge_ends, judge_pace, judge_inbound, judge_log):
        judge_one(run, ledger, out)
    return out


def judge_outbound(run, ledger, out):
    known = {m.to for m in run.asked}
    for recipient in ledger.submits:
        if recipient not in known:
            out.add("strangers", recipient)
    for m in run.asked:
        cuttings = ledger.cuttings(m.to)
        whole = [c for (_, _, parts), c in cuttings.items() if len(c) == parts]
        if not whole:
            judge_missing(run, ledger, m, out)
            continue
        texts = {"".join(c[seq][0].text for seq in sorted(c)) for c in whole}
        same = all(len({s.text for s in submits}) == 1 for c in cuttings.values() for submits in c.values())
        if texts != {m.text} or not same:
            out.add("wrong", m.id)
        if len(whole[0]) != m.parts:
            out.add("wrong", f"{m.id}: {len(whole[0])} parts for {m.parts}")
        out.parts += len(whole[0])
        if extra := len(ledger.submits[m.to]) - len(whole[0]):
            out.extra[m.id] = extra


def judge_missing(run, ledger, m, out):
    """No whole message in the modems' log."""
    if m.hold and run.witness.last_state(m.id) == "unknown":
        # It may have left or not, and says so.
        return
    if ledger.is_unlogged(m.to):
        out.unlogged += 1
    else:
        out.add("lost", f"{m.id}: {run.witness.last_state(m.id)}")


def judge_copies(run, ledger, out):
    """Every extra submit was told of: an uncertain try, one that repeats it, and the flag that there may be two."""
    held = {m.id for m in run.asked if m.hold}
    tries = run.tries()
    for message, extra in out.extra.items():
        if message in held:
            out.add("held_twice", f"{message}: {extra} extra")
        history = run.witness.states.get(message, ())
        uncertain = any(s.state == "uncertain" for s in history)
        if not (run.disturbs and uncertain and any(s.duplicate_possible for s in history)):
            out.add("unexplained", f"{message}: {extra} extra, in silence")
        doubts, repeats = (extra, extra) if tries is None else tries.get(message, (0, 0))
        if extra > min(doubts, repeats):
            out.add("unexplained", f"{message}: {extra} extra, {doubts} uncertain tries, {repeats} that repeat one")
    doubted = [i for i, history in run.witness.states.items() if any(s.state == "uncertain" for s in history)]
    out.ambiguous = len(doubted)
    if not run.disturbs:
        for message in doubted:
            out.add("unexplained", f"{message}: uncertain without a fault")
    if sum(out.extra.values()) > run.most_extra():
        out.add("unexplained", f"{sum(out.extra.values())} extra submits, {run.most_extra()} could be")


def judge_ends(run, ledger, out):
    for m in run.asked:
        state = run.witness.last_state(m.id)
        out.states[state or "none"] += 1
        out.held_unknown += m.hold and state == "unknown"
        if state == "delivered":
            if ledger.reports[m.to] < m.parts:
                out.add("unproved", f"{m.id}: {ledger.reports[m.to]} of {m.parts} reports")
        elif m.report and (ledger.is_reported(m.to) or not run.disturbs):
            if run.clock_drifts and m.to in run.witness.orphans:
                out.orphaned += 1
            else:
                out.add("undelivered", f"{m.id}: {state}")
        elif state not in ENDS or state == "unknown" and not (m.hold or m.expires_in):
            # What expires while nobody knows is not sent again.
            out.add("unended", f"{m.id}: {state}")


def judge_pace(run, _ledger, out):
    for message, history in run.witness.states.items():
        steps = sorted(history)
        for before, after in zip(steps, steps[1:]):
            if before.state == "sending":
                rest_s = (datetime.fromisoformat(after.at) - datetime.fromisoformat(before.at)).total_seconds()
                if rest_s > run.stall_s:
                    out.add("stalled", f"{message}: {rest_s:.0f} s")


def judge_inbound(run, ledger, out):
    copies = defaultdict(list)
    for inbound in run.witness.inbound:
        copies[inbound.text].append(inbound)
    senders = {text: sender for _, sender, text in run.injected}
    for text, sender in senders.items():
        if not copies[text]:
            out.add("inbound_lost", text)
        elif len(copies[text]) > 1 and not any(inbound.same_as for inbound in copies[text]):
            out.add("inbound_twice", text)
    for inbound in run.witness.inbound:
        if senders.get(inbound.text) != inbound.sender:
            out.add("inbound_wrong", inbound.text)
    if ledger.deleted_unread:
        out.add("deleted_unread", f"{ledger.deleted_unread} messages")
    if left := run.modems.left():
        out.add("left_on_sims", f"{left} messages")


def judge_log(run, _ledger, out):
    for gap in run.witness.gaps():
        out.add("seq_gaps", gap)
    for body in run.witness.refused:
        out.add("refused", str(body.get("error")))
    if panics := run.gateway.panics():
        out.add("panics", f"{panics} in gateway.log")
    for text in run.gateway.told([m.text for m in run.asked] + [text for *_, text in run.injected]):
        out.add("told", text)
    for problem in run.problems:
        out.add("problems", problem)
