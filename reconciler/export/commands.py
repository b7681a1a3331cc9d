"""A line of a script → the passwords that its commands are given as arguments.

line ─► commands, each its words without quotes ─► options and what is behind them ─► what is a password
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from reconciler.export.secretlike import LONGEST, SOUNDS_SECRET, holds_secret, is_literal, is_random

_WORD = re.compile(r"""((?:"(?:[^"\\]|\\.)*+"|'[^']*+'|\\.|[^\s"'\\;|&])++)|([;|&]++)|["'\\]""")
_QUOTES = re.compile(r"""["']""")

_LOGINS = ("docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "crane", "oras", "az", "oc", "cf")
"""Commands whose `-p` is a password behind `login`."""

_SEPARATE = {
    "redis-cli": ("-a",),
    "ldapsearch": ("-w",),
    "ldapadd": ("-w",),
    "ldapmodify": ("-w",),
    "mongo": ("-p",),
    "mongosh": ("-p",),
    "mongodump": ("-p",),
    "mongorestore": ("-p",),
    "sshpass": ("-p",),
    "sqlcmd": ("-P",),
    "zip": ("-P",),
    "unzip": ("-P",),
}
"""Command → the options whose next word is a password."""

_GLUED = {
    "mysql": "-p",
    "mysqldump": "-p",
    "mysqladmin": "-p",
    "mariadb": "-p",
    "mariadb-dump": "-p",
    "sshpass": "-p",
    "7z": "-p",
    "7za": "-p",
}
"""Command → the option whose password is in the same word."""

_CURL, _CURL_USER = "curl", ("-u", "--user", "-U", "--proxy-user")
_COMMANDS = frozenset({_CURL}).union(_LOGINS, _SEPARATE, _GLUED)
_OPTION = re.compile(r"--([A-Za-z][\w.-]*+)(=?)(.*)", re.DOTALL)
_FROM_STDIN = ("--password-stdin", "--stdin")
_PRINTING = ("echo", "printf")
_SHORTEST = 4


def gives_password(line: str) -> bool:
    """Tell whether a command of the line is given a password: by an option, in a word, or piped into it."""
    if "--" not in line and not any(command in line for command in _COMMANDS):
        return False
    before: list[str] = []
    prose = line.lstrip().startswith(("#", "//"))
    for words in _commands(line):
        if any(_is_given(words)) or any(_options(words, exact=not prose)):
            return True
        if (
            before
            and before[0] in _PRINTING
            and any(word in _FROM_STDIN for word in words)
            and _is_password(before[-1])
        ):
            return True
        before = words
    return False


def _commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each command; of a word no more than what is looked at."""
    words: list[str] = []
    for word, sign in _WORD.findall(line):
        if word:
            words.append(_QUOTES.sub("", word[: LONGEST + 2]))
        elif sign:
            yield words
            words = []
    yield words


def _is_given(words: list[str]) -> Iterator[bool]:
    """Yield, for each word that a known command takes for a password or has one in, whether it is one."""
    command = next((name for word in words if (name := word.rpartition("/")[2]) in _COMMANDS), "")
    login = command in _LOGINS and "login" in words
    separate = ("-p",) if login else _SEPARATE.get(command, ())
    glued = "-p" if login else _GLUED.get(command)
    for word, following in pairwise([*words, ""]):
        if word in separate:
            yield _is_password(following)
        elif glued and word.startswith(glued):
            yield _is_password(word.removeprefix(glued).removeprefix("="))
        elif command == _CURL and word in _CURL_USER:
            yield _is_user(following)
        elif command == _CURL and word.startswith("-u"):
            yield _is_user(word.removeprefix("-u"))


def _options(words: list[str], *, exact: bool) -> Iterator[bool]:
    """Yield, for each long option that sounds secret, whether it holds one: `--password X`, `--api-token=X`."""
    for word, following in pairwise([*words, ""]):
        if word.startswith("--") and SOUNDS_SECRET.search(word) and (match := _OPTION.fullmatch(word)):
            name, sign, value = match.groups()
            if name != "secret" and not name.startswith("no-") and (sign or not following.startswith("-")):
                yield holds_secret(name, value if sign else following, exact=exact)


def _is_user(word: str) -> bool:
    """Tell whether user:password holds a password, or a token in place of the user."""
    user, sign, password = word.partition(":")
    return bool(sign) and (_is_password(password) or (is_literal(user) and is_random(user)))


def _is_password(word: str) -> bool:
    return len(word) >= _SHORTEST and is_literal(word)
