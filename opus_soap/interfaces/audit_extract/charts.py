"""Charts as inline SVG: few shapes, no script, no font from elsewhere; a table beside each says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

from markupsafe import Markup

Values = Sequence[tuple[str, float]]
_WIDTH = 560  # as wide as a page's column, so that texts keep their size
_DAYS = ("man", "tir", "ons", "tor", "fre", "lør", "søn")


def _svg(height: float, title: str, parts: Sequence[str]) -> Markup:
    inner = "".join(parts)
    head = f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
    return Markup(f"{head}<title>{escape(title)}</title>{inner}</svg>")  # noqa: S704  every text is escaped


def _label(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "t") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _bar(x: float, y: float, width: float, height: float, kind: str, hint: str) -> str:
    shape = (
        f'class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    )
    return f'<rect {shape} rx="2"><title>{escape(hint)}</title></rect>'


def columns(title: str, values: Values, shown: Callable[[float], str], marked: Sequence[str] = ()) -> Markup:
    """Columns beside each other; those named in `marked` stand out."""
    top, floor, left = 24, 190, 8
    most = max((value for _, value in values), default=0) or 1
    step = (_WIDTH - 2 * left) / max(len(values), 1)
    parts = [f'<line class="axis" x1="{left}" y1="{floor}" x2="{_WIDTH - left}" y2="{floor}"/>']
    for place, (name, value) in enumerate(values):
        height = (floor - top) * value / most
        x = left + place * step + step * 0.14
        kind = "mark" if name in marked else "bar"
        parts.append(_bar(x, floor - height, step * 0.72, height, kind, f"{name}: {shown(value)}"))
        middle = x + step * 0.36
        parts.append(_label(middle, floor + 18, name, anchor="middle"))
        if value:
            parts.append(_label(middle, floor - height - 6, shown(value), anchor="middle", kind="n"))
    return _svg(floor + 28, title, parts)


def bars(title: str, values: Values, shown: Callable[[float], str]) -> Markup:
    """Bars below each other, names before them."""
    left, right, step = 130, 70, 26
    most = max((value for _, value in values), default=0) or 1
    parts = []
    for place, (name, value) in enumerate(values):
        y, width = 4 + place * step, (_WIDTH - left - right) * value / most
        short = name if len(name) <= 20 else f"{name[:19]}…"  # the table has all of it
        parts.append(_label(left - 8, y + 15, short, anchor="end"))
        parts.append(_bar(left, y + 2, width, step - 8, "bar", f"{name}: {shown(value)}"))
        parts.append(_label(left + width + 6, y + 15, shown(value), kind="n"))
    return _svg(8 + step * max(len(values), 1), title, parts)


def hours(title: str, counted: Mapping[tuple[int, int], int]) -> Markup:
    """Weekdays by hours: the more, the darker."""
    left, top, width, height = 40, 20, (_WIDTH - 48) / 24, 22
    most = max(counted.values(), default=0) or 1
    parts = [_label(left + hour * width + width / 2, 14, str(hour), anchor="middle") for hour in range(24)]
    for day, name in enumerate(_DAYS):
        y = top + day * height
        parts.append(_label(left - 8, y + 15, name, anchor="end"))
        for hour in range(24):
            count = counted.get((day, hour), 0)
            share = 0.12 + 0.88 * (count / most) ** 0.5 if count else 0
            hint = f"{name} kl. {hour}: {count} bilag"
            cell = _bar(left + hour * width + 1, y + 1, width - 2, height - 2, "cell", hint)
            fill = f'style="fill-opacity:{share:.2f}" ' if count else 'data-empty="1" '
            parts.append(cell.replace("<rect ", f"<rect {fill}"))
    return _svg(top + 7 * height + 6, title, parts)


def expected(title: str, found: Values, wanted: Values) -> Markup:
    """Shares as columns, and what they are held against as a line."""
    top, floor, left = 24, 190, 8
    most = max([value for _, value in (*found, *wanted)], default=0) or 1
    step = (_WIDTH - 2 * left) / max(len(found), 1)

    def height(value: float) -> float:
        return floor - (floor - top) * value / most

    parts = [f'<line class="axis" x1="{left}" y1="{floor}" x2="{_WIDTH - left}" y2="{floor}"/>']
    points = []
    for place, ((name, value), (_, want)) in enumerate(zip(found, wanted, strict=True)):
        x = left + place * step
        hint = f"{name}: {value:.1%}, forventet {want:.1%}".replace(".", ",")
        parts.append(_bar(x + step * 0.18, height(value), step * 0.64, floor - height(value), "bar", hint))
        parts.append(_label(x + step / 2, floor + 18, name, anchor="middle"))
        points.append(f"{x + step / 2:.1f},{height(want):.1f}")
    parts.append(f'<polyline class="line" points="{" ".join(points)}"/>')
    parts += [f'<circle class="dot" cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="4"/>' for p in points]
    return _svg(floor + 28, title, parts)
