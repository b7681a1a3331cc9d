"""Pieces of SVG: runs of text with a class each, on a sheet that grows downwards.

Nothing is taken from outside: no font, no picture, no link. Colours stand in one style, for light and dark.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
PROSE = "-apple-system,BlinkMacSystemFont,'Segoe UI',Helvetica,Arial,sans-serif"


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one kind. `kind`: a class of the style, "" for what its line is."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Colours:
    """Class → colour, on a light and on a dark screen; a picture that is the same on both has only `light`."""

    light: Mapping[str, str]
    dark: Mapping[str, str] = field(default_factory=dict)

    def rules(self) -> str:
        dark = _rules(self.dark)
        return _rules(self.light) + (f"@media (prefers-color-scheme:dark){{{dark}}}" if dark else "")


def _rules(colours: Mapping[str, str]) -> str:
    return "".join(f".{kind}{{fill:{colour}}}" for kind, colour in colours.items())


@dataclass(slots=True)
class Sheet:
    """A picture that grows downwards. Lengths are in pixels."""

    width: int
    height: float = 0
    pieces: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, runs: Sequence[Run], kind: str, length: float = 0) -> None:
        """Put a line of text; with a length it is exactly as long, whatever the font."""
        spans = "".join(
            f'<tspan class="{run.kind}">{escaped(run.text)}</tspan>' if run.kind else escaped(run.text) for run in runs
        )
        exactly = f' textLength="{length:g}" lengthAdjust="spacingAndGlyphs"' if length else ""
        self.pieces.append(f'<text class="{kind}" x="{x:g}" y="{y:g}"{exactly}>{spans}</text>')

    def box(self, x: float, y: float, width: float, height: float, kind: str, *, corner: float = 6) -> None:
        self.pieces.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{corner:g}"/>'
        )

    def picture(self, title: str, description: str, style: str) -> str:
        """Return the whole file."""
        size = f"{self.width} {self.height:g}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{self.width}" '
            f'height="{self.height:g}" xml:space="preserve" role="img" aria-labelledby="title description">'
        )
        told = f'<title id="title">{escaped(title)}</title>\n<desc id="description">{escaped(description)}</desc>'
        return "\n".join([head, told, f"<style>{style}</style>", *self.pieces, "</svg>"]) + "\n"


def escaped(text: str) -> str:
    return html.escape(text, quote=False)
