"""What the commands have in common: arguments, and whether a run can be made here."""
import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path

from . import ROOT, broker


def parser(doc, proof, seed=1, modems=8, latency_ms=40):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    release, debug = ROOT / "target/release/gsmgate", ROOT / "target/debug/gsmgate"
    built = release if release.exists() or not debug.exists() else debug
    p.add_argument("--gateway", default=os.environ.get("GSMGATE_BIN") or str(built))
    p.add_argument("--modemsim", default=os.environ.get("MODEMSIM") or shutil.which("modemsim"))
    p.add_argument("--seed", type=int, default=seed)
    p.add_argument("--modems", type=int, default=modems)
    p.add_argument("--latency-ms", type=float, default=latency_ms, help="of a submit, in real time")
    p.add_argument("--proof", type=Path, default=ROOT / "proof" / proof)
    p.add_argument("--keep", action="store_true", help="keep the work folders: configuration, logs, what MQTT carried")
    return p


def unable(a):
    """The exit code where a run cannot be made; it is said why."""
    if not a.modemsim or not os.access(a.modemsim, os.X_OK):
        print(f"skipped: no modem simulator ({a.modemsim or 'MODEMSIM is not set'})")
        return 0
    missing = [tool for tool in broker.TOOLS if not shutil.which(tool)]
    if missing or not os.access(a.gateway, os.X_OK):
        print(f"missing: {', '.join(missing) or a.gateway}", file=sys.stderr)
        return 2
    return None


def hurry():
    """As root: everything in the run before what else the machine does, which would be measured otherwise. How it runs."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
        return "real time"
    except PermissionError:
        return "as everybody"


def again(*more):
    """The line that replays."""
    return shlex.join([*sys.argv, *map(str, more)])
