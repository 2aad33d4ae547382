"""Figures at a wanted size: type and marks in proportion, and nothing over anything else."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gscli.plotting import theme
from gscli.plotting.panels import numbered
from gscli.plotting.titles import title_height, title_of

DEFAULT_SIZE = (700, 450)
"""Pixels, as of plotly."""

SMALLEST_TYPE = 0.6
"""Size of type relative to the usual one, below which a small figure does not go by itself."""

SHRINKING = 0.95
"""Factor by which type gets smaller until all of it has room."""

LEGEND_SHARE = 0.25
"""Most of a figure's height that a legend may take."""

LEGEND_ROW, LEGEND_ROWS = 19, 4
ENTRY = 50
"""Pixels of a legend's entry beside its text: the mark, and the gaps around it."""

ENTRY_GAP = 8

CHARACTERS = {"title": 10.2, "subtitle": 6.6, "legend": 6.4, "heading": 7.6, "tick": 7.0}
"""Pixels that a character takes, by where it stands."""

HEADING_BREAK = "  ·  "


@dataclass(frozen=True, slots=True)
class Frame:
    """What a figure has to fit into; what is None follows from the rest.

    Attributes
    ----------
    width, height : float or None
        In pixels (1/96 inch).
    type_size : float or None
        Of the axis labels, in pixels.
    columns : int or None
        Panels side by side.
    """

    width: float | None = None
    height: float | None = None
    type_size: float | None = None
    columns: int | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """A figure as plotly's dictionary, drawn at its width and height and shown `scale` times."""

    figure: dict[str, Any]
    width: float
    height: float
    scale: float


def sized(figure: dict[str, Any], frame: Frame) -> Sized:
    """Fit a figure into a frame.

    Its type keeps its size relative to the figure, or has the wanted one. Panels, then, take what
    margins and gaps leave of the frame. Where that is too little, the legend goes first, the
    subtitle next, and type gets smaller at last.

    Parameters
    ----------
    figure : dict
        As of plotly; left unchanged. Of what the functions of this package did not make, only the
        width and the height change.
    frame : Frame
        What it has to fit into.

    Returns
    -------
    Sized
        With a layout of its own; traces are shared.
    """
    layout = figure["layout"]
    if frame == Frame() or "meta" not in layout:
        own = layout.get("width", DEFAULT_SIZE[0]), layout.get("height", DEFAULT_SIZE[1])
        return Sized(figure, frame.width or own[0], frame.height or own[1], 1.0)
    design = _Design.of(figure)
    width, height = _wanted(design, frame)
    scale = _first_scale(design, frame)
    while True:
        for legend, subtitle in ((True, True), (False, True), (False, False)):
            room = None if height is None else height / scale
            found = design.best(width / scale, room, frame.columns, legend, subtitle)
            if found is not None:
                return Sized(found.figure(), found.width, found.height, scale)
        scale *= SHRINKING


def retitled(layout: dict[str, Any], title: str) -> dict[str, Any]:
    """Return a layout with a title in the place of its own and its subtitle, or with none."""
    if "meta" not in layout:  # made by others
        return {**layout, "title": {"text": title}}
    own, subtitle = title_of(layout)
    lost = title_height(own, subtitle) - title_height(title, "")
    height = layout["height"] - lost
    margin = {**layout["margin"], "t": max(12, layout["margin"]["t"] - lost)}
    changed = {**layout, "height": height, "margin": margin}
    changed["title"] = theme.title(title, "", height)
    changed["meta"] = {**layout["meta"], "title": title or own}
    return changed


def _wanted(design: "_Design", frame: Frame) -> tuple[float, float | None]:
    wide, high = design.size
    if frame.width is not None:
        return frame.width, frame.height
    if frame.height is not None:
        return frame.height * wide / high, frame.height
    larger = 1.0 if frame.type_size is None else frame.type_size / theme.TYPE_SIZE
    return larger * design.width_of(frame.columns or design.columns), None


def _first_scale(design: "_Design", frame: Frame) -> float:
    if frame.type_size is not None:
        return frame.type_size / theme.TYPE_SIZE
    wide, high = design.size
    ratios = [math.inf if frame.width is None else frame.width / wide]
    ratios.append(math.inf if frame.height is None else frame.height / high)
    smaller = min(ratios)
    return 1.0 if math.isinf(smaller) else max(smaller, SMALLEST_TYPE)


