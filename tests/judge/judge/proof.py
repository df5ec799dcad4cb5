"""proof/NAME.json: what was run on which commit, round by round. A run goes on where an earlier one ended."""
import json
import subprocess
from collections import Counter

from . import ROOT


def commit():
    """With "-dirty" where the tree is not as committed."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


class Proof:
    """`settings` are what makes two runs the same; a round has a `name`, `ok`, counts and seconds."""

    def __init__(self, path, **settings):
        self.path, self.made_of = path, {"commit": commit(), **settings}
        self.rounds = []
        try:
            before = json.loads(path.read_text())
            if before["made_of"] == json.loads(json.dumps(self.made_of)):
                self.rounds = [r for r in before["rounds"] if r["ok"]]
        except (OSError, ValueError, KeyError):
            pass

    def has(self, name):
        return any(r["name"] == name for r in self.rounds)

    def add(self, result, **more):
        self.rounds.append(result)
        self.write(**more)

    def write(self, **more):
        self.path.parent.mkdir(exist_ok=True)
        whole = {"made_of": self.made_of, "ok": all(r["ok"] for r in self.rounds), **more, "total": self.total(),
                 "rounds": self.rounds}
        self.path.write_text(json.dumps(whole, indent=1) + "\n")

    def total(self):
        """Sums of what rounds count, also one level down; of what is `slowest` the most."""
        out = Counter()
        for r in self.rounds:
            out.update(rounds=1)
            for key, value in r.items():
                if isinstance(value, dict):
                    out.update({f"{key}: {k}": v for k, v in value.items() if isinstance(v, (int, float))})
                elif key.startswith("slowest"):
                    out[key] = max(out[key], value)
                elif isinstance(value, (int, float)) and key not in ("name", "seed", "ok"):
                    out[key] += value
        return {key: round(value, 1) for key, value in out.items()}

    def tell(self, title):
        """A table, and one line of JSON."""
        total = self.total()
        for name, value in total.items():
            print(f"  {name:36} {value}")
        print(json.dumps({"judge": title, "ok": all(r["ok"] for r in self.rounds), **self.made_of, **total}), flush=True)
