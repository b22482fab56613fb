"""Figures as SVG that takes the colours of the page: drawn by matplotlib, with their text as text.

Matplotlib writes the colours of INKS, which nothing else has, and they are replaced by the page's CSS variables: a
figure follows a light, a dark and a printed page without a script.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from medalist.agent.run.printable import printable_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOT_DRAWN = "Not drawn, since matplotlib is not installed: pip install matplotlib."
WIDTH, HEIGHT = 5.4, 3.3  # inches; at 72 points each, so that text of 10 points is readable on a phone
#: Names of the page's CSS variables → the colours that stand for them.
INKS: Mapping[str, str] = {
    name: f"#01{i:02x}07"
    for i, name in enumerate(
        ("ink", "muted", "line", "accent", "good", "bad", "warn", "gold", "silver", "bronze", "bg"), start=1
    )
}
_BY_COLOUR = {colour: name for name, colour in INKS.items()}
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "medalist",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INKS["muted"],
    "axes.labelcolor": INKS["muted"],
    "axes.unicode_minus": True,
    "xtick.color": INKS["muted"],
    "ytick.color": INKS["muted"],
    "text.color": INKS["ink"],
    "axes.grid": True,
    "grid.color": INKS["line"],
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "path.simplify": True,
}


def figure(
    name: str,
    title: str,
    described: str,
    draw: Callable[[Axes], Any],
    *,
    tips: Mapping[str, Sequence[str]] | None = None,
    height: float = HEIGHT,
) -> Markup:
    """A figure as a `<figure>` with inline SVG.

    name: of letters, unique on the page. described: its text alternative, which tells what is to be seen. draw: draws
    on the axes. tips: of collections of points by their gid, the text of each point, in the order drawn. Where
    matplotlib is not installed, a sentence says so in place of the picture; title and description stay.
    """
    caption = Markup("<figcaption><strong>{}</strong> {}</figcaption>").format(
        printable_line(title), printable_line(described)
    )
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        return Markup("<figure><p>{}</p>{}</figure>").format(NOT_DRAWN, caption)

    with matplotlib.rc_context(_SETTINGS):
        drawn = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(drawn)
        drawn.patch.set_visible(False)
        axes = drawn.add_subplot()
        axes.patch.set_visible(False)
        draw(axes)
        stream = io.StringIO()
        drawn.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    name = f"figure-{name}"  # sections have ids too
    svg = _cleaned(stream.getvalue(), name)
    for gid, texts in (tips or {}).items():
        svg = _with_tips(svg, f"{name}-{gid}", texts)
    label = Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
        name, printable_line(title), printable_line(described)
    )
    svg = re.sub(
        r"<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>",
        lambda m: f'<svg viewBox="{m[1]}" role="img" aria-labelledby="{name}-title {name}-desc">{label}',
        svg,
        count=1,
    )
    return Markup(f"<figure>{svg}{caption}</figure>")


def _cleaned(svg: str, name: str) -> str:
    """The `<svg>` element, its ids made unique, its colours those of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'xlink:href="#', f'href="#{name}-', svg).replace("url(#", f"url(#{name}-")
    svg = re.sub(r"; font-family: [^\";]*(?=[\";])|font: ([\d.]+px) [^;\"]*", _font, svg)
    svg = re.sub(r"#01[0-9a-f]{2}07\b", lambda m: f"var(--{_BY_COLOUR[m[0]]})", svg)
    return re.sub(r"\s*\n\s*", " ", svg)


def _font(match: re.Match[str]) -> str:
    return f"font-size: {match[1]}" if match[1] else ""


def _with_tips(svg: str, gid: str, texts: Sequence[str]) -> str:
    """The SVG with a title within each point of a collection, which browsers show and screen readers read."""
    begin = svg.find(f'<g id="{gid}"')
    if begin < 0:
        return svg
    waiting = iter(texts)

    def titled(match: re.Match[str]) -> str:
        text = next(waiting, None)
        return match[0] if text is None else f"{match[1]}><title>{escape(printable_line(text))}</title></use>"

    # the points are all `use` elements up to the end of the group, as no other group lies within theirs but their clips
    end = svg.find("</g> </g>", begin)
    end = len(svg) if end < 0 else end
    return svg[:begin] + re.sub(r"(<use [^>]*?)\s*/>", titled, svg[begin:end]) + svg[end:]


@functools.cache
def markers() -> Mapping[str, tuple[str, str]]:
    """(marker, colour) of experiments by their verdict."""
    return {
        "keep": ("o", INKS["good"]),
        "discard": ("x", INKS["muted"]),
        "pruned": ("|", INKS["muted"]),
        "crash": ("v", INKS["bad"]),
        "timeout": ("v", INKS["warn"]),
        "memory": ("v", INKS["bad"]),
    }
