# SPDX-License-Identifier: BSD-2-Clause
"""The home agent is there."""

import packets as p
from table import covers


@covers("HA_0_0_0")
def test_start(sites):
    """The router answers from every visited network, and serves its first mobile node."""
    site = sites("host")
    for network in (1, 2):
        src = f"2001:db8:f:{network}::99"
        site.send("foreign", p.echo(src, site.ha, 1))
        site.expect(p.is_echo(site.ha, src, 1, kind=129), "foreign", what="an echo reply")
    node = site.node()
    ack = node.register()
    assert ack.authentic(node.key, node.coa, node.hoa), ack
    assert ack.checksum_good(node.hoa)
    node.is_reached()
    node.speaks()
