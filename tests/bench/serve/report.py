"""Figures to Markdown: medians over the rounds, ratios to ours, spread, and the goals.

    report.py --markdown FILE.json [FILE.json...]

Of several files the later ones add to the earlier ones, and replace what both measured. Ratios are of
rounds: what is to be compared belongs into one run.
"""

import json
import pathlib
import statistics
import sys

import goals
from tables import by_server, table


# --- Several runs ---

def merged(paths):
    whole = None
    for path in paths:
        found = json.loads(pathlib.Path(path).read_text())
        if whole is None:
            whole = found
            continue
        for result in found["results"]:
            same = next((r for r in whole["results"] if r["tenants"] == result["tenants"]), None)
            if same is None:
                whole["results"].append(result)
            else:
                add(same, result)
    whole["results"].sort(key=lambda result: result["tenants"])
    return whole


def add(old, new):
    """By server, and within one server's rounds by measure."""
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            add(old[key], value)
        else:
            old[key] = value


# --- Figures ---

def median(rounds, key):
    return statistics.median(figures[key] for figures in rounds)


def spread(rounds, key):
    """From the smallest to the largest, as a share of the median."""
    values = [figures[key] for figures in rounds]
    middle = statistics.median(values)
    return f"{(max(values) - min(values)) / middle:.0%}" if middle else "–"


def ratio(rounds, ours, key):
    """The median of each round's ratio: what slows a whole round down is not in it."""
    if ours is None or not all(figures[key] for figures in ours):
        return "–"
    return f"{statistics.median(t[key] / o[key] for t, o in zip(rounds, ours)):.2f}"


def measured(result, key):
    return {name: rounds[key] for name, rounds in result["rounds"].items() if rounds.get(key)}


