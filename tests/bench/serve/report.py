"""Figures to text: medians over the rounds, ratios to ours, spread."""

import statistics

# Heading, key of a round's figures, factor, digits.
FULL = (("CPU µs", "cpu_us", 1, 0), ("per s", "per_second", 1, 0), ("busy", "busy", 1, 2),
        ("others", "others", 1, 2))
LATENCY = (("p50 ms", "p50_us", 1e-3, 2), ("p99 ms", "p99_us", 1e-3, 2),
           ("p99.9 ms", "p999_us", 1e-3, 2))


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)


def median(rounds, key):
    return statistics.median(figures[key] for figures in rounds)


def spread(rounds, key):
    """From the smallest to the largest, as a share of the median."""
    values = [figures[key] for figures in rounds]
    middle = statistics.median(values)
    return f"{(max(values) - min(values)) / middle:.0%}" if middle else "-"


def ratio(rounds, ours, key):
    """The median of each round's ratio: what slows a whole round down is not in it."""
    if ours is None or not all(figures[key] for figures in ours):
        return "-"
    return f"{statistics.median(t[key] / o[key] for t, o in zip(rounds, ours)):.2f}"


def section(title, measured, columns, ratio_of):
    """MEASURED: the figures of all rounds, by server."""
    rows = [(title, *(heading for heading, *_ in columns), "× ours", "spread")]
    ours = measured.get("ours")
    for name, rounds in measured.items():
        rows.append((name, *(f"{median(rounds, key) * factor:.{digits}f}"
                             for _, key, factor, digits in columns),
                     ratio(rounds, ours, ratio_of), spread(rounds, ratio_of)))
    return table(rows)


def start_and_memory(names, start, memory, count):
    rows = [("start and memory", "first s", "again s", "MB at start", "MB at end", "KB per tenant",
             "× ours")]
    for name in names:
        again = start[name].get("again_s")
        at_end = memory[name]["at_end"]
        rows.append((name, f"{start[name]['first_s']:.2f}", f"{again:.2f}" if again else "-",
                     f"{memory[name]['at_start'] / 1e6:.1f}", f"{at_end / 1e6:.1f}",
                     f"{at_end / 1e3 / count:.1f}",
                     f"{at_end / memory['ours']['at_end']:.2f}" if "ours" in memory else "-"))
    return table(rows)


def further_tenants(results):
    """Memory of one tenant more: what differs between the least and the largest N."""
    least, most = results[0], results[-1]
    rows = [(f"per tenant from {least['tenants']:,} to {most['tenants']:,}", "KB")]
    for name in most["memory"]:
        if name in least["memory"]:
            more = most["memory"][name]["at_end"] - least["memory"][name]["at_end"]
            rows.append((name, f"{more / 1e3 / (most['tenants'] - least['tenants']):.1f}"))
    return table(rows)


def edits_text(edits):
    return (f"edits of ours: {edits['edits']}, served after p50 {edits['p50_ms']:.1f}, p99 "
            f"{edits['p99_ms']:.1f}, at most {edits['max_ms']:.1f} ms, the debounce of 50 ms included; "
            f"fetches meanwhile p50 {edits['fetch_p50_us'] / 1e3:.2f}, p99 "
            f"{edits['fetch_p99_us'] / 1e3:.2f} ms (without edits {edits['quiet_fetch_p50_us'] / 1e3:.2f}, "
            f"{edits['quiet_fetch_p99_us'] / 1e3:.2f})")


SECTIONS = (("uniform", "full fetches, names uniform", FULL, "cpu_us"),
            ("zipf", "full fetches, names by Zipf's law", FULL, "cpu_us"),
            ("at_rate", "latency at {rate:g} full fetches a second", LATENCY, "p99_us"),
            ("keep_alive", "keep-alive (wrk)", FULL, "cpu_us"),
            ("http2", "HTTP/2 (h2load)", FULL, "cpu_us"))


def text_of(result, rate):
    """All that was measured with one number of tenants."""
    parts = [f"=== {result['tenants']:,} tenants ==="]
    for key, title, columns, ratio_of in SECTIONS:
        measured = {name: rounds[key] for name, rounds in result["rounds"].items()
                    if rounds.get(key)}
        if measured:
            parts.append(section(title.format(rate=rate), measured, columns, ratio_of))
    parts.append(start_and_memory(result["rounds"], result["start"], result["memory"],
                                  result["tenants"]))
    if "edits" in result:
        parts.append(edits_text(result["edits"]))
    return "\n\n".join(parts)
