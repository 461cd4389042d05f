"""Puts values that serializers have made into index.json: lines of JSON with name, version, headers and value, on standard input."""

import json
import pathlib
import sys

INDEX = pathlib.Path(__file__).resolve().parent / "index.json"


def written(golden):
    """A value with a line for each member."""
    members = (f"    {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in golden.items())
    return "  {\n" + ",\n".join(members) + "\n  }"


def main():
    index = json.loads(INDEX.read_text(encoding="utf-8"))
    known = {golden["name"]: golden for golden in index}
    for line in sys.stdin:
        made = json.loads(line)
        golden = known.get(made["name"]) or sys.exit(f"{made['name']} is not in index.json: add it with its setting first")
        golden.update({member: made[member] for member in ("version", "headers", "value")})
    INDEX.write_text("[\n" + ",\n".join(map(written, index)) + "\n]\n", encoding="utf-8")


main()
