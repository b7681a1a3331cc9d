"""A name and a value → whether the value is likely a secret, and no reference, placeholder, path or name.

Everything here looks at one word of at most `LONGEST` characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter

LONGEST = 256
"""Characters of a value that are looked at."""

_PASSWORD = re.compile(r"passw|pass_?(?:phrase|code)|pwd|(?:^|[_.-])pass$|(?-i:[a-z]Pass$)", re.IGNORECASE)
_TOKEN = re.compile(
    r"secret|token(?!i[sz])|credential|(?:^|[_.-])auth$"
    r"|(?:ssh|access|api|auth|sign(?:ing)?|deploy|private|encrypt(?:ion)?|master|account|license)[_.-]?key",
    re.IGNORECASE,
)
SOUNDS_SECRET = re.compile(f"{_PASSWORD.pattern}|{_TOKEN.pattern}", re.IGNORECASE)
"""What stands in names that sound secret; `$` is the end of the name."""

_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ABOUT = re.compile(
    "names?|refs?|ids?|files?|paths?|dir|ur[il]|addr|address|type|kind|length|len|ttl|expiry|expires?|expiration|age"
    "|timeout|env|var|variable|policy|count|size|enabled?|disabled|required|prompt|field|param|parameter|header|label"
    "|class|provider|manager|store|mount|stdin|issuer|endpoint|server|host|port|version|format|regex|pattern|min|max"
    "|limit|mode|scopes?|service|registry|repo|image|engine|backend|role|user|username|namespace|volume|secretname|hint"
    "|encryption|hash|method|algorithm|strategy|rotation|validation|check",
    re.IGNORECASE,
)
"""Last parts of names that say something about a secret and do not hold it."""

_REFERENCE = re.compile(
    r"\$\{[^}]*+\}?|\$\([^)]*+\)?|\$[A-Za-z_]\w*+|\$[0-9@*#?!]|\{\{[^}]*+\}{0,2}|<[^>]*+>|`[^`]*+`?|#\{[^}]*+\}?"
    r"|%[A-Za-z_]\w*+%|@[A-Za-z_]\w*+@|%[sdv]"
)
_PLACEHOLDER = re.compile(
    "true|false|yes|no|on|off|none|null|nil|undefined|empty|unset|default|required|optional|string|str|text|bool|boolean"
    "|int|integer|number|any|bytes|object|todo|tbd|fixme|test|testing|dummy|fake|foo|bar|foobar|baz|example|sample"
    "|placeholder|redacted|masked|hidden|sensitive|omitted|removed|secrets?|tokens?|passwords?|passwd|pass|passphrase"
    "|pwd|credentials?|apikey|key|value|variable|env|environ|environment|invalid|missing|wrong|expired|changed"
    "|incorrect|write|read|vault|file|stdin|prompt|ask|self|this",
    re.IGNORECASE,
)
_PLACING = re.compile(
    r"(?:your|change|replace|insert|enter)[\w.-]*+|(?:my|some|the|put|fill|set)[_.-][\w.-]*+"
    r"|<.*|.*(?:example|placeholder|redacted|change[_-]?(?:me|it)|dummy).*",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"(?:[~.]{0,2}/|[A-Za-z]:[\\/]|[\w.-]++/)[\w./\\@+-]*+"
    r"|[\w.-]+\.(?:txt|json|ya?ml|pem|key|crt|env|sh|py|js|ts|conf|cfg|properties)"
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:/")
_WORDS = re.compile(r"(?>(?:[A-Za-z]*[0-9]{0,2}|v?[0-9]{1,14})(?:[_.:/+-]|\Z))*+")
_PIECES = re.compile(r"(?>(?:[A-Za-z]*[0-9]{0,4}[A-Za-z]?|[0-9]{1,14})(?:[_.:/+=-]|\Z))*+")
"""Words as they stand in names, and in the paths, options and versions that names are put together to."""

_CODE = re.compile(r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)+")
_HEX = re.compile(r"[0-9a-fA-F-]+")
_SHORTEST_PASSWORD, _SHORTEST_NUMBER, _SHORTEST_TOKEN, _SHORTEST_RANDOM = 4, 6, 8, 20
_FEW = 3
"""Different characters that a secret has at least."""
_BITS, _BITS_OF_HEX = 3.6, 2.8
"""Entropy of a character in what a machine has drawn."""


def holds_secret(name: str, value: str, *, exact: bool = True) -> bool:
    """Tell whether a value under a name is likely a secret.

    Args:
        name: of a variable, a key, an option.
        value: without quotes.
        exact: it is a value and nothing else; False where it may as well be a word of code or prose.
    """
    value = value[:LONGEST].rstrip("=")
    parts = _NAME_PARTS.findall(name)
    if (parts and _ABOUT.fullmatch(parts[-1])) or not is_literal(value):
        return False
    if _PASSWORD.search(name):
        wordlike = value.replace("-", "_").isidentifier() and not _is_mixed(value)
        shortest = _SHORTEST_NUMBER if value.isdigit() else _SHORTEST_PASSWORD
        return len(value) >= shortest and (exact or not wordlike)
    return _TOKEN.search(name) is not None and len(value) >= _SHORTEST_TOKEN and not _is_name(value)


def is_literal(value: str) -> bool:
    """Tell whether a text can be a secret at all: it is no reference, placeholder, path, address or code."""
    bare = _REFERENCE.sub("", value := value[:LONGEST])
    if bare != value and len(bare) < _SHORTEST_TOKEN:
        return False
    if any(map(str.isspace, bare)) or len(set(bare.lower())) < _FEW:
        return False
    if _PLACEHOLDER.fullmatch(bare) or _PLACING.fullmatch(bare) or _ADDRESS.match(bare):
        return False
    return is_random(bare) or not (_PATH.fullmatch(bare) or _CODE.fullmatch(bare))


def is_random(word: str) -> bool:
    """Tell whether a word is long and looks as if a machine had drawn it."""
    if len(word) < _SHORTEST_RANDOM or word[0] == "/" or not _is_mixed(word) or _PIECES.fullmatch(word):
        return False
    counts = Counter(word)
    bits = -sum(count / len(word) * math.log2(count / len(word)) for count in counts.values())
    return bits >= (_BITS_OF_HEX if _HEX.fullmatch(word) else _BITS)


def _is_name(value: str) -> bool:
    """Tell whether a value is made of words as the name of something is: `harbor-pull-secret-2`, `DB_PASSWORD`."""
    return not _is_mixed(value) or _WORDS.fullmatch(value) is not None


def _is_mixed(value: str) -> bool:
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))
