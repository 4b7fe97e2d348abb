"""Two kinds of charts as SVG, without a package: lines over a logarithmic axis, and bars of ratios."""
import math

COLORS = ["#1f6fb4", "#c8501e", "#2f8f4e", "#7d4fb0"]
STYLE = "text{font:12px sans-serif;fill:#222}.t{font-weight:bold}.g{stroke:#ddd}.a{stroke:#888}svg{background:#fff}"


def text(x, y, words, anchor="start", kind=""):
    words = str(words).replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{words}</text>'


def line(x0, y0, x1, y1, kind):
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'


def short(x):
    for least, size, sign in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if x >= least:
            return f"{x / size:.3g}{sign}"
    return f"{x:g}"


def document(width, height, body):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"><style>{STYLE}</style>\n' + \
        "\n".join(body) + "\n</svg>\n"


def growth(title, x_label, series, width=520, height=300):
    """series: (name, [(x, measured, predicted)]). Dots are measured, the line is predicted; both axes are logarithmic."""
    left, right, top, bottom = 60, width - 12, 30, height - 44
    xs = sorted({x for _, points in series for x, *_ in points})
    ys = [y for _, points in series for _, *pair in points for y in pair]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    span = math.log(xs[-1] / xs[0])
    at_x = (lambda x: left + 14 + (right - left - 28) * math.log(x / xs[0]) / span)
    at_y = (lambda y: bottom - (bottom - top) * (math.log10(y) - low) / (high - low))
    body = [text(left, 18, title, kind="t"), text((left + right) / 2, height - 8, x_label, "middle")]
    for decade in range(low, high + 1):
        body += [line(left, at_y(10 ** decade), right, at_y(10 ** decade), "g"), text(left - 6, at_y(10 ** decade) + 4, short(10 ** decade), "end")]
    for x in xs:
        body += [line(at_x(x), bottom, at_x(x), bottom + 4, "a"), text(at_x(x), bottom + 18, short(x), "middle")]
    body.append(line(left, bottom, right, bottom, "a"))
    for i, (name, points) in enumerate(series):
        color = COLORS[i % len(COLORS)]
        path = " ".join(f"{at_x(x):.1f},{at_y(predicted):.1f}" for x, _, predicted in points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        body += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(measured):.1f}" r="3.5" fill="{color}"/>' for x, measured, _ in points]
        if len(series) == 1:
            continue
        body += [f'<circle cx="{left + 10}" cy="{bottom - 12 - 16 * i}" r="3.5" fill="{color}"/>', text(left + 18, bottom - 8 - 16 * i, name)]
    return document(width, height, body)


def ratios(title, rows, width=640):
    """rows: (name, least, median, most, must or None, limit or None), over a logarithmic axis from 1/2 up."""
    left, right, step, top = 170, width - 14, 26, 46
    height = top + step * len(rows) + 34
    most = max(max(r[3], r[4] or 0, r[5] or 0) for r in rows)
    high = math.ceil(math.log2(most))
    at = (lambda x: left + (right - left) * (math.log2(max(x, 0.5)) + 1) / (high + 1))
    bottom = top + step * len(rows)
    body = [text(10, 18, title, kind="t"), text(10, 36, "bar: median, whisker: least to most; black: must; grey: limit")]
    for power in range(-1, high + 1):
        body += [line(at(2.0 ** power), top, at(2.0 ** power), bottom, "g"), text(at(2.0 ** power), bottom + 16, f"{2.0 ** power:g}×", "middle")]
    for i, (name, least, median, top_value, must, limit) in enumerate(rows):
        y = top + step * i + 5
        color = COLORS[2] if must is None or median >= must else COLORS[1]
        body.append(text(left - 8, y + 12, name, "end"))
        body.append(f'<rect x="{left}" y="{y}" width="{at(median) - left:.1f}" height="15" fill="{color}" fill-opacity=".75"/>')
        body.append(f'<line x1="{at(least):.1f}" y1="{y + 7.5}" x2="{at(top_value):.1f}" y2="{y + 7.5}" stroke="#222" stroke-width="2"/>')
        for x, stroke in ((must, "#000"), (limit, "#999")):
            if x:
                body.append(f'<line x1="{at(x):.1f}" y1="{y - 3}" x2="{at(x):.1f}" y2="{y + 18}" stroke="{stroke}" stroke-width="3"/>')
    return document(width, height, body)
