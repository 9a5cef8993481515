# SPDX-License-Identifier: GPL-2.0-only
"""Validates JSON files with a schema of docs/schema: schema.py SCHEMA FILE...

Prints each thing that does not fit, with its path, and exits with 1 where there is one. References
go to the schemas beside it.
"""
import json
import pathlib
import sys

import jsonschema
import referencing
import referencing.jsonschema


def main(schema_path, files):
    folder = pathlib.Path(schema_path).resolve().parent
    schemas = {path.as_uri(): json.loads(path.read_text()) for path in folder.glob("*.json")}
    for uri, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        schema.setdefault("$id", uri)
    registry = referencing.Registry().with_resources(
        (uri, referencing.jsonschema.DRAFT202012.create_resource(schema))
        for uri, schema in schemas.items()
    )
    schema = schemas[pathlib.Path(schema_path).resolve().as_uri()]
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    wrong = 0
    for file in files:
        text = pathlib.Path(file).read_text()
        for error in validator.iter_errors(json.loads(text)):
            wrong += 1
            best = jsonschema.exceptions.best_match([error])
            print(f"{file}: {best.json_path}: {best.message[:500]}")
    return 1 if wrong else 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
