#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The home agent's suite. See program.py."""

import sys

from program import main

if __name__ == "__main__":
    sys.exit(main("requirements.txt", "conformance", False))
