# SPDX-License-Identifier: BSD-2-Clause
"""Sites for the tests.

A test names what it covers, by the requirement's or the item's number; its report carries the
numbers to the table (table.py):

    @covers("10.3.1-04", "HA_2_2_1")
    def test_...(sites): ...
"""

import os

import pytest

import mn_world
import wire
import world

mobiles = 0             # made by this worker


def pytest_configure(config):
    config.addinivalue_line("markers", "covers(*numbers): requirements and items it checks")


def pytest_collection_modifyitems(items):
    for item in items:
        numbers = [n for mark in item.iter_markers("covers") for n in mark.args]
        item.user_properties.append(("covers", numbers))
    # A worker takes a file at a time: the one that takes longest, by waiting, is the first.
    items.sort(key=lambda item: item.path.name != "test_time.py")


class Sites:
    """The sites by name, each built when it is first asked for."""

    def __init__(self, ground):
        self.ground, self.built = ground, {}

    def __call__(self, name):
        if name not in self.built:
            self.built[name] = world.SITES[name](self.ground, name)
            self.built[name].begin()
        return self.built[name]


@pytest.fixture(scope="session", name="ground")
def ground_fixture():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with wire.Ground(os.environ.get("BUILDDIR", os.path.join(top, "build"))) as ground:
        ground.build()
        yield ground


@pytest.fixture(scope="session", name="all_sites")
def all_sites_fixture(ground):
    return Sites(ground)


@pytest.fixture(name="sites")
def sites_fixture(all_sites):
    """sites("host") is the site of that name. A daemon that died fails the test."""
    for site in all_sites.built.values():
        site.begin()
    yield all_sites
    for site in all_sites.built.values():
        assert site.alive(), f"dmip6-had ended: {site.ground.log(site.router)[-2000:]}"


@pytest.fixture(name="mobile")
def mobile_fixture(ground):
    """mobile(...) is a mobile node, see mn_world.Mobile. A daemon that died fails the test."""
    made = []

    def make(**o):
        global mobiles                  # pylint: disable=global-statement
        mobiles += 1
        made.append(mn_world.Mobile(ground, f"m{mobiles}", **o))
        return made[-1]
    yield make
    dead = [ground.log(mn.box)[-2000:] for mn in made if not mn.alive()]
    for mn in made:
        mn.close()
    assert not dead, f"dmip6-mnd ended: {dead[0]}"