@dataclass(frozen=True, slots=True)
class _Design:
    """A figure as it was made, and what takes room in it, in pixels."""

    made: dict[str, Any]
    count: int
    columns: int
    panel: tuple[float, float]
    gap: tuple[float, float]
    least: tuple[float, float]
    ratio: float

    @classmethod
    def of(cls, figure: dict[str, Any]) -> "_Design":
        grid = figure["layout"]["meta"]
        panel, gap, least = (tuple(grid[key]) for key in ("panel", "gap", "least"))
        return cls(figure, grid["count"], grid["columns"], panel, gap, least, grid["ratio"])

    @property
    def size(self) -> tuple[float, float]:
        layout = self.made["layout"]
        return layout["width"], layout["height"]

    @property
    def entries(self) -> list[str]:
        """Texts of the legend's entries."""
        if self.made["layout"].get("showlegend") is False:
            return []
        named = (trace for trace in self.made["data"] if trace.get("name"))
        return [trace["name"] for trace in named if trace.get("showlegend") is not False]

    @property
    def sides(self) -> float:
        margin = self.made["layout"]["margin"]
        return float(margin["l"] + margin["r"])

    @property
    def labels(self) -> tuple[float, float]:
        """Pixels above and below the panels, without the title and the legend."""
        layout = self.made["layout"]
        margin = layout["margin"]
        legend = self.legend(self.size[0] - self.sides)
        above = margin["t"] - title_height(*title_of(layout))
        return max(12.0, above), max(12.0, margin["b"] - (legend.height if legend else 0))

    def legend(self, room: float) -> "_Legend | None":
        """Return how the legend is laid out in a width, if it can be."""
        if not self.entries:
            return None
        entry = ENTRY + CHARACTERS["legend"] * max(map(_length, self.entries))
        across = min(len(self.entries), int(room // (entry + ENTRY_GAP)))
        if not across:
            return None
        rows = math.ceil(len(self.entries) / across)
        across = math.ceil(len(self.entries) / rows)
        return _Legend(rows, max(entry / room, 1 / (across + 1) + 0.01))

    def width_of(self, columns: int) -> float:
        return self.sides + columns * (self.panel[0] + self.gap[0]) - self.gap[0]

    def best(
        self, width: float, height: float | None, columns: int | None, legend: bool, subtitle: bool
    ) -> "_Placed | None":
        """Return the best arrangement with or without these parts, if there is one."""
        choices = range(1, self.count + 1) if height else range(1, self.columns + 1)
        placed = [
            self._place(width, height, each, legend, subtitle)
            for each in ([min(columns, self.count)] if columns else choices)
        ]
        fitting = [each for each in placed if each is not None]
        # Where the height is free, as many columns as there were; else the largest panels.
        wide, high = self.panel
        return max(
            fitting,
            key=lambda each: (
                each.columns if height is None else min(each.panel[0] / wide, each.panel[1] / high)
            ),
            default=None,
        )

    def _height_for(self, width: float) -> float:
        wide, high = self.panel
        return width * high / wide if width > wide else min(high, width * self.ratio)

    def _place(
        self, width: float, height: float | None, columns: int, legend: bool, subtitle: bool
    ) -> "_Placed | None":
        room = width - self.sides
        laid = self.legend(room) if legend and room > 0 else None
        if legend and self.entries and (laid is None or laid.rows > LEGEND_ROWS):
            return None
        title, below = _wrapped(*title_of(self.made["layout"]), width)
        below = below if subtitle else ""
        above, under = self.labels
        margins = above + title_height(title, below) + under + (laid.height if laid else 0)
        rows = math.ceil(self.count / columns)
        wide = (room + self.gap[0]) / columns - self.gap[0]
        high = max(self.least[1], self._height_for(wide))
        if height is not None:
            high = (height - margins + self.gap[1]) / rows - self.gap[1]
        if wide < self.least[0] or high < self.least[1]:
            return None
        height = margins + rows * (high + self.gap[1]) - self.gap[1]
        if laid and laid.rows > 1 and laid.height > LEGEND_SHARE * height:
            return None
        return _Placed(self, width, height, columns, (wide, high), laid, title, below)


@dataclass(frozen=True, slots=True)
class _Legend:
    rows: int
    entry: float
    """Width of an entry, as a share of the plotting area."""

    @property
    def height(self) -> float:
        return LEGEND_ROW * self.rows + 12


@dataclass(frozen=True, slots=True)
class _Placed:
    """An arrangement of a design in a frame."""

    design: _Design
    width: float
    height: float
    columns: int
    panel: tuple[float, float]
    legend: _Legend | None
    title: str
    subtitle: str

    def figure(self) -> dict[str, Any]:
        design, old = self.design, self.design.made["layout"]
        above, under = design.labels
        margin = {
            **old["margin"],
            "t": above + title_height(self.title, self.subtitle),
            "b": under + (self.legend.height if self.legend else 0),
        }
        layout = {**old, "width": self.width, "height": self.height, "margin": margin}
        layout["meta"] = {**old["meta"], "columns": self.columns}
        if design.entries:
            layout["showlegend"] = self.legend is not None
        if self.legend:
            look = {"entrywidth": self.legend.entry, "entrywidthmode": "fraction"}
            layout["legend"] = {**old["legend"], **look, "y": 8 / self.height}
        layout.pop("title", None)
        if self.title or self.subtitle:
            layout["title"] = theme.title(self.title, self.subtitle, self.height)
        domains = self._domains()
        for index, domain in enumerate(domains):
            layout |= _moved(layout, index, domain, self.panel)
        if "annotations" in old:
            layout["annotations"] = list(self._annotations(old["annotations"], domains))
        return {**design.made, "layout": layout}

    def _domains(self) -> "list[theme.Domain]":
        return theme.domains(self.design.count, self.columns, self.panel, self.design.gap)

    def _annotations(
        self, old: "list[dict[str, Any]]", domains: "list[theme.Domain]"
    ) -> Iterator[dict[str, Any]]:
        """Move the panels' headings, which are the first annotations, and shorten wide ones."""
        headings = len(domains) if len(domains) > 1 else 0
        for annotation, domain in zip(old[:headings], domains, strict=False):
            text = str(annotation["text"])
            room = self.panel[0] + 0.5 * self.design.gap[0]
            if CHARACTERS["heading"] * _length(text) > room:
                text = text.split(HEADING_BREAK)[0]
            yield {**annotation, "text": text, "x": sum(domain.x) / 2, "y": domain.y[1]}
        yield from old[headings:]


def _moved(
    layout: dict[str, Any], index: int, domain: theme.Domain, panel: tuple[float, float]
) -> dict[str, Any]:
    """Return the axes or the subplot of a panel, at its new place."""
    changed = {}
    for name in ("ternary", "scene"):
        if (key := numbered(name, index)) in layout:
            changed[key] = {**layout[key], "domain": {"x": domain.x, "y": domain.y}}
    if (key := numbered("scene", index)) in changed:
        changed[key]["domain"]["y"] = _lowered(domain.y, panel, layout["meta"]["ratio"])
    for axis, place in (("xaxis", domain.x), ("yaxis", domain.y)):
        if (key := numbered(axis, index)) in layout:
            changed[key] = {**layout[key], "domain": place}
    x = changed.get(numbered("xaxis", index))
    if x and x.get("type") == "log" and "ticktext" in x:
        changed[numbered("xaxis", index)] = x | _thinned(x, panel[0])
    return changed


def _lowered(
    y: tuple[float, float], panel: tuple[float, float], shape: float
) -> tuple[float, float]:
    """Return a lower place in the middle of one: what a scene shows is as wide as it is high."""
    spare = max(0.0, 1 - shape * panel[0] / panel[1]) / 2 * (y[1] - y[0])
    return y[0] + spare, y[1] - spare


def _thinned(axis: dict[str, Any], width: float) -> dict[str, Any]:
    """Return as many of an axis's labels as there is room for."""
    texts, values = list(axis["ticktext"]), list(axis["tickvals"])
    room = width / CHARACTERS["tick"]
    step = 1
    while sum(len(text) + 1 for text in texts[::step]) > room and step < len(texts):
        step += 1
    return {"ticktext": texts[::step], "tickvals": values[::step]}


def _length(text: str) -> int:
    """Return how many characters a text of plotly's HTML shows."""
    shown = re.sub(r"<[^>]*>", "", text)
    return len(re.sub(r"&[#\w]+;", "x", shown))


def _wrapped(title: str, subtitle: str, width: float) -> tuple[str, str]:
    room = 0.96 * width - 10
    return (
        _lines(title, int(room / CHARACTERS["title"])),
        "<br>".join(
            _lines(line, int(room / CHARACTERS["subtitle"])) for line in subtitle.split("<br>")
        ),
    )


def _lines(text: str, length: int) -> str:
    """Break a text between words."""
    lines = [""]
    for word in re.split(r"(?<=\S) +", text):
        longer = f"{lines[-1]} {word}".strip()
        if _length(longer) <= length or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return "<br>".join(line.strip("· ") if "·" in line else line for line in lines)
