"""From measurements to medians, and from medians to tables."""

import statistics

FLOOR = "epoll_floor"
SUBJECT = "caropig"  # and what begins with it: other ways to run it

MEDIANS = ("cpu_us_per_request", "bytes_per_connection", "requests_per_second", "resident_bytes", "voluntary_switches_per_request")


def is_ours(name):
    return name.lower().startswith(SUBJECT)


def summarize(rounds, workloads, scripts):
    """{workload: {row: medians}}. `rounds` is a list of {workload: {row: figures or {"failed": why}}}.

    Every round counts, disturbed or not. The ratio to the baseline is the median of the ratios within each round: a machine
    that slows down from one round to the next slows both.
    """
    return {workload.name: {name: _summarize_one(rounds, workload, name) for name in workload.among(scripts)}
            for workload in workloads}


def _summarize_one(rounds, workload, name):
    runs = [(measured[workload.name][name], measured[workload.name].get(workload.baseline, {})) for measured in rounds
            if name in measured.get(workload.name, ())]
    good = [run for run, _ in runs if "failed" not in run]
    summary = {"rounds": len(good), "failures": [run["failed"] for run, _ in runs if "failed" in run]}
    if not good:
        return summary
    for figure in MEDIANS:
        if any(figure in run for run in good):
            summary[figure] = statistics.median(run[figure] for run in good if figure in run)
    for percentile in ("p50", "p99", "p99.9"):
        if any(percentile in run.get("latency_us", ()) for run in good):
            summary[f"latency_{percentile}_us"] = statistics.median(run["latency_us"][percentile] for run in good)
    figure = workload.figure
    ratios = [run[figure] / base[figure] for run, base in runs if "failed" not in run and base.get(figure)]
    if ratios:
        summary["ratio_to_baseline"] = statistics.median(ratios)
        summary["ratio_range"] = [min(ratios), max(ratios)]
    summary["errors"] = sum(run.get("errors", 0) for run in good)
    summary["disturbed_rounds"] = sum(run.get("disturbed", False) for run in good)
    return summary


def reached(summary, workload):
    """(our best row, what it reached of what the limit is about), or None where nothing of ours was measured."""
    of = "ratio_to_baseline" if workload.baseline else workload.figure
    rows = [(medians[of], name) for name, medians in summary[workload.name].items() if is_ours(name) and of in medians]
    if not rows:
        return None
    value, name = min(rows)
    return name, value


def judge(summary, workload):
    """{"limit", "baseline", "why", "row", "reached", "met"} of a workload with a target; the last three None where not measured."""
    name, value = reached(summary, workload) or (None, None)
    return {"limit": workload.limit, "baseline": workload.baseline, "why": workload.target.get("why", ""), "row": name,
            "reached": value, "met": None if value is None else value <= workload.limit}


def table(summary, counts, workloads, scripts):
    """The text that `./dev bench` prints."""
    lines = []
    for workload in workloads:
        rows = workload.among(scripts)
        lines += ["", f"{workload.name}: {workload.title}"]
        if not rows:
            lines.append("not measured: no server that serves it")
            continue
        width = max(_WIDTHS[0], *map(len, rows))
        unit = "bytes/conn" if workload.idle else "CPU µs/req"
        ratio = f"× {_short(workload.baseline)}" if workload.baseline else ""
        lines.append(_row(width, ("server", unit, ratio, *_HEADINGS)))
        for name in rows:
            lines.append(_line(width, name, summary[workload.name][name], counts[workload.name].get(name, {}), workload))
    notes = _notes(summary, counts, workloads, scripts)
    return "\n".join(lines + ([""] + notes if notes else []) + ["", *_verdicts(summary, workloads)])


def _short(baseline):
    return {FLOOR: "floor", "C library, 1 connection": "C lib"}.get(baseline, baseline)


