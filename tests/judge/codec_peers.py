#!/usr/bin/env python3
"""Random texts, written as SMS-SUBMIT by python-messaging, in parts where needed, are read here.

    tests/judge/codec_peers.py [--seed N] [--texts N]      GSMGATE_BIN names the binary

One line of JSON at the end; exit 1 when a text came out wrong. A red run prints the line that repeats it. The other
way, messages built here and read by a service centre that is not ours, is mosquitto_chaos.py.
"""

import argparse
import json
import os
import random
import subprocess
import sys

from messaging.sms import SmsSubmit

GSMGATE = os.environ.get("GSMGATE_BIN", "target/release/gsmgate")
TO = "+491701234567"
DEFAULT = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà\n"
EXTENSION = "^{}\\[~]|€"
UCS2 = "Привет мир 世界 абв šžčķ“”…"
# With the most characters of a text. python-messaging cuts escape sequences in two between parts, and writes surrogates
# as question marks: escapes stay within one part, and there are no surrogates.
POOLS = [(DEFAULT, 400), (DEFAULT + EXTENSION, 75), (UCS2, 200)]


def texts(seed, n):
    source = random.Random(seed)
    for i in range(n):
        pool, longest = POOLS[i % len(POOLS)]
        yield "".join(source.choice(pool) for _ in range(source.randint(1, longest)))


def read_here(text):
    pdus = [part.pdu for part in SmsSubmit(TO, text).to_pdu()]
    said = subprocess.run([GSMGATE, "decode", "--to-modem", "--json", *pdus], capture_output=True, text=True, check=True)
    return "".join(json.loads(line)["text"] for line in said.stdout.splitlines())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options.add_argument("--texts", type=int, default=100)
    options = options.parse_args()
    wrong = 0
    for text in texts(options.seed, options.texts):
        got = read_here(text)
        if got != text:
            wrong += 1
            print(f"  {text!r}\n    came out as {got!r}")
    if wrong:
        print(f"again: tests/judge/codec_peers.py --seed {options.seed} --texts {options.texts}")
    print(json.dumps({"judge": "codec_peers", "seed": options.seed, "texts": options.texts, "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
