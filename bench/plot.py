#!/usr/bin/python3
"""Draws what run.py has measured: a panel a workload, a bar a server. plot.py RESULTS.json [FOLDER]; run.py calls it too."""

import json
import pathlib
import sys

OURS, FLOOR, OTHERS = "#d6336c", "#868e96", "#4c6ef5"
COLUMNS = 3
# Bars this much longer than our own are cut, so that the shorter ones can be told apart; their label has the figure.
LONGEST = 6


def draw(results, folder):
    """Writes results.svg and results.png into `folder`; gives their paths."""
    try:
        import matplotlib
    except ImportError:
        return ["no plot: python3-matplotlib is not installed"]
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "caropig"  # the same figures make the same file
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
    from matplotlib import pyplot

    panels = [panel for panel in (_panel(results, name) for name in results["summary"]) if panel]
    if not panels:
        return ["no plot: nothing was measured"]
    lines = -(-len(panels) // COLUMNS)
    figure, axes = pyplot.subplots(lines, COLUMNS, figsize=(5 * COLUMNS, 2.6 * lines), squeeze=False)
    for axis in axes.flat[len(panels):]:
        axis.axis("off")
    for axis, panel in zip(axes.flat, panels):
        _draw_panel(axis, *panel)
    machine = results["machine"]
    figure.suptitle(f"CPU time per request, µs (idle: bytes per connection); lower is better. "
                    f"{machine['date'][:10]}, kernel {machine['kernel']}, medians of {len(results['rounds'])} rounds", fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    paths = [pathlib.Path(folder, f"results.{kind}") for kind in ("svg", "png")]
    figure.savefig(paths[0], metadata={"Date": None})
    figure.savefig(paths[1], dpi=80)
    pyplot.close(figure)
    return paths


def _panel(results, workload):
    rows = []
    for name, medians in results["summary"][workload].items():
        value = medians.get("cpu_us_per_request", medians.get("bytes_per_connection"))
        if value is not None:
            rows.append((name, value))
    return (workload, results["titles"][workload], rows) if rows else None


def _draw_panel(axis, workload, title, rows):
    names, values = zip(*rows)
    ours = [value for name, value in rows if name.lower().startswith("caropig")]
    longest = max(values)
    if ours and min(ours) > 0:
        longest = min(longest, LONGEST * min(ours))
    colours = [OURS if name.lower().startswith("caropig") else FLOOR if "floor" in name else OTHERS for name in names]
    axis.barh(range(len(rows)), [min(value, longest) for value in values], color=colours)
    for place, value in enumerate(values):
        text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
        axis.text(max(min(value, longest), 0), place, f" {text}{' →' if value > longest else ''}", va="center", fontsize=7)
    axis.set_yticks(range(len(rows)), names, fontsize=7)
    axis.invert_yaxis()
    axis.set_xlim(min(0, *values), longest * 1.25)
    axis.tick_params(axis="x", labelsize=6)
    axis.set_title(f"{workload}: {title}", fontsize=7.5)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1])
    print(*draw(json.loads(source.read_text()), sys.argv[2] if len(sys.argv) > 2 else source.parent))
