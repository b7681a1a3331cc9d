"""Texts that repeat a credential: told for many credentials at once, exactly as one by one, and never printed."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.secret import MASK, Secret
from reconciler.server import wire
from reconciler.server.forms import SHORTEST
from reconciler.server.pasted import Pasted
from tests.test_properties import examples

CLEAR = 'S3cr€t "pass"&<word>'
KEY = "-----BEGIN KEY-----\nbGluZSBvbmU=\nabc\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "text",
    [
        f"curl -H 'X: {CLEAR}'",
        CLEAR,
        json.dumps({"a": CLEAR}),
        json.dumps(json.dumps(CLEAR)),
        f"https://u:{quote(CLEAR, safe='')}@host",
        base64.b64encode(CLEAR.encode()).decode(),
        base64.b64encode(f"user:{CLEAR}".encode()).decode(),
        base64.b64encode(f"users:{CLEAR}, and more".encode()).decode(),
        f"0x{CLEAR.encode().hex()}",
        f"0x{CLEAR.encode().hex().upper()}",
        "echo bGluZSBvbmU= | base64 -d",
        KEY.replace("\n", "\\n"),
    ],
)
def test_a_secret_is_found_in_every_form(text):
    """In clear, in JSON and JSON in JSON, in addresses, encoded, and line by line."""
    pasted = Pasted([Secret("other-secret"), Secret(CLEAR), Secret(KEY)])
    assert not pasted.repeats(pasted.masked(text))
    assert pasted.repeats(text)
    assert pasted.repeats(f"#!/bin/sh\n{text}\nmake")


@pytest.mark.parametrize("text", ["", "abc", "make", CLEAR[:-1], CLEAR[1:], CLEAR.swapcase(), "******** not shown"])
def test_what_is_no_secret_is_not_found(text):
    """Neither a part of one, nor a word too short to be known again, nor what the server masks itself."""
    secrets = [Secret(CLEAR), Secret("abc"), Secret("make"), Secret(""), Secret(None, "BUILD_X"), Secret("********")]
    assert not Pasted(secrets).repeats(text)
    assert not Pasted([]).repeats(text)


WORD = st.text("ab\n", min_size=1, max_size=9) | st.text('aé"\\ &%\n', max_size=9) | st.text(max_size=12)


@examples(400)
@given(st.lists(WORD, max_size=6), WORD, WORD, st.integers(0, 5), st.integers(0, 40))
def test_many_at_once_are_as_one_by_one(words, before, after, which, form):
    """For all secrets and texts the answer is that of looking for every form of every secret in the whole text."""
    secrets = [Secret(word) for word in words]
    forms = sorted({form for secret in secrets for form in wire.written(secret) if len(form) >= SHORTEST})
    pasted = Pasted(secrets)
    for text in (before, before + after, before + (forms[form % len(forms)] if forms else "") + after):
        assert pasted.repeats(text) == any(form in text for form in forms)
        left = pasted.masked(text)
        assert (left == text) == (not pasted.repeats(text)) or MASK in text
        assert not any(word in left for word in words if len(word) >= SHORTEST and MASK[0] not in word)
    if forms:
        assert pasted.repeats(forms[form % len(forms)])


def test_it_prints_no_secret():
    """Its text, its copy in a log and a traceback through it show none of what it holds, and it is never stored."""
    pasted = Pasted([Secret("hunter2-hunter2")])
    assert pasted.repeats("x hunter2-hunter2 y")
    try:
        pasted.repeats(None)
    except TypeError:
        shown = traceback.format_exc()
    for text in (repr(pasted), str(pasted), f"{pasted}", f"{[pasted]}", shown):
        assert "hunter2" not in text
    with pytest.raises(TypeError, match="never serialised"):
        pickle.dumps(pasted)
    with pytest.raises(TypeError, match="never serialised"):
        copy.copy(pasted)
