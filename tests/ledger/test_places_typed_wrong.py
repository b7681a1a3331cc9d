"""A place that is typed wrongly, and an object that somebody has emptied: refused, and nothing is lost by it."""

from __future__ import annotations

import json

import pytest

from reconciler.cli.entry import call
from reconciler.model.errors import LedgerError
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_plan
from tests.ledger.small_s3 import SmallS3
from tests.ledger.stores import home_at
from tests.rig import TOKEN, Rig, plain


@pytest.mark.parametrize("place", ["s3:/led/x", "s3:led", "https:/states.example/x", "sqlite:/tmp/x.db", "gs:x"])
@pytest.mark.parametrize("way", ["flag", "environment", "file"])
def test_a_scheme_without_its_slashes_is_no_path(place: str, way: str, tmp_path, monkeypatch, capsys):
    """64: a new and empty ledger in a folder called `s3:` would make every build nobody's."""
    for name in ("CI", "RECONCILER_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    configured = f"ledger: {place}\n" if way == "file" else ""
    (tmp_path / "reconciler.yaml").write_text(f"server: http://127.0.0.1:9\nprojects: [yaml]\n{configured}", "utf-8")
    (tmp_path / "a.json").write_text(json.dumps(plain("a")), "utf-8")
    if way == "environment":
        monkeypatch.setenv("RECONCILER_LEDGER", place)
    before = sorted(tmp_path.iterdir())
    assert call(["apply", str(tmp_path), "--yes", *(["--ledger", place] if way == "flag" else [])]) == 64
    assert "://" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("body", [b"", b"\n", b"<html>", b"\xff\xfe"])
def test_an_object_that_somebody_has_emptied_is_listed_and_not_taken_for_none(body: bytes):
    """What a fence leaves of a project without a document has its number; anything else was a document."""
    with SmallS3() as store:
        home = home_at(store.environ)
        home.write("yaml", "text", None, "")
        (key,) = [key for key in store.objects if key.endswith("/yaml.json")]
        store.objects[key] = (body, 0.0)
        assert home.projects() == ["yaml"]
        if not body.strip() or body == b"\xff\xfe":
            with pytest.raises(LedgerError, match="is damaged"):
                home.read("yaml")
        assert store.objects[key][0] == body


def test_a_quiet_plan_says_why_it_was_made_without_the_ledger(rig: Rig):
    """Else a run ends with 1 and nothing says why."""
    rig.write(plain("a"))
    rig.ledger.write_bytes(b"no ledger of ours " * 99)
    text = render_plan(rig.plan(), Style(Ink(), quiet=True))
    assert "planned without it" in text
    assert text.splitlines()[-1] == "Plan: 1 to create, 0 unchanged."
