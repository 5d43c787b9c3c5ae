# SPDX-License-Identifier: BSD-2-Clause
"""The table of requirements and items: which tests check them, and with what result."""

import json
import os
import re

import pytest

covers = pytest.mark.covers
# From good to bad: a requirement is as well met as the worst of its tests says.
RESULTS = ("n/a", "not run", "skipped", "passed", "not met", "failed")


def case(number, *values):
    """A case of a parametrized test, which covers this number (or these, as a tuple)."""
    numbers = number if isinstance(number, tuple) else (number,)
    return pytest.param(*values, id=numbers[0], marks=covers(*numbers))


def unmet(reason):
    """A test that fails, for this reason, which the table shows; when it passes one day, that is
    a failure until this mark is gone."""
    return pytest.mark.xfail(reason=reason, raises=AssertionError)


def read(path):
    """The list: number -> (level, text, why it does not apply or None)."""
    out, last = {}, None
    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            line = line.rstrip()
            if not line or line.startswith("#"):
                continue
            if line[0] in " \t":        # more of the last one
                for number in last:
                    level, text, reason = out[number]
                    if line.strip().startswith("n/a: "):
                        reason = line.strip()[5:]
                    else:
                        text += " " + line.strip()
                    out[number] = (level, text, reason)
                continue
            m = re.fullmatch(r"(\S+) (MUST NOT|SHOULD NOT|MUST|SHOULD|MAY|does|item) (.+)", line)
            if not m:
                raise pytest.UsageError(f"{path}:{n}: not a requirement: {line}")
            last = expand(m[1])
            for number in last:
                if number in out:
                    raise pytest.UsageError(f"{path}:{n}: {number} is there twice")
                out[number] = (m[2], m[3], None)
    return out


def is_item(number):
    """Whether it is an item of the IPv6 Ready test suite."""
    return number.startswith(("HA_", "MN-"))


def expand(text):
    """HA_4_4_1..3,13 is four items, MN-2-2-1-1-003..007 five."""
    m = re.fullmatch(r"(HA_\d+_\d+_|MN-(?:\d+-){4})([\d.,]+)", text)
    if not m:
        return [text]
    out = []
    for part in m[2].split(","):
        first, _, last = part.partition("..")
        out += [m[1] + str(i).zfill(len(first)) for i in range(int(first), int(last or first) + 1)]
    return out


def result_of(report):
    """(result, reason) of a report on a test, as the table has them."""
    if hasattr(report, "wasxfail"):
        if report.passed:
            return "failed", "it is met now"
        return "not met", report.wasxfail.removeprefix("reason: ")
    if report.failed:
        return "failed", report.longreprtext
    if report.skipped:
        return "skipped", report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    return "passed", ""


class Table:
    """What the reports of the tests say, number by number."""

    def __init__(self, path):
        """path: of the list."""
        self.list = os.path.basename(path)
        self.requirements = read(path)
        self.tests = {}                 # number -> names of tests
        self.results = {}               # name of a test -> (result, reason)

    def add(self, report):
        for number in dict(report.user_properties).get("covers", ()):
            names = self.tests.setdefault(number, [])
            if report.nodeid not in names:
                names.append(report.nodeid)
        found = result_of(report)
        old = self.results.get(report.nodeid, ("not run", ""))
        if RESULTS.index(found[0]) >= RESULTS.index(old[0]):
            self.results[report.nodeid] = found

    def faults(self, whole):
        """What is wrong with the list and the tests' numbers; whole: every test was run."""
        out = [f"{n} is in no line of {self.list}, but in {self.tests[n][0]}"
               for n in self.tests if n not in self.requirements]
        for n, (_, _, reason) in self.requirements.items():
            if reason and n in self.tests:
                out.append(f"{n} does not apply ({reason}), but {self.tests[n][0]} checks it")
            if whole and not reason and n not in self.tests:
                out.append(f"{n} has no test, and no reason for that")
        return out

    def rows(self):
        for number, (level, text, reason) in self.requirements.items():
            tests = self.tests.get(number, [])
            if reason:
                yield number, level, text, tests, "n/a", reason
                continue
            found = [self.results.get(t, ("not run", "")) for t in tests] or [("not run", "")]
            worst = max(found, key=lambda r: RESULTS.index(r[0]))
            yield number, level, text, tests, worst[0], \
                worst[1] if worst[0] in ("not met", "skipped") else ""

    def totals(self, items):
        out = {}
        for number, _, _, _, result, _ in self.rows():
            if is_item(number) == items:
                out[result] = out.get(result, 0) + 1
        return ", ".join(f"{out[r]} {r}" for r in RESULTS[::-1] if r in out)

    def write(self, path):
        """As path.txt, and path.json for programs."""
        rows = list(self.rows())
        with open(f"{path}.json", "w", encoding="utf-8") as f:
            json.dump([dict(zip(("number", "level", "text", "tests", "result", "reason"), r))
                       for r in rows], f, indent=1)
            f.write("\n")
        with open(f"{path}.txt", "w", encoding="utf-8") as f:
            f.write(f"RFCs: {self.totals(False)}\nIPv6 Ready items: {self.totals(True)}\n\n")
            for number, level, text, tests, result, reason in rows:
                f.write(f"{number:15} {level:6} {result:8} {text}\n")
                for t in tests:
                    f.write(f"{'':31} {t.rpartition('/')[2]}\n")
                if reason:
                    f.write(f"{'':31} ({reason})\n")
