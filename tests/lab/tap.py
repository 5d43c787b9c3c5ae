# SPDX-License-Identifier: BSD-2-Clause
"""TAP for the laboratory's tests, and where the programs under test are.

    import tap
    def test_x(t):
        t.ok(condition, "what a user cares about", "what was seen instead")
    tap.main(test_x, ...)
"""

import os
import sys
import traceback

from lab import Interrupted, LabError

SRCDIR = os.environ.get("SRCDIR",
                        os.path.dirname(os.path.dirname(os.path.dirname(
                            os.path.abspath(__file__)))))
BINDIR = os.environ.get("BUILDDIR", os.path.join(SRCDIR, "build"))


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def note(self, text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def ok(self, good, name, seen=None):
        self.count += 1
        if good:
            print(f"ok {self.count} - {name}", flush=True)
        else:
            self.failed += 1
            print(f"not ok {self.count} - {name}", flush=True)
            if seen is not None:
                self.note(f"seen: {seen}")
        return bool(good)

    def equal(self, got, wanted, name):
        return self.ok(got == wanted, name, f"{got!r}, wanted {wanted!r}")

    def contains(self, text, part, name):
        return self.ok(part in text, name, f"no {part!r} in: {text}")


def main(*tests, skip=None):
    """skip: why these tests cannot be run here."""
    t = Tap()
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root: the laboratory makes network namespaces")
        sys.exit(0)
    if skip:
        print(f"1..0 # SKIP {skip}")
        sys.exit(0)
    for test in tests:
        t.note(f"{test.__name__}: {(test.__doc__ or '').strip()}")
        try:
            test(t)
        except Interrupted as e:
            t.note(f"interrupted by signal {e.signum}")
            sys.exit(128 + e.signum)
        except LabError as e:
            t.ok(False, f"{test.__name__} could be carried out", e)
        except Exception:               # pylint: disable=broad-exception-caught
            t.ok(False, f"{test.__name__} could be carried out", traceback.format_exc())
    print(f"1..{t.count}")
    sys.exit(1 if t.failed else 0)
