"""candidate → champion: the dossier's plots as inline SVG, the same bytes for the same numbers.

Colours are the page's own custom properties, so a plot follows light and dark. Text stays text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loanbook.governance import reading
from loanbook.governance.reading import UnreadableFact

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Each stands for a custom property of the page: matplotlib wants a colour, the page knows which.
INK, FAINT, FIRST, SECOND = "#010101", "#020202", "#030303", "#040404"
COLOURS = {INK: "var(--ink)", FAINT: "var(--faint)", FIRST: "var(--first)", SECOND: "var(--second)"}
STYLE = {
    "svg.hashsalt": "loanbook",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib brings it: the same measure on every machine
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def numbers(curve: Mapping[str, Any], name: str) -> list[float]:
    """Read a list of finite numbers."""
    values = reading.at(curve, name)
    if not isinstance(values, list | tuple) or not values:
        raise UnreadableFact(f"{name} holds nothing")
    return [reading.finite(value, name) for value in values]


def roc(curve: Mapping[str, Any]) -> str:
    """Draw the share of bads found over the share of goods refused."""
    fpr, tpr = numbers(curve, "fpr"), numbers(curve, "tpr")
    _alike(fpr, tpr)

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1)
        axes.plot(fpr, tpr, color=FIRST, linewidth=2)
        axes.set(xlabel="goods refused", ylabel="bads found", xlim=(0, 1), ylim=(0, 1))

    return _draw(paint, (4.2, 3.8))


def reliability(bands: Sequence[Mapping[str, Any]]) -> str:
    """Draw the bad rate of each score band, with its interval, over what was predicted for it."""
    if not bands:
        raise UnreadableFact("reliability holds nothing")
    said = [reading.number(band, "mean_pd") for band in bands]
    came = [reading.number(band, "bad_rate") for band in bands]
    ends = [numbers(band, "bad_rate_interval") for band in bands]
    _alike((0, 1), *ends)
    top = max(*said, *(high for _, high in ends), 0.01) * 1.05

    def paint(axes: Axes) -> None:
        axes.plot([0, top], [0, top], color=FAINT, linestyle="--", linewidth=1)
        axes.vlines(said, *zip(*ends, strict=True), color=FIRST, linewidth=1)
        axes.plot(said, came, color=FIRST, marker="o", linewidth=1.5)
        axes.set(xlabel="predicted PD", ylabel="bad rate", xlim=(0, top), ylim=(0, top))

    return _draw(paint, (4.2, 3.8))


def distribution(curve: Mapping[str, Any]) -> str:
    """Draw the scores of the fit and the report sample, as shares of each."""
    edges, fit, report = (numbers(curve, name) for name in ("edges", "fit", "report"))
    _alike(fit, report, edges[1:])
    if not all(sum(part) > 0 for part in (fit, report)):
        raise UnreadableFact("a distribution without rows")

    def paint(axes: Axes) -> None:
        for part, colour, dash, name in ((fit, FIRST, "-", "fit"), (report, SECOND, "--", "report")):
            whole = sum(part)
            shares = [value / whole for value in part]
            axes.stairs(shares, edges, color=colour, linestyle=dash, linewidth=1.8, label=name)
        axes.set(xlabel="predicted PD", ylabel="share of rows")
        axes.legend()

    return _draw(paint, (6.4, 3.2))


def vintages(months: Sequence[Mapping[str, Any]]) -> str:
    """Draw the bad rate of each month whose outcomes are mature."""
    if not months:
        raise UnreadableFact("vintages hold nothing")
    names = [reading.text(month, "month") for month in months]
    rates = [_mature_rate(month) for month in months]

    def paint(axes: Axes) -> None:
        axes.bar(range(len(names)), [rate or 0.0 for rate in rates], color=FIRST)
        step = max(1, len(names) // 8)
        axes.set_xticks(range(0, len(names), step), names[::step], rotation=45, ha="right")
        axes.set(ylabel="bad rate", xlim=(-0.6, len(names) - 0.4))

    return _draw(paint, (6.4, 3.2))


def economics(weighed: Mapping[str, Any]) -> str:
    """Draw bad rate and profit per application over the approval rate, and where the cut-off stands."""
    points = reading.at(weighed, "points")
    if not points:
        raise UnreadableFact("economics hold no cut-off")
    kind = "realised" if reading.at(points[-1], "realised_profit") is not None else "expected"
    some = [point for point in points if reading.count(point, "approved")]
    share, rate = ([reading.number(point, name) for point in some] for name in ("approval_rate", "bad_rate"))
    profit = [reading.at(point, f"{kind}_per_application") for point in some]
    chosen = [reading.number(point, "approval_rate") for point in points if reading.flag(point, "chosen")]

    def paint(axes: Axes) -> None:
        axes.plot(share, rate, color=FIRST, linewidth=1.8, label="bad rate")
        axes.set(xlabel="approved", ylabel="bad rate", xlim=(0, 1), ylim=(0, None))
        for place in chosen:
            axes.axvline(place, color=FAINT, linestyle=":", linewidth=1.5, label="cut-off")
        if None not in profit:
            other = axes.twinx()
            other.plot(share, profit, color=SECOND, linestyle="--", linewidth=1.8)
            axes.plot([], [], color=SECOND, linestyle="--", label=f"{kind} profit per application")
            other.set(ylabel="profit")
            other.spines["right"].set_visible(True)
        axes.legend(loc="upper left")

    return _draw(paint, (6.4, 3.6), right=0.85)


def qini(curve: Mapping[str, Any]) -> str:
    """Draw what targeting adds, by uplift and by response, over the share of customers that it reaches."""
    drawn = {name: [numbers(curve[name], part) for part in ("share", "gain")] for name in sorted(curve)}
    if set(drawn) != {"uplift", "response"}:
        raise UnreadableFact(f"the curve is of {', '.join(drawn)}")
    for share, gain in drawn.values():
        _alike(share, gain)
    end = drawn["uplift"][1][-1]

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, end], color=FAINT, linestyle=":", linewidth=1.2, label="anybody")
        for name, colour, dash in (("response", SECOND, "--"), ("uplift", FIRST, "-")):
            axes.plot(*drawn[name], color=colour, linestyle=dash, linewidth=1.8, label=f"by {name}")
        axes.set(xlabel="share targeted", ylabel="answers added per customer", xlim=(0, 1))
        axes.legend(loc="lower right")

    return _draw(paint, (6.4, 3.6))


def responses(curve: Mapping[str, Any]) -> str:
    """Draw both outcomes by the dose that was drawn: what was told, and what was seen with its interval."""
    if set(curve) != {"balance", "pd"}:
        raise UnreadableFact(f"the curve is of {', '.join(curve)}")
    drawn = {outcome: _by_dose(curve[outcome]) for outcome in curve}

    def paint(axes: Axes) -> None:
        beside = axes.twinx()
        for one, outcome, colour in ((axes, "balance", FIRST), (beside, "pd", SECOND)):
            doses, told, seen, low, high = drawn[outcome]
            one.plot(doses, told, color=colour, linewidth=1.8, label=f"{outcome} told")
            away = (
                [s - a for s, a in zip(seen, low, strict=True)],
                [b - s for s, b in zip(seen, high, strict=True)],
            )
            one.errorbar(doses, seen, yerr=away, color=colour, fmt="o", markersize=4, label=f"{outcome} seen")
            one.set(ylabel=f"mean {outcome}")
        axes.set(xlabel="limit", xscale="log")
        axes.legend(loc="upper left")
        beside.legend(loc="lower right")

    return _draw(paint, (6.4, 3.6), right=0.85)


def _by_dose(found: object) -> tuple[list[float], ...]:
    if not isinstance(found, list | tuple) or not found:
        raise UnreadableFact("the curve holds no doses")
    columns = [[reading.number(one, name) for one in found] for name in ("part", "told", "seen")]
    both = [numbers(one, "seen_interval") for one in found]
    _alike(*both, (0, 1))
    return (*columns, [one[0] for one in both], [one[1] for one in both])


def _mature_rate(month: Mapping[str, Any]) -> float | None:
    rows, bads = reading.count(month, "rows"), reading.count(month, "bads")
    return bads / rows if rows and reading.flag(month, "mature") else None


def _alike(*lists: Sequence[object]) -> None:
    if len({len(each) for each in lists}) != 1:
        raise UnreadableFact("the lists are of different lengths")


def _draw(paint: Callable[[Axes], None], inches: tuple[float, float], right: float = 0.15) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=inches)
        FigureCanvasSVG(figure)
        # fixed margins: laying out by measuring text would draw everything twice
        wide, high = 1 - (0.85 + right) / inches[0], 1 - 0.95 / inches[1]
        axes = figure.add_axes((0.85 / inches[0], 0.8 / inches[1], wide, high))
        figure.patch.set_visible(False)
        paint(axes)
        for one in figure.axes:
            one.patch.set_visible(False)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(out.getvalue())


def _inline(svg: str) -> str:
    """Make an SVG file part of a page: no prologue, no addresses, no id that nothing points to."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*; ?", "", svg)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    for colour, name in COLOURS.items():
        svg = svg.replace(colour, name)
    return svg.strip()
