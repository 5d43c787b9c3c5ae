# SPDX-License-Identifier: BSD-2-Clause
"""Home Address options in front of something else than a Mobility Header (RFC 6275 9.3.1)."""

import packets as p
import pytest
from table import covers
from test_header import binding_error, prepare


@pytest.mark.parametrize("bound", [False, True], ids=["unbound", "bound-elsewhere"])
@covers("9.3.1-03", "9.3.1-04", "9.3.1-05", "9.3.3-03")
def test_home_address_option_unknown(sites, bound):
    """An echo request with a Home Address option for which there is no binding, or one to
    another care-of address: not answered, but told by Binding Error 1."""
    site, node = prepare(sites, "host", bound)
    request = p.echo(node.hoa, site.ha, 7)[40:]
    node.send(p.ipv6(node.coa, site.ha, p.DSTOPTS,
                     p.home_address_option(node.hoa, p.ICMP6) + request))
    assert binding_error(site, node.coa, 1) == node.hoa
    site.nothing(lambda f: p.is_icmp6(129)(f) or p.is_icmp6(4)(f), what="another answer")
