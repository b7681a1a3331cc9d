"""Plans that no server was asked for: every text in them the same hostile one, or as many builds as wanted."""

from __future__ import annotations

from reconciler.model.change import Change, ChangeKind
from reconciler.model.live import Stamps
from reconciler.model.problem import Place, Problem
from reconciler.plan.step import Action, Block, Blocked, Plan, PlannedLoss, Step, Trouble

HOSTILE = (
    "```\n</details>\n# heading\n",
    "`````` six",
    "<script>alert(1)</script>",
    "</code></summary></details>",
    "@everyone @org/team #12 !7",
    "[a](https://evil.example) ![b](https://evil.example/x.png) https://evil.example",
    "| a | b |\n|---|---|\n",
    "<!-- hidden ]]>",
    "\x1b[31mred\r\u202egnp\x00\ufffe\ud800",
    "&lt;b&gt; &#96;",
    "::error file=x::forged",
    "x\n::set-env name=PATH::/evil\n  ::add-mask::a\r::stop-commands::z",
    "before ##[add-path]/evil",
    '"##[error]quoted',
    "<##[error]marked",
    "100%25,a:b%0A",
    "../../etc/passwd",
)


def change(kind: ChangeKind, before: object, after: object, text: str) -> Change:
    return Change(f"parameters[{text}].default_value", kind, before, after, text=isinstance(after, str))  # type: ignore[arg-type]


def changes(text: str) -> tuple[Change, ...]:
    """One of every kind, text of many lines and whole elements among them."""
    whole = {"key": text, "choice_option": [text, text], "inputs": [{"name": text}]}
    return (
        change(ChangeKind.CHANGED, f"a\n{text}\nb", f"a\n{text}\nc\n{text}", text),
        change(ChangeKind.CHANGED, text, f"{text}x", text),
        change(ChangeKind.ADDED, None, [whole], text),
        change(ChangeKind.REMOVED, whole, None, text),
        change(ChangeKind.MOVED, [text, "b"], ["b", text], text),
        change(ChangeKind.RELEASED, None, text, text),
        change(ChangeKind.RELEASED, None, [whole], text),
        change(ChangeKind.UNVERIFIABLE, None, text, text),
        Change(text, ChangeKind.UNVERIFIABLE, after_known=False),
        Change(text, ChangeKind.CHANGED, sensitive=True),
        Change(text, ChangeKind.CHANGED, None, text, before_known=False),
    )


def step(action: Action, text: str, name: str = "", *, blocked: bool = False) -> Step:
    place = None if action is Action.DELETE else Place(f"{text}.yaml", 7, 3)
    return Step(
        action,
        text,
        name or f"{text}{action.value}{blocked}",
        text,
        place=place,
        live=None if action is Action.CREATE else Stamps(1_700_000_000, text),
        blocked=Blocked(Block.LOSS, text, text) if blocked else None,
        changes=() if action in (Action.DELETE, Action.KEEP) else changes(text),
        losses=(PlannedLoss(text, text, "0" * 12),) if blocked else (),
        notes=(text,),
        old=(text, text) if action is Action.CREATE else None,
    )


def hostile(text: str) -> Plan:
    """Every action, blocked and not, with one text in every field."""
    steps = [step(action, text, blocked=blocked) for action in Action for blocked in (False, True)]
    return Plan(
        tuple(steps),
        (Trouble("incomplete", text, text),),
        (text,),
        orphans=((text, text),),
        refusals=(Trouble("prune", text, text),),
    )


def problems(text: str) -> list[Problem]:
    """Problems with one text in every field, one of a file without a line."""
    return [
        Problem(Place(f"{text}.yaml", 3, 5), text, text, "unknown-key", text, 4),
        Problem(Place(f"{text}.yaml", 9, 1), f"{text} again", "", "wrong-type"),
        Problem(Place(f"{text}.d"), text, text, "unreadable"),
    ]


def many(count: int, *, lines: int = 1) -> Plan:
    """As many builds, of every action in turn, a script of some lines in each."""
    actions = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.CONVERT)
    script = Change("build_script", ChangeKind.CHANGED, "make\n", "make it\n" * lines, text=True)
    return Plan(
        tuple(
            Step(
                actions[n % 4],
                f"p{n * 3 // count}",
                f"build-{n:05}",
                "differs",
                Place(f"b/{n}.yaml", 1, 1),
                changes=(script,),
            )
            for n in range(count)
        )
    )
