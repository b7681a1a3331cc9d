"""Reads the formats of a CI back, each as its consumer does, into the same facts.

A fact is (level, rule, text, path, line); where a format has no place for one, it is None.
The runner's reading of commands is a plain model of its source: "::name …::" after blanks, then "##[name …]" anywhere.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import unquote

COMMANDS = {
    "error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "add-matcher", "remove-matcher", "echo",
    "set-env", "set-output", "save-state", "add-path", "stop-commands", "internal-set-repo-path",
}  # fmt: skip
Fact = tuple[str | None, str, str, str | None, int | None]


def command(line: str) -> tuple[str, dict[str, str], str] | None:
    """What a runner takes a line for: name, properties, data."""
    bare = line.lstrip()
    if bare.startswith("::") and (end := bare.find("::", 2)) > 0:
        name, _, given = bare[2:end].partition(" ")
        if name.lower() in COMMANDS:
            pairs = dict(pair.split("=", 1) for pair in given.split(",") if "=" in pair)
            return (
                name,
                {key: _unescaped(value, "%3A", "%2C") for key, value in pairs.items()},
                _unescaped(bare[end + 2 :]),
            )
    start = line.find("##[")
    if start >= 0 and (end := line.find("]", start)) > 0:
        name = line[start + 3 : end].partition(" ")[0]
        if name.lower() in COMMANDS:
            return name, {}, line[end + 1 :]
    return None


def _unescaped(text: str, *more: str) -> str:
    for code in ("%0D", "%0A", *more, "%25"):
        text = text.replace(code, unquote(code))
    return text


def lines(text: str) -> list[str]:
    """Where a runner breaks: at every kind of line end."""
    return re.split(r"\r\n|\r|\n", text)


def github(text: str) -> list[Fact]:
    found = [command(line) for line in lines(text)]
    return [
        (name, of["title"], data, of.get("file"), int(of["line"]) if "line" in of else None)
        for name, of, data in filter(None, found)
    ]


def gitlab(text: str) -> list[Fact]:
    levels = {"major": "error", "minor": "warning"}
    return [
        (
            levels[e["severity"]],
            e["check_name"],
            e["description"],
            e["location"]["path"],
            e["location"]["lines"]["begin"],
        )
        for e in json.loads(text)
    ]


def sarif(text: str) -> list[Fact]:
    (run,) = json.loads(text)["runs"]
    return [_result(result, run["tool"]["driver"]["rules"]) for result in run["results"]]


def _result(result: dict[str, Any], rules: list[dict[str, Any]]) -> Fact:
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    where = result["locations"][0]["physicalLocation"]
    path = unquote(where["artifactLocation"]["uri"])
    return result["level"], result["ruleId"], result["message"]["text"], path, where.get("region", {}).get("startLine")


def junit(text: str) -> list[Fact]:
    """Failures and outputs, a finding per line: "place: rule: text"."""
    found: list[Fact] = []
    for case in ET.fromstring(text.encode()).iter("testcase"):
        for element in case:
            level = "error" if element.tag == "failure" else "warning"
            for told in (element.text or "").split("\n"):
                rule, _, rest = re.sub(r"^.*?:(\d+:\d+: )", "", told, count=1).partition(": ")
                found.append((level, rule, rest, None, None))
    return found
