# SPDX-License-Identifier: BSD-2-Clause
"""Runs one of the suites by pytest, prints TAP, and writes its table of requirements into the
build directory. Arguments go to pytest; without any the whole suite runs, on several workers,
for its tests wait more than they work."""

import contextlib
import glob
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
WORKERS = 6


class Tap:
    """What pytest reports, as TAP on the real standard output."""

    def __init__(self, out, table):
        self.out, self.table, self.count = out, table, 0

    def line(self, text):
        print(text, file=self.out, flush=True)

    def note(self, text):
        for line in str(text).splitlines():
            self.line(f"# {line}")

    def ok(self, good, name, why=""):
        self.count += 1
        self.line(f"{'' if good else 'not '}ok {self.count} - {name}")
        self.note(why)

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and not report.failed and not report.skipped:
            return
        self.table.add(report)
        name = report.nodeid.rpartition("/")[2]
        result, reason = self.table.results[report.nodeid]
        if result in ("not met", "skipped"):
            self.count += 1
            self.line(f"ok {self.count} - {name} # SKIP {result}: {reason}")
        else:
            self.ok(result == "passed", name, reason)

    def pytest_collectreport(self, report):
        if report.failed:
            self.ok(False, report.nodeid, report.longreprtext)


def main(requirements, report, mobile):
    """requirements: the list's file; report: the table's, without ending; mobile: whether the
    suite is the mobile node's, of the files test_mn_*.py, or that of all others."""
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root: the suite makes network namespaces")
        return 0
    missing = [m for m in ("pytest", "scapy", "xdist") if not importlib.util.find_spec(m)]
    if missing:
        print(f"1..0 # SKIP not installed: {', '.join(missing)}")
        return 0
    import pytest                       # pylint: disable=import-outside-toplevel
    from table import Table             # pylint: disable=import-outside-toplevel
    os.environ.setdefault("BUILDDIR", BUILD)
    table = Table(os.path.join(HERE, requirements))
    # pytest takes descriptor 1 away from what it runs.
    tap = Tap(os.fdopen(os.dup(1), "w"), table)
    files = [f for f in sorted(glob.glob(os.path.join(HERE, "test_*.py")))
             if os.path.basename(f).startswith("test_mn_") == mobile]
    chosen = sys.argv[1:]
    if chosen[:1] == ["-k"]:
        chosen = [*files, *chosen]
    with open(os.devnull, "w", encoding="utf-8") as null, contextlib.redirect_stdout(null):
        code = pytest.main(["-p", "no:cacheprovider", "--tb=short", "--rootdir", HERE,
                            *(chosen or ["-n", str(WORKERS), "--dist", "loadfile", *files])],
                           [tap])
    faults = table.faults(not chosen)
    tap.ok(not faults, "every requirement has a test, or a reason", "\n".join(faults))
    tap.line(f"1..{tap.count}")
    table.write(os.path.join(os.environ["BUILDDIR"], report))
    return int(code) or bool(faults)
