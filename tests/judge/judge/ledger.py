"""The network's side: what it took from the modems, what it handed back, and what was thrown away unread."""
from collections import Counter, defaultdict
from typing import NamedTuple


class Submit(NamedTuple):
    """An accepted one."""
    modem: int
    mr: int
    ref: int | None
    parts: int
    seq: int
    text: str


class Ledger:
    """Made of the modems' log in one pass."""

    def __init__(self, events):
        self.submits = defaultdict(list)
        # Reports that the network made, of each recipient; and the submits whose report a modem has, as places in its list.
        self.reports, self.handed = Counter(), defaultdict(set)
        self.deleted_unread = 0
        made, gone, latest = {}, set(), {}
        for e in events:
            match e["event"]:
                case "submit" if e["ok"]:
                    udh = e["udh"] or {"ref": None, "parts": 1, "seq": 1}
                    # A reference comes again: a report is about the latest submit with it.
                    latest[e["da"], e["modem"], e["mr"]] = len(self.submits[e["da"]])
                    self.submits[e["da"]].append(Submit(e["modem"], e["mr"], udh["ref"], udh["parts"], udh["seq"], e["text"]))
                case "dlr":
                    place = latest.pop((e["da"], e["modem"], int(e["text"].removeprefix("mr "))), None)
                    made[e["id"]] = (e["da"], place)
                    self.reports[e["da"]] += 1
                case "routed" | "stored":
                    gone.add(e["id"])
                case "unacked":
                    gone.discard(e["id"])
                case "deleted":
                    self.deleted_unread += not e["read"]
        for number, (da, place) in made.items():
            if number in gone:
                self.handed[da].add(place)

    def cuttings(self, recipient):
        """The submits as {cutting: {seq: [Submit, …]}}: one cutting up of the message after the other."""
        out = {}
        for s in self.submits.get(recipient, ()):
            out.setdefault((s.modem, s.ref, s.parts), {}).setdefault(s.seq, []).append(s)
        return out

    def is_reported(self, recipient):
        """Whether a modem has a report for each part of the last cutting: one on an earlier says nothing of it."""
        submits = self.submits.get(recipient)
        if not submits:
            return False
        last = submits[-1]
        seqs = {s.seq for place, s in enumerate(submits) if place in self.handed[recipient]
                and (last.parts == 1 or (s.modem, s.ref, s.parts) == (last.modem, last.ref, last.parts))}
        return len(seqs) == last.parts

    def is_unlogged(self, recipient):
        """More reports than submits: this simulator forgets the line of a submit whose modem vanished meanwhile, and
        reports it delivered all the same. The network has had it."""
        return self.reports[recipient] > len(self.submits.get(recipient, ()))
