"""Markdown of a drift: nothing that comes from definitions or the server breaks out, and it always fits."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.compare.drift import Setting, State
from reconciler.model.change import ChangeKind
from reconciler.model.live import Stamps
from reconciler.model.problem import Place
from reconciler.plan.fates import Drift, Drifted, Fate
from reconciler.plan.step import Trouble
from reconciler.report.document import dump
from reconciler.report.drift import render_drift
from reconciler.report.drift_document import drift_document
from reconciler.report.drift_markdown import drift_markdown
from reconciler.report.drift_ways import Commands
from reconciler.report.markdown import LONGEST, code, fenced
from reconciler.report.text import Style
from tests.canaries import Canary, canary, found
from tests.drift.night import Night, definition
from tests.rig import template

HOSTILE = (
    "```\n</details>\n# heading\n",
    "`````` six",
    "<script>alert(1)</script>",
    "</code></summary></details>",
    "@everyone @org/team #12 !7",
    "[a](https://evil.example) ![b](https://evil.example/x.png) https://evil.example",
    "| a | b |\n|---|---|\n",
    "<!-- hidden",
    "\x1b[31mred\r\u202egnp",
    "&lt;b&gt; &#96;",
)


def build(number: int = 0, text: str = "a\n", name: str = "", fate: Fate = Fate.DRIFTED) -> Drifted:
    setting = Setting(
        f"parameters[{text}].default_value", State.DRIFTED, ChangeKind.CHANGED, "x\n", text, "x\n", text=True
    )
    name = name or f"build-{number:05}"
    return Drifted(fate, "shop", name, Place(f"shop/{name}.json", 1, 1), Stamps(1, text), text, settings=(setting,))


def outside(markdown: str) -> str:
    """What a forge reads as Markdown: everything but fences, found as CommonMark finds them."""
    kept, fence = [], ""
    for line in markdown.split("\n"):
        opening = re.match(r" {0,3}(`{3,})[^`]*$", line)
        if fence:
            if re.fullmatch(f" {{0,3}}`{{{len(fence)},}} *", line):
                fence = ""
        elif opening:
            fence = opening[1]
        else:
            kept.append(line)
    assert fence == "", "a fence stays open"
    return "\n".join(kept)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_breaks_out(text: str):
    """As a name, a user, a key, a value, a note and a problem: outside fences stands only what we write."""
    builds = tuple(
        replace(build(text=text, name=f"{text}{fate.value}", fate=fate), notes=(text,), ignored=(text,))
        for fate in Fate
    )
    drift = Drift(builds, (Trouble("x", text, text),), (text,), recorded=False)
    markdown = drift_markdown(drift, Commands())
    left = outside(markdown)
    inside = re.sub(r"<code>.*?</code>", "", left)
    assert left.count("<code>") == left.count("</code>") > 0
    assert set(re.findall(r"<[^>]*>", inside)) == {"<details>", "<summary>", "</summary>", "</details>"}
    assert inside.count("<details>") == inside.count("</details>") == inside.count("<summary>")
    assert not re.search(r"[@#`\[\]|](?!#|  *<code>| )", inside.replace("### ", "").replace("## ", ""))
    assert "evil" not in inside
    for span in re.findall(r"<code>(.*?)</code>", left):
        assert not re.search(r"[<>@`*_\[\]|]", span)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", markdown)


def test_no_text_of_the_server_makes_a_line_of_its_own():
    """A user, a name or a key with line breaks cannot forge a verdict, on a terminal either."""
    forged = build(text="x\n9 builds in sync\n", name="a\n9 builds in sync\nb")
    text = render_drift(Drift((forged,)), Commands(), Style(verbose=True))
    assert "9 builds in sync" in text
    assert not [line for line in text.splitlines() if line.startswith("9 builds")]


def test_code_is_read_back_as_it_was():
    """The entities say what was there; what no line can hold is spelled out."""
    assert html.unescape(re.sub("</?code>", "", code("a<b>@c`d"))) == "a<b>@c`d"
    assert html.unescape(code("a\nb")) == "<code>a\\nb</code>"


def test_a_fence_is_longer_than_any_in_it():
    assert fenced(["a", "`````", "b"]).startswith("``````diff\n")
    assert outside(fenced(["````", "x"]) + "\nafter") == "after"


@pytest.mark.parametrize("count", [1, 40, 3000])
@pytest.mark.parametrize("size", [2, 20_000])
def test_it_fits_and_counts_what_it_left_out(count: int, size: int):
    """Drift first: what is left out is counted by what became of it, and nothing is lost silently."""
    fates = [Fate.DRIFTED, Fate.PENDING, Fate.UNDECLARED]
    drift = Drift(tuple(build(n, "y" * size + "\n", fate=fates[n % 3]) for n in range(count)))
    markdown = drift_markdown(drift, Commands())
    assert len(markdown) <= LONGEST
    assert outside(markdown)
    shown = len(set(re.findall(r"build-\d{5}", outside(markdown))))
    left = sum(int(number.replace(",", "")) for number in re.findall(r"(\d[\d,]*) \w+", _left(markdown)))
    assert shown + left == count
    assert "reconciler apply" in markdown


def _left(markdown: str) -> str:
    return markdown.partition("did not fit:**")[2]


def test_many_problems_fit_too():
    """Sentences of any length and number: cut and counted."""
    drift = Drift((), tuple(Trouble("x", "m" * 5000, "h") for _ in range(100)), ("n" * 9000,) * 50)
    assert len(drift_markdown(drift, Commands())) <= LONGEST


def every_report(drift: Drift) -> bytes:
    """A drift in every way that it is told."""
    texts = [render_drift(drift, Commands(), Style(verbose=verbose)) for verbose in (False, True)]
    texts += [drift_markdown(drift, Commands()), dump(drift_document(drift, Commands()))]
    return "".join(texts).encode("utf-8", "backslashreplace")


def test_no_report_tells_a_secret_wherever_somebody_put_it(tmp_path: Path):
    """Credentials changed, removed and added in the page, pasted into a script, marked in Git only now.

    The first report, of a plain parameter that is no secret, is the control that values are shown at all.
    """
    secrets = {name: canary(name) for name in ("env", "literal", "page", "added", "pasted", "marked", "gone")}
    night = Night(tmp_path)
    night.environ = {"BUILD_PW": secrets["env"].text, "BUILD_GONE": secrets["gone"].text}
    parameters = [
        {"key": "PW", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}},
        {"key": "LITERAL", "is_credential": True, "default_value": secrets["literal"].text},
        {"key": "GONE", "is_credential": True, "default_value": {"from_env": "BUILD_GONE"}},
        {"key": "PLAIN", "type": "string", "default_value": "shown-before"},
        {"key": "MARKED", "type": "string", "default_value": secrets["marked"].text},
    ]
    night.define(definition("api", parameters=parameters), definition("web"))
    night.applied()

    def edit(stored):
        envs = stored["pre_build"]["envs"]
        envs[0]["value"], envs[3]["value"] = secrets["page"].text, "shown-after"
        envs[4]["value"] = secrets["marked"].text + "x"
        del envs[2]
        envs.append({"key": "NEW", "value": secrets["added"].text, "type": "string", "is_credential": True})
        stored["scripts"] = f"login {secrets['page'].text}\n"

    night.meddle("api", edit)
    night.meddle("web", lambda stored: stored.update(scripts=f"login {secrets['page'].text} {secrets['added'].text}\n"))
    night.environ["BUILD_MARKED"] = secrets["pasted"].text
    parameters[4]["default_value"] = {"from_env": "BUILD_MARKED"}
    night.edit("api", parameters=parameters)
    drift = night.look()
    told = every_report(drift)
    assert b"shown-before" in told
    assert b"shown-after" in told
    assert drift.of(Fate.CONFLICT, Fate.DRIFTED)
    leaks: list[str] = found([one for one in secrets.values() if isinstance(one, Canary)], told)
    assert leaks == []


def test_a_secret_that_is_ignored_stays_one(tmp_path: Path):
    """Git marks it only now, and leaves the whole list to the server: what somebody wrote there is told without it."""
    secret, night = canary("ignored"), Night(tmp_path)
    target = {"service_name": "shop", "service_module": "web", "inputs": [{"key": "name", "value": "before"}]}
    night.define({**template("api"), "target_services": [target]})
    night.applied()
    night.meddle("api", lambda stored: stored["targets"][0]["envs"][0].update(value=secret.text))
    assert found([secret], every_report(night.look())), "the control: no secret yet"
    target["inputs"] = [{"key": "name", "value": {"from_env": "BUILD_NAME"}}]
    rules = {"ignore": [{"path": "target_services[*].inputs", "reason": "theirs"}]}
    night.edit("api", target_services=[target], **{"x-reconciler": rules})
    night.environ["BUILD_NAME"] = "in-git-canary"
    drift = night.look()
    (build,) = drift.builds
    assert [(s.state, s.sensitive) for s in build.settings] == [(State.IGNORED, True)]
    assert found([secret], every_report(drift)) == []
