"""Ordinary texts (scripts, parameters, build arguments) → where something looks like a secret, and like which.

    text ─► lines with a hint ─► forms that are known: tokens of well-known services, private keys
                              ─► where only secrets stand: in addresses, in headers
                              ─► commands that are given a password
                              ─► names that sound secret, and what stands behind them

What is found is never told: a line and what it looks like is all that leaves. A line costs time in proportion
to its length: every expression is possessive or bounded, and begins once per word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.export.commands import gives_password
from reconciler.export.secretlike import LONGEST, SOUNDS_SECRET, holds_secret, is_literal, is_random

UNDER_NAME = "a value under a name that sounds secret"
BESIDE_NAME = "a long random word beside a name that sounds secret"
GIVEN = "a password given on the command line"
IN_ADDRESS = "a password in an address"

_HINTS = (
    *("pass", "pwd", "secret", "token", "credential", "key", "auth", "bearer", "login", "curl", "redis-cli", "mysql"),
    *("maria", "mongo", "ldap", "sqlcmd", "zip", "7z", "://", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat", "glptt", "gldt", "glrt", "glcbt", "gloas", "glsoat", "glft", "glagent", "glimt", "xox", "akia", "asia"),
    *("ltai", "akid", "aiza", "gocspx", "sk-", "k_live_", "npm_", "pypi-", "dckr_", "hvs.", "hvb.", "sg.", "sqa_"),
    *("squ_", "sqp_", "eyj", "hook", "robot"),
)
"""What a line has one of, in small letters, that is worth a closer look; an address only with a user."""

_KNOWN = [
    (what, re.compile(rf"(?<![A-Za-z0-9_-])(?:{form})"))
    for what, form in (
        ("a GitHub token", r"gh[pousr]_([A-Za-z0-9]{36,}+)|github_pat_([A-Za-z0-9_]{22,}+)"),
        ("a GitLab token", r"gl(?:pat|ptt|dt|rt|cbt|oas|soat|ft|agent|imt)-([\w-]{20,}+)"),
        ("a Slack token", r"xox[abeoprs]-([A-Za-z0-9-]{10,}+)"),
        ("an AWS access key", r"(?:AKIA|ASIA)([0-9A-Z]{16})(?![0-9A-Z])"),
        ("an Alibaba Cloud access key", r"LTAI([A-Za-z0-9]{12,24})(?![A-Za-z0-9])"),
        ("a Tencent Cloud access key", r"AKID([A-Za-z0-9]{32})(?![A-Za-z0-9])"),
        ("a Google API key", r"AIza([\w-]{35})(?![\w-])|GOCSPX-([\w-]{28})"),
        ("an API key", r"sk-([A-Za-z0-9_-]{20,}+)|[rs]k_live_([A-Za-z0-9]{20,}+)"),
        ("an npm token", r"npm_([A-Za-z0-9]{36})(?![A-Za-z0-9_])"),
        ("a PyPI token", r"pypi-([\w-]{50,}+)"),
        ("a Docker token", r"dckr_[a-z]{2,4}_([\w-]{20,}+)"),
        ("a Vault token", r"hv[sb]\.([\w-]{24,}+)"),
        ("a SendGrid key", r"SG\.([\w-]{16,}+\.[\w-]{16,}+)"),
        ("a SonarQube token", r"sq[apu]_([0-9a-f]{40})"),
        ("a JSON Web Token", r"eyJ[\w-]{8,}+\.(eyJ[\w-]{8,}+\.[\w-]{8,}+)"),
    )
]
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_ADDRESS = re.compile(r"""://([^\s/?#@:"'`<>|]*+)(?::([^\s/@"'`|]*+))?+@""")
_HOOK = re.compile(
    r"(?:hooks\.slack\.com/(?:services|workflows)/|/cgi-bin/webhook/send\?key=|/open-apis/bot/v2/hook/"
    r"|/robot/send\?access_token=|discord(?:app)?\.com/api/webhooks/)([\w/-]{16,256})"
)
_HEADER = re.compile(
    r"""authorization["']?\s{0,8}[:=]\s{0,8}["']?(?:bearer|basic|token)\s{1,8}([^\s"'\\,;]{6,256})""", re.IGNORECASE
)
_BEARER = re.compile(r"""\bbearer\s{1,8}([^\s"'\\,;]{16,256})""", re.IGNORECASE)