def microseconds(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def cpu_row(result, key, label):
    all_rounds = measured(result, key)
    ours = all_rounds.get("ours")
    return label, {name: f"{microseconds(median(rounds, 'cpu_us'))} ({ratio(rounds, ours, 'cpu_us')}, "
                         f"{spread(rounds, 'cpu_us')}, {median(rounds, 'others'):.2f})"
                   for name, rounds in all_rounds.items()}


def cpu(results):
    rows = []
    for result in results:
        for key, names in (("uniform", "uniform"), ("zipf", "Zipf")):
            rows.append(cpu_row(result, key, f"full fetch, {result['tenants']:,} tenants, {names}"))
    for result in results:
        rows += [cpu_row(result, "keep_alive", "keep-alive request"),
                 cpu_row(result, "http2", "HTTP/2 request"),
                 cpu_row(result, "fetch_http2", "full fetch, HTTP/2")]
    return by_server("CPU µs: median (× ours, spread, others)", rows)


def throughput(results):
    return by_server("per second as fast as it goes (busy share of the server's core)", [
        (f"{label}, {result['tenants']:,} tenants",
         {name: f"{median(rounds, 'per_second'):,.0f} ({median(rounds, 'busy'):.2f})"
          for name, rounds in measured(result, key).items()})
        for result in results for key, label in (
            ("uniform", "full fetches"), ("keep_alive", "keep-alive"), ("http2", "HTTP/2"),
            ("fetch_http2", "full fetches, HTTP/2"))])


def latency(results, rate):
    return by_server(f"ms at {rate:g} full fetches a second: p50, p99, p99.9", [
        (f"{result['tenants']:,} tenants",
         {name: ", ".join(f"{median(rounds, key) / 1000:.1f}" for key in
                          ("p50_us", "p99_us", "p999_us"))
          for name, rounds in measured(result, "at_rate").items()}) for result in results])


def starts(results):
    def cells(result, kind):
        return {name: f"{median(found[kind], 'first_s'):.2f} / {median(found[kind], 'all_s'):.2f}"
                for name, found in result["start"].items() if found[kind]}
    return by_server("start: s to the first good answer / to 20 of 20 random names", [
        (f"{result['tenants']:,} tenants, {label}", cells(result, kind))
        for result in results for kind, label in (("cold", "cold"), ("again", "again"))])


def memory(results):
    def megabytes(result, when):
        return {name: f"{found[when]['pss'] / 1e6:.1f}" for name, found in result["memory"].items()
                if when in found}

    def more(least, most, when):
        """KB of each tenant more from LEAST to MOST."""
        return {name: f"{(found[when]['pss'] - least['memory'][name][when]['pss']) / 1e3 / (most['tenants'] - least['tenants']):.2f}"
                for name, found in most["memory"].items()
                if when in found and when in least["memory"].get(name, {})}
    times = (("at_start", "at the start"), ("at_end", "at the end"))
    rows = [(f"{result['tenants']:,} tenants, {label}: MB", megabytes(result, when))
            for result in results for when, label in times]
    rows += [(f"a tenant more, {least['tenants']:,} to {most['tenants']:,}, {label}: KB",
              more(least, most, when))
             for least, most in zip(results, results[1:]) for when, label in times]
    return by_server("memory (PSS)", rows)


def edits(results):
    rows = [("edits of ours", "edits", "after the debounce: p50, p99, most, ms",
             "fetches' p99 meanwhile, ms", "× without")]
    for result in results:
        for key, label in (("edits", "a tenant's policy"), ("shared", "a policy that half share")):
            if key in result:
                found = result[key]
                rows.append((f"{result['tenants']:,} tenants, {label}", str(found["edits"]),
                             ", ".join(f"{found[k] - goals.DEBOUNCE_MS:.1f}" for k in
                                       ("p50_ms", "p99_ms", "max_ms")),
                             f"{median(found['rounds'], 'fetch_p99_us') / 1e3:.1f}",
                             f"{goals.edit_ratio(found):.2f}"))
        if "deploy" in result:
            found = result["deploy"]
            rows.append((f"{found['files']:,} files of one tenant, all at once", "1",
                         f"served after {found['served_s']:.2f} s, of which {found['in_place_s']:.2f} "
                         "s for the renames", f"{found['fetch_p99_us'] / 1e3:.1f}",
                         f"{found['fetch_p99_us'] / found['quiet_p99_us']:.2f}"))
    return table(rows) if len(rows) > 1 else None


def reloads(results):
    rows = [("a change of the policy", "served after s", "CPU s", "fetches failed",
             "p99 ms, without → meanwhile", "most ms")]
    for result in results:
        for name, found in result.get("reloads", {}).items():
            rows.append((f"{result['tenants']:,} tenants, {name}", f"{found['served_s']:.2f}",
                         f"{found['cpu_s']:.2f}", f"{found['failures']} of "
                         f"{found['fetches'] + found['failures']}",
                         f"{found['quiet_p99_us'] / 1e3:.1f} → {found['fetch_p99_us'] / 1e3:.1f}",
                         f"{found['fetch_max_us'] / 1e3:.0f}"))
    return table(rows) if len(rows) > 1 else None


def scrapes(results):
    rows = [("scrapes of ours", "how many", "octets", "p50, p99, most, ms", "fetches' p50, p99, most, ms",
             "without scrapes")]
    for result in results:
        found = result.get("scrapes")
        for key, label in (("quiet", "nothing changes"), ("edits", "edits meanwhile")) if found else ():
            ms = [", ".join(f"{times[k]:.1f}" for k in ("p50_us", "p99_us", "max_us")) for times in
                  (found[key]["fetches"], found["fetches_alone"])]
            rows.append((f"{result['tenants']:,} tenants, {label}", str(found[key]["scrapes"]), str(found["octets"]),
                         ", ".join(f"{found[key][k]:.1f}" for k in ("p50_ms", "p99_ms", "max_ms")), *ms))
    return table(rows) if len(rows) > 1 else None


def connections(results):
    rows = [("idle connections", "how many", "KB each", "MB before", "MB with them", "MB after")]
    for result in results:
        for name, found in result.get("idle", {}).items():
            for key, label in (("idle", name), ("churn", f"{name}, opened and closed")):
                if key in found:
                    kb = goals.kilobytes_each(found[key]) if key == "idle" else None
                    mb = {when: f"{found[key][when]['rss'] / 1e6:.1f}" for when in
                          ("before", "during", "after") if when in found[key]}
                    rows.append((label, f"{found[key]['connections']:,}",
                                 f"{kb:.1f}" if kb is not None else "–", mb["before"],
                                 mb.get("during", "–"), mb["after"]))
    return table(rows) if len(rows) > 1 else None


def workers(results):
    found = next((result["workers"] for result in results if "workers" in result), None)
    if found is None:
        return None
    rows = [("ours", "1 worker", "2 workers", "ratio")]
    for key, label, digits in (("burst_s", "2,000 ClientHellos answered: s", 3),
                               ("burst_cpu_s", "the same: CPU s", 2),
                               ("cpu_us", "full fetch at a rate: CPU µs", 0),
                               ("shared_per_second", "with two clients on the same cores: per s", 0)):
        one, two = (statistics.median(found[n][key]) for n in ("1", "2"))
        rows.append((label, f"{one:,.{digits}f}", f"{two:,.{digits}f}", f"{two / one:.2f}"))
    return table(rows)


def floor(figures):
    sum_us = sum(figures[key] for key in ("sign_us", "agree_us", "keygen_us", "connection_us"))
    return table([("what no fetch can do without", "CPU µs"),
                  ("P-256 signature", f"{figures['sign_us']:.0f}"),
                  ("X25519 key agreement", f"{figures['agree_us']:.0f}"),
                  ("X25519 key pair", f"{figures['keygen_us']:.0f}"),
                  ("accept4, 2 reads, 2 writes, close", f"{figures['connection_us']:.0f}"),
                  ("all of it", f"{sum_us:.0f}"),
                  ("a P-256 signature while the other core signs too",
                   f"{figures['sign_beside_us']:.0f}" if "sign_beside_us" in figures else "–")])


def markdown(found):
    """All tables that FOUND has figures for."""
    results = found["results"]
    loads = "; ".join(f"{r['tenants']:,}: {r['load_before']} before, {r['load_after']} after"
                      for r in results)
    parts = [", ".join(f"{key} {value}" for key, value in found["machine"].items()),
             ", ".join(f"{key} {value}" for key, value in found["options"].items()),
             f"Load (`/proc/loadavg`): {loads}.", cpu(results), throughput(results),
             latency(results, found["options"]["rate"]), starts(results), memory(results),
             edits(results), reloads(results), scrapes(results), connections(results), workers(results),
             floor(found["floor"]), goals.table(found)]
    return "\n\n".join(part for part in parts if part)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "--markdown":
        sys.exit("usage: report.py --markdown FILE.json [FILE.json...]")
    print(markdown(merged(sys.argv[2:])))
