"""Plots of the serving benchmark, as SVG that can be read on a light and on a dark page.

    plot.py DIRECTORY FILE.json [FILE.json...]

Needs Debian's python3-matplotlib. Several files are merged as report.py does it.
"""

import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402 - after use()

import report  # noqa: E402

GREY = "#7d8590"  # of text and axes: neither white nor black is behind it
STYLES = {"ours": ("#e8590c", "-"), "nginx-variables": ("#2f9e44", "-"),
          "nginx-blocks": ("#228be6", "-"), "nginx-defaults": ("#228be6", ":"),
          "haproxy": ("#ae3ec9", "-"), "haproxy-defaults": ("#ae3ec9", ":"),
          "caddy": ("#868e96", "-")}
SETTINGS = {
    "svg.fonttype": "none", "svg.hashsalt": "mtasts-host", "font.family": "sans-serif",
    "font.size": 9, "text.color": GREY, "axes.edgecolor": GREY, "axes.labelcolor": GREY,
    "axes.titlecolor": GREY, "xtick.color": GREY, "ytick.color": GREY, "grid.color": GREY,
    "grid.alpha": 0.3, "axes.grid": True, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "savefig.transparent": True,
}


def series(results, figure):
    """By server: the numbers of tenants, and FIGURE(result, server) of each; what is missing is
    left out."""
    found = {}
    for name in STYLES:
        for result in results:
            try:
                value = figure(result, name)
            except (KeyError, statistics.StatisticsError):
                continue
            tenants, values = found.setdefault(name, ([], []))
            tenants.append(result["tenants"])
            values.append(value)
    return found


def lines(axes, results, figure, *, marker="o", style=None, label="{}"):
    for name, (tenants, values) in series(results, figure).items():
        colour, own_style = STYLES[name]
        axes.plot(tenants, values, color=colour, linestyle=style or own_style, marker=marker,
                  markersize=4, linewidth=2 if name == "ours" else 1.3, label=label.format(name))
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xlabel("tenants")


def figure_of(columns, width=8.0, height=3.2):
    figure, axes = plt.subplots(1, columns, figsize=(width, height), squeeze=False,
                                layout="constrained")
    return figure, list(axes[0])


def legend(axes):
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.02, 1))


def rounds_of(key, value):
    return lambda result, name: statistics.median(r[value] for r in result["rounds"][name][key])


def cpu(results):
    figure, axes = figure_of(2)
    for place, key, title in zip(axes, ("uniform", "zipf"), ("names uniform", "names by Zipf's law")):
        lines(place, results, rounds_of(key, "cpu_us"))
        place.set_title(title)
        place.set_ylim(bottom=0)
    axes[0].set_ylabel("CPU µs of a full fetch")
    legend(axes[1])
    return figure


def latency(results):
    figure, axes = figure_of(3)
    for place, key, title in zip(axes, ("p50_us", "p99_us", "p999_us"), ("p50", "p99", "p99.9")):
        lines(place, results, lambda r, n, key=key: rounds_of("at_rate", key)(r, n) / 1000)
        place.set_title(title)
        place.set_ylim(bottom=0)
    axes[0].set_ylabel("ms")
    legend(axes[2])
    return figure


def start(results):
    figure, [axes] = figure_of(1, width=6.0)

    def seconds(kind):
        return lambda result, name: statistics.median(
            s["all_s"] for s in result["start"][name][kind])
    lines(axes, results, seconds("cold"))
    ours = [{**result, "start": {"ours": result["start"].get("ours", {})}} for result in results]
    lines(axes, ours, seconds("again"), style="--", marker="s", label="{}, again")
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylabel("s to the first answers")
    legend(axes)
    return figure


def memory(results):
    figure, [axes] = figure_of(1, width=6.0)
    lines(axes, results, lambda result, name: result["memory"][name]["at_end"]["pss"] / 1e6)
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylabel("MB (PSS) after the fetches")
    legend(axes)
    return figure


def main(directory, *paths):
    results = report.merged(paths)["results"]
    plt.rcParams.update(SETTINGS)
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    for plot in (cpu, latency, start, memory):
        path = pathlib.Path(directory) / f"{plot.__name__}.svg"
        plot(results).savefig(path, metadata={"Date": None})
        print(path)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: plot.py DIRECTORY FILE.json [FILE.json...]")
    main(*sys.argv[1:])
