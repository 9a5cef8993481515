# SPDX-License-Identifier: GPL-2.0-only
"""Says what a reader of TAP sees of a report that has no subtests: tap_lines.py FILE

Prints one JSON object: the plan, and of each test its number, name, and whether it passed or was
skipped. The version line is KTAP's own.
"""
import json
import pathlib
import sys

from tap.parser import Parser


def main(file):
    plan, tests, strange = None, [], 0
    text = pathlib.Path(file).read_text().removeprefix("KTAP version 1\n")
    for line in Parser().parse_text(text):
        if line.category == "plan":
            plan = line.expected_tests
        elif line.category == "test":
            tests.append(
                {"number": line.number, "name": line.description, "ok": line.ok, "skip": line.skip}
            )
        elif line.category not in ("diagnostic", "version"):
            strange += 1
    print(json.dumps({"plan": plan, "tests": tests, "strange": strange}))
    return 0


sys.exit(main(sys.argv[1]))
