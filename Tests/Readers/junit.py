# SPDX-License-Identifier: GPL-2.0-only
"""Validates JUnit's XML with the XSD of Jenkins and says what junitparser sees: junit.py XSD FILE

Prints one JSON object: of each suite its numbers, and of each case its name and what it holds. Exits
with 1 where something does not fit. The XSD does not know a case's file and line, which pytest,
PHPUnit and GitLab do; it judges the rest.
"""
import json
import sys

import junitparser
from lxml import etree


def validate(xsd, file):
    tree = etree.parse(file)
    for case in tree.iter("testcase"):
        line = case.attrib.pop("line", None)
        name = case.attrib.pop("file", None)
        if name == "" or line is not None and not line.isdigit():
            return [f"file={name} line={line}"]
    schema = etree.XMLSchema(etree.parse(xsd))
    return [] if schema.validate(tree) else [str(error) for error in schema.error_log]


def read(suite):
    return {
        "name": suite.name,
        "tests": suite.tests,
        "failures": suite.failures,
        "errors": suite.errors,
        "skipped": suite.skipped,
        "cases": [
            {
                "name": case.name,
                "file": case._elem.get("file") or "",
                "line": int(case._elem.get("line") or 0),
                "results": [
                    {"kind": result._tag, "message": result.message or "", "text": result.text or ""}
                    for result in case.result
                ],
                "output": case.system_out or "",
            }
            for case in suite
        ],
    }


def main(xsd, file):
    errors = validate(xsd, file)
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    report = junitparser.JUnitXml.fromfile(file)
    suites = [read(suite) for suite in report]
    for suite in report:
        # It counts what is there.
        said = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert said == (suite.tests, suite.failures, suite.errors, suite.skipped), said
    print(json.dumps({"suites": suites}))
    return 0


sys.exit(main(sys.argv[1], sys.argv[2]))