def _verdicts(summary, workloads):
    lines = ["targets (bench/targets.toml)", f"{'workload':<14} {'at most':>16} {'reached':>9} {'':<7} {'by':<14} why"]
    for workload in workloads:
        if workload.limit is None:
            continue
        target = judge(summary, workload)
        number = "{:.2f}" if workload.baseline else "{:,.0f}"
        limit = number.format(target["limit"]) + (f" × {_short(workload.baseline)}" if workload.baseline else " bytes")
        value = "–" if target["reached"] is None else number.format(target["reached"])
        verdict = "not measured" if target["met"] is None else "met" if target["met"] else "MISSED"
        lines.append(f"{workload.name:<14} {limit:>16} {value:>9} {verdict:<7} {target['row'] or '':<14} {target['why']}")
    return lines if len(lines) > 2 else []


_HEADINGS = ("(range)", "req/s", "p50 µs", "p99 µs", "p99.9 µs", "MiB", "syscalls", "allocs", "disturbed")
_WIDTHS = (15, 10, 9, 13, 10, 8, 8, 9, 7, 9, 8, 9)


def _row(width, cells):
    return " ".join([f"{cells[0]:<{width}}"] + [f"{cell:>{each}}" for cell, each in zip(cells[1:], _WIDTHS[1:])])


def _line(width, name, medians, counted, workload):
    return _row(width, _cells(name, medians, counted, workload))


def _cells(name, medians, counted, workload):
    if workload.figure not in medians:
        return name, f"not measured: {medians['failures'][-1]}"

    def shown(figure, form, divisor=1):
        return "–" if figure not in medians else form.format(medians[figure] / divisor)

    return (
        name, shown(workload.figure, "{:,.0f}" if workload.idle else "{:.3f}"),
        shown("ratio_to_baseline", "{:.2f}") if workload.baseline else "",
        "{:.2f}–{:.2f}".format(*medians["ratio_range"]) if "ratio_range" in medians else "",
        shown("requests_per_second", "{:,.0f}"), shown("latency_p50_us", "{:.0f}"), shown("latency_p99_us", "{:.0f}"),
        shown("latency_p99.9_us", "{:.0f}"), shown("resident_bytes", "{:.1f}", 2**20),
        _number(counted.get("system_calls")), _number(counted.get("allocations")),
        f"{medians['disturbed_rounds']} of {medians['rounds']}")


def _number(count):
    return "–" if not isinstance(count, dict) else f"{count['total']:.3f}"


def _notes(summary, counts, workloads, scripts):
    """What the figures alone would hide: errors, failed rounds, and counts that could not be made."""
    notes = []
    for workload in workloads:
        for name in workload.among(scripts):
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


def markdown(summary, counts, workloads, scripts, machine, rounds):
    """What docs/performance/figures.md says: all rows, and what was reached of the targets."""
    lines = [f"# Figures of {machine['date'][:10]}", "",
             f"Written by `./dev bench --publish`: {machine['processor']}, {machine['cores']} cores, kernel {machine['kernel']}, medians of "
             f"{rounds} rounds. CPU in µs of the server per request; idle memory in bytes per connection.", "",
             "| workload | at most | reached | | by |", "|---|---|---|---|---|"]
    for workload in (each for each in workloads if each.limit is not None):
        target = judge(summary, workload)
        number = "{:.2f}" if workload.baseline else "{:,.0f}"
        limit = number.format(target["limit"]) + (f" × {_short(workload.baseline)}" if workload.baseline else " bytes")
        value = "–" if target["reached"] is None else number.format(target["reached"])
        verdict = "not measured" if target["met"] is None else "met" if target["met"] else "**missed**"
        lines.append(f"| {workload.name} | {limit} | {value} | {verdict} | {target['row'] or ''} |")
    for workload in workloads:
        unit = "bytes/conn" if workload.idle else "CPU"
        ratio = f"× {_short(workload.baseline)}" if workload.baseline else ""
        lines += ["", f"## {workload.name}: {workload.title}", "",
                  f"| server | {unit} | {ratio} | {' | '.join(_HEADINGS)} |", "|---|" + "---:|" * (2 + len(_HEADINGS))]
        for name in workload.among(scripts):
            cells = _cells(name, summary[workload.name][name], counts[workload.name].get(name, {}), workload)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
