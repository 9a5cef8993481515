# SPDX-License-Identifier: GPL-2.0-only
"""Says what the kernel's own reader of KTAP sees: ktap.py tools/testing/kunit FILE

Prints one JSON object: how many tests passed, failed and were skipped, how many lines it could not
read, and the tree of the tests' names.
"""
import contextlib
import io
import json
import pathlib
import sys


def read(test):
    return {
        "name": test.name,
        "status": test.status.name,
        "log": test.log,
        "tests": [read(inner) for inner in test.subtests],
    }


def main(folder, file):
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    import kunit_parser
    import kunit_printer

    said = io.StringIO()
    lines = pathlib.Path(file).read_text().splitlines()
    with contextlib.redirect_stdout(said):
        kunit_printer.stdout = kunit_printer.Printer(said)
        kunit_parser.stdout = kunit_printer.stdout
        parse = kunit_parser.parse_run_tests
        test = parse(lines, kunit_printer.stdout) if parse.__code__.co_argcount > 1 else parse(lines)
    counts = test.counts
    print(
        json.dumps(
            {
                "passed": counts.passed,
                "failed": counts.failed,
                "crashed": counts.crashed,
                "skipped": counts.skipped,
                "errors": counts.errors,
                "tests": [read(inner) for inner in test.subtests],
            }
        )
    )
    return 0


sys.exit(main(sys.argv[1], sys.argv[2]))
