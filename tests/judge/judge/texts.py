"""What is sent: ids, recipients and texts that tell one message from every other."""
from dataclasses import dataclass

GSM7_SAMPLE = "Störung 42 % - äöü ñ £ € {a} [b] ~"
UCS2_SAMPLE = "Привет, 世界 😀👩‍🚒"
WORDS = "pump tank level door alarm water night valve power motor fan north south gate river bridge".split()


@dataclass
class Message:
    id: str
    to: str
    text: str
    parts: int = 1
    report: bool = True
    hold: bool = False
    send_at: str | None = None
    expires_in: int | None = None

    def command(self):
        """As the gateway takes it over MQTT."""
        out = {"id": self.id, "to": self.to, "text": self.text}
        if not self.report:
            out["report"] = False
        if self.hold:
            out["on_uncertain"] = "hold"
        for key in ("send_at", "expires_in"):
            if getattr(self, key) is not None:
                out[key] = getattr(self, key)
        return out


def filler(rng, n):
    """n characters of text without runs that a wrong cut could hide in."""
    out = ""
    while len(out) < n:
        out += f"{rng.choice(WORDS)}{rng.randrange(1000)} "
    return out[:n]


# Text of message i, its parts, and how often of a hundred: GSM-7, UCS-2 with emoji, three parts of either.
KINDS = [
    (lambda rng, i: f"#{i} {GSM7_SAMPLE} {filler(rng, 60)}", 1, 40),
    (lambda rng, i: f"#{i} {UCS2_SAMPLE} {filler(rng, 20)}", 1, 30),
    (lambda rng, i: f"#{i} {GSM7_SAMPLE} {filler(rng, 340)}", 3, 15),
    (lambda rng, i: f"#{i} {UCS2_SAMPLE} {filler(rng, 70)}😀{filler(rng, 50)}", 3, 15),
]


def message(rng, i, shares=None):
    """The i-th of a run; no two have a recipient in common. `shares`: how often each of KINDS, else as they say."""
    text, parts, _ = rng.choices(KINDS, shares or [share for *_, share in KINDS])[0]
    return Message(f"m{i:04}", f"+4915{17000000 + i}", text(rng, i).strip(), parts)
