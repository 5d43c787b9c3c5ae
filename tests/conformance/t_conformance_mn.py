#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mobile node's suite. See program.py."""

import sys

from program import main

if __name__ == "__main__":
    sys.exit(main("requirements-mn.txt", "conformance-mn", True))
