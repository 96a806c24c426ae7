"""The goals of serving, each with what was measured."""

import statistics

import tables
from edits import DEBOUNCE_S

DEBOUNCE_MS = DEBOUNCE_S * 1000
RETURNS = 1.1  # memory after, by memory before: it has returned


def result_of(found, tenants):
    return next((r for r in found["results"] if r["tenants"] == tenants), None)


def ours_to(result, key, *servers):
    """CPU of ours by that of the best of SERVERS: the median of the rounds' ratios."""
    rounds = result["rounds"]
    return statistics.median(
        ours["cpu_us"] / min(rounds[name][key][i]["cpu_us"] for name in servers)
        for i, ours in enumerate(rounds["ours"][key]))


def peers_with(result, key):
    return [name for name, rounds in result["rounds"].items() if name != "ours" and key in rounds]


def start_s(result, kind, server="ours"):
    """Until all of the random names were answered: the hardest reading of «a random name»."""
    return statistics.median(start["all_s"] for start in result["start"][server][kind])


def at_end(result, server="ours", kind="rss"):
    return result["memory"][server]["at_end"][kind]


def zipf_growth(found):
    few, many = (statistics.median(r["cpu_us"] for r in result_of(found, n)["rounds"]["ours"]["zipf"])
                 for n in (100, 1_000_000))
    return many / few


def kilobytes_per_tenant(found):
    """Before any certificate is in the cache of parsed ones, which is bounded and not counted."""
    few, many = (result_of(found, n)["memory"]["ours"]["at_start"]["rss"] for n in (10_000, 1_000_000))
    return (many - few) / 1e3 / 990_000


def edit_ratio(edits):
    """p99 of fetches with edits by p99 without: the median of the rounds' ratios."""
    return statistics.median(r["fetch_p99_us"] / r["quiet_p99_us"] for r in edits["rounds"])


def kilobytes_each(idle):
    return (idle["during"]["rss"] - idle["before"]["rss"]) / 1e3 / idle["connections"]


def workers_gain(result):
    one, two = (statistics.median(result["workers"][n]["burst_s"]) for n in ("1", "2"))
    return one / two


def at(tenants, figure):
    """FIGURE of the result with TENANTS; a TypeError where there is none."""
    return lambda found: figure(result_of(found, tenants))


def first(figure):
    return lambda found: figure(found["results"][0])


AT_LEAST = True
# What, unit, digits, bound, figure of all that was found; AT_LEAST: the bound is the least.
GOALS = (
    *((f"CPU of a full fetch at 100, × `{name}`", "", 2, 0.75,
       at(100, lambda r, name=name: ours_to(r, "uniform", name)))
      for name in ("nginx-blocks", "nginx-defaults", "haproxy", "haproxy-defaults")),
    ("… at 100,000, Zipf, × `haproxy`", "", 2, 0.85,
     at(100_000, lambda r: ours_to(r, "zipf", "haproxy"))),
    ("… at 100,000, uniform, × `haproxy`", "", 2, 1.0,
     at(100_000, lambda r: ours_to(r, "uniform", "haproxy"))),
    ("… at 100,000, uniform, × `nginx-variables`", "", 2, 0.4,
     at(100_000, lambda r: ours_to(r, "uniform", "nginx-variables"))),
    ("… at 1,000,000 by at 100, Zipf", "", 2, 1.15, zipf_growth),
    ("memory at 100,000, × `haproxy`", "", 3, 0.1,
     at(100_000, lambda r: at_end(r, kind="pss") / at_end(r, "haproxy", "pss"))),
    ("cold start at 100,000, × `haproxy`", "", 3, 0.05,
     at(100_000, lambda r: start_s(r, "cold") / start_s(r, "cold", "haproxy"))),
    ("keep-alive, × the best of the others", "", 2, 1.0,
     first(lambda r: ours_to(r, "keep_alive", *peers_with(r, "keep_alive")))),
    ("HTTP/2, 4 connections × 8 streams, × `haproxy`", "", 2, 1.0,
     first(lambda r: ours_to(r, "http2", "haproxy"))),
    ("start at 100,000", "s", 2, 1, at(100_000, lambda r: start_s(r, "again"))),
    ("… cold", "s", 2, 2, at(100_000, lambda r: start_s(r, "cold"))),
    ("start at 1,000,000", "s", 2, 10, at(1_000_000, lambda r: start_s(r, "again"))),
    ("… cold", "s", 2, 60, at(1_000_000, lambda r: start_s(r, "cold"))),
    ("memory (RSS) of a tenant, 10,000 to 1,000,000", "KB", 2, 2.0, kilobytes_per_tenant),
    *(goal for key, what in (("edits", "an edit"), ("shared", "an edit of a policy shared by half"))
      for goal in (
          (f"{what} at 1,000,000, served after the debounce, p99", "ms", 1, 10,
           at(1_000_000, lambda r, key=key: r[key]["p99_ms"] - DEBOUNCE_MS)),
          ("… p99 of fetches meanwhile, × without", "", 2, 1.1,
           at(1_000_000, lambda r, key=key: edit_ratio(r[key]))))),
    ("100,000 files at once, all served after the last is in place", "s", 2, 5, at(
        100_000, lambda r: r["deploy"]["served_s"] - r["deploy"]["in_place_s"])),
    ("… p99 of fetches meanwhile, × without", "", 2, 2, at(
        100_000, lambda r: r["deploy"]["fetch_p99_us"] / r["deploy"]["quiet_p99_us"])),
    ("an idle connection", "KB", 1, 30, first(lambda r: kilobytes_each(r["idle"]["ours"]["idle"]))),
    ("memory after connections that came and went, × before", "", 2, RETURNS, first(
        lambda r: r["idle"]["ours"]["churn"]["after"]["rss"] /
        r["idle"]["ours"]["churn"]["before"]["rss"])),
    ("two workers, × one", "", 2, 1.9, first(workers_gain), AT_LEAST),
)


def row(found, what, unit, digits, bound, figure, at_least=False):
    goal = f"{'≥' if at_least else '≤'} {bound:g} {unit}".rstrip()
    try:
        value = figure(found)
    except (KeyError, TypeError, ValueError):  # a server, a measure or a number of tenants is missing
        return what, goal, "–", "not measured"
    met = value >= bound if at_least else value <= bound
    return what, goal, f"{value:.{digits}f} {unit}".rstrip(), "met" if met else "**missed**"


def table(found):
    return tables.table([("goal", "", "measured", ""), *(row(found, *goal) for goal in GOALS)])
