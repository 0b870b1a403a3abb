"""From measurements to medians, and from medians to a table."""

import statistics

FLOOR = "epoll_floor"
SUBJECT = "caropig"


def summarize(rounds, workloads, servers):
    """{workload: {server: medians}}. `rounds` is a list of {workload: {server: figures or {"failed": why}}}.

    Every round counts, disturbed or not. The ratio to the baseline is the median of the ratios within each round: a machine
    that slows down from one round to the next slows both.
    """
    return {workload.name: {name: _summarize_one(rounds, workload, name) for name in workload.among(servers)}
            for workload in workloads}


def _summarize_one(rounds, workload, name):
    runs = [(measured[workload.name][name], measured[workload.name].get(workload.baseline, {})) for measured in rounds]
    good = [run for run, _ in runs if "failed" not in run]
    summary = {"rounds": len(good), "failures": [run["failed"] for run, _ in runs if "failed" in run]}
    if not good:
        return summary
    for figure in ("cpu_us_per_request", "requests_per_second", "resident_bytes", "voluntary_switches_per_request"):
        summary[figure] = statistics.median(run[figure] for run in good)
    for percentile in ("p50", "p99", "p99.9"):
        summary[f"latency_{percentile}_us"] = statistics.median(run["latency_us"][percentile] for run in good)
    ratios = [run["cpu_us_per_request"] / base["cpu_us_per_request"] for run, base in runs
              if "failed" not in run and base.get("cpu_us_per_request")]
    if ratios:
        summary["ratio_to_baseline"] = statistics.median(ratios)
        summary["ratio_range"] = [min(ratios), max(ratios)]
    summary["errors"] = sum(run["errors"] for run in good)
    summary["disturbed_rounds"] = sum(run["disturbed"] for run in good)
    return summary


def table(summary, counts, workloads, servers):
    """The text that `./dev bench` prints."""
    lines = []
    for workload in workloads:
        headings = ("server", "CPU µs/req", f"× {workload.baseline.removeprefix('epoll_')}", *_HEADINGS)
        lines += ["", f"{workload.name}: {workload.title}", _row(headings)]
        for name in workload.among(servers):
            lines.append(_line(name, summary[workload.name][name], counts[workload.name].get(name, {}), workload))
    notes = _notes(summary, counts, workloads, servers)
    return "\n".join(lines + ([""] + notes if notes else []))


_HEADINGS = ("(range)", "target", "", "req/s", "p50 µs", "p99 µs", "p99.9 µs", "MiB",
             "syscalls", "allocs", "disturbed")
_WIDTHS = (12, 10, 8, 13, 7, 6, 10, 8, 8, 9, 7, 9, 8, 9)


def _row(cells):
    return " ".join([f"{cells[0]:<{_WIDTHS[0]}}"] + [f"{cell:>{width}}" for cell, width in zip(cells[1:], _WIDTHS[1:])])


def _line(name, medians, counted, workload):
    if "cpu_us_per_request" not in medians:
        return f"{name:<{_WIDTHS[0]}} not measured: {medians['failures'][-1]}"
    ratio = medians.get("ratio_to_baseline")
    target, verdict = "", ""
    if name == SUBJECT:
        target = f"≤ {workload.target:.2f}"
        verdict = "" if ratio is None else "met" if ratio <= workload.target else "MISSED"
    return _row((
        name, f"{medians['cpu_us_per_request']:.3f}", "–" if ratio is None else f"{ratio:.2f}",
        "" if ratio is None else "{:.2f}–{:.2f}".format(*medians["ratio_range"]), target, verdict,
        f"{medians['requests_per_second']:,.0f}", f"{medians['latency_p50_us']:.0f}", f"{medians['latency_p99_us']:.0f}",
        f"{medians['latency_p99.9_us']:.0f}", f"{medians['resident_bytes'] / 2**20:.1f}",
        _number(counted.get("system_calls")), _number(counted.get("allocations")),
        f"{medians['disturbed_rounds']} of {medians['rounds']}"))


def _number(count):
    return "–" if not isinstance(count, dict) else f"{count['total']:.3f}"


def _notes(summary, counts, workloads, servers):
    """What the figures alone would hide: errors, failed rounds, and counts that could not be made."""
    notes = []
    for workload in workloads:
        for name in workload.among(servers):
            medians = summary[workload.name][name]
            what = f"{workload.name}, {name}"
            if medians.get("errors"):
                notes.append(f"{what}: {medians['errors']} errors in answers")
            if medians["failures"] and medians["rounds"]:
                notes.append(f"{what}: {len(medians['failures'])} rounds failed, the last one: {medians['failures'][-1]}")
            for kind, count in counts[workload.name].get(name, {}).items():
                if isinstance(count, str):
                    notes.append(f"{what}: {kind.replace('_', ' ')} not counted: {count}")
    return notes