_ASSIGNED = re.compile(r"""(?<![\w.-])([\w.-]++)(\\?["']\]?)?+(\s*+)(=>|:=|=(?![=~>])|:(?![:=/\\]))(\s*+)""")
_VALUE = re.compile(
    rf"""\\?"([^"\\]{{0,{LONGEST}}})|\\?'([^'\\]{{0,{LONGEST}}})|([^\s"';&|,()\[\]]{{1,{LONGEST}}}+)(\s*+[^\s,;&|#"')}}\]])?"""
)
_LONG = re.compile(rf"(?<![\w$:/@.+-])(?<!\d[=-])(?!(?i:sha\d|md5))[\w+/=-]{{20,{LONGEST}}}+")
_BESIDE = 120
"""Characters behind a name in which a random word belongs to it."""


def suspects(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line from 1, what it looks like) of everything in a text that looks like a secret; never any of it.

    Of a line what is known most precisely is told, each kind once.
    """
    small = text.lower()
    hints = [hint for hint in _HINTS if hint in small and (hint != "://" or "@" in text)]
    if not hints:
        return
    for number, (line, folded) in enumerate(zip(text.split("\n"), small.split("\n"), strict=True), 1):
        if any(hint in folded for hint in hints):
            for what in dict.fromkeys(_in_line(line)):
                yield number, what


def suspect_value(key: str, value: str) -> str:
    """Return what the value under a key looks like, "" where it looks like no secret."""
    found = next((what for _, what in suspects(value)), "")
    return found or (UNDER_NAME if holds_secret(key, value.strip()) else "")


def _in_line(line: str) -> list[str]:
    if known := [*_known(line)] or [*_placed(line)]:
        return known
    if gives_password(line):
        return [GIVEN]
    if _is_assigned(line):
        return [UNDER_NAME]
    return [BESIDE_NAME] if _is_beside(line) else []


def _known(line: str) -> Iterator[str]:
    """Yield what a line has in a form of its own, whatever stands around it."""
    for what, form in _KNOWN:
        if any(_is_drawn(next(filter(None, match.groups()))) for match in form.finditer(line)):
            yield what
    if _PRIVATE_KEY.search(line):
        yield "a private key"


def _placed(line: str) -> Iterator[str]:
    """Yield what stands where only secrets do: in addresses and headers."""
    for user, password in _ADDRESS.findall(line):
        if is_literal(password):
            yield IN_ADDRESS
        elif not password and is_literal(user) and is_random(user):
            yield "a token in an address"
    if any(map(_is_drawn, _HOOK.findall(line))):
        yield "an address of a webhook"
    if any(map(is_literal, _HEADER.findall(line))):
        yield "a password in a header"
    elif any(is_literal(word) and is_random(word) for word in _BEARER.findall(line)):
        yield "a bearer token"


def _is_drawn(word: str) -> bool:
    """Tell whether what stands behind a known prefix is no placeholder."""
    return is_literal(word) and (word.isupper() or any(map(str.isdigit, word)))


def _is_assigned(line: str) -> bool:
    """Tell whether a name that sounds secret gets a value: NAME=…, name: …, "name": … and the like."""
    for match in _ASSIGNED.finditer(line):
        name, quote, before, sign, after = match.groups()
        if len(name) > LONGEST or not SOUNDS_SECRET.search(name) or (sign == ":" and not (quote or after)):
            continue
        value = _VALUE.match(line, match.end())
        if value is None:
            continue
        double, single, bare, more = value.groups()
        if bare is None:
            if holds_secret(name, double or single or ""):
                return True
        elif not more or sign != ":":
            code = more and more.strip() in ("(", "[")
            if not code and holds_secret(name, bare, exact=sign == "=" and not (before or after)):
                return True
    return False


def _is_beside(line: str) -> bool:
    """Tell whether a long random word stands closely behind a name that sounds secret."""
    for name in SOUNDS_SECRET.finditer(line):
        for word in _LONG.findall(line, name.end(), name.end() + _BESIDE):
            if is_random(word) and is_literal(word):
                return True
    return False
