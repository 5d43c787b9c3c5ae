#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the suite by pytest and prints TAP. Arguments go to pytest; without any, the whole suite
runs, and the table of requirements is complete."""

import contextlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Tap:
    """What pytest reports, as TAP on the real standard output."""

    def __init__(self, out):
        self.out, self.count = out, 0

    def line(self, text):
        print(text, file=self.out, flush=True)

    def note(self, text):
        for line in str(text).splitlines():
            self.line(f"# {line}")

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rpartition("/")[2]
        if report.when != "call" and not report.failed and not report.skipped:
            return
        self.count += 1
        if hasattr(report, "wasxfail") and report.skipped:
            self.line(f"ok {self.count} - {name} # SKIP not met: "
                      + report.wasxfail.removeprefix("reason: "))
        elif report.skipped:
            self.line(f"ok {self.count} - {name} # SKIP {report.longrepr[2]}")
        elif report.passed and not hasattr(report, "wasxfail"):
            self.line(f"ok {self.count} - {name}")
        else:
            self.line(f"not ok {self.count} - {name}")
            self.note(report.longreprtext)

    def pytest_collectreport(self, report):
        if report.failed:
            self.count += 1
            self.line(f"not ok {self.count} - {report.nodeid}")
            self.note(report.longreprtext)


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root: the suite makes network namespaces")
        return 0
    try:
        import pytest                   # pylint: disable=import-outside-toplevel
        import scapy                    # pylint: disable=unused-import,import-outside-toplevel
    except ImportError as e:
        print(f"1..0 # SKIP {e.name} is not installed (python3-{e.name})")
        return 0
    os.environ.setdefault("BUILDDIR", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
    # pytest takes descriptor 1 away from what it runs.
    tap = Tap(os.fdopen(os.dup(1), "w"))
    with open(os.devnull, "w", encoding="utf-8") as null, contextlib.redirect_stdout(null):
        code = pytest.main(["-p", "no:cacheprovider", "--tb=short", "--rootdir", HERE, *(sys.argv[1:] or [HERE])],
                           [tap])
    if tap.count == 0:
        tap.line("not ok 1 - pytest ran no test")
        code, tap.count = code or 1, 1
    tap.line(f"1..{tap.count}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
