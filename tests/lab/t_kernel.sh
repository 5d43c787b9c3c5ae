#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The layer that asks the kernel, on the running kernel: kernel_test (common/sys) or
# kernel_dp_test (data path). KERNEL_TEST names the program.
set -eu

program=${KERNEL_TEST:-./kernel_test}
if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP needs root"
	exit 0
fi
exec "$program"
