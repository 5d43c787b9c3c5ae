# SPDX-License-Identifier: BSD-2-Clause
"""Sites for the tests, and the table of requirements, tests and results.

A test names what it covers, by the requirement's or the item's number:

    @covers("10.3.1-04", "HA_2_2_1")
    def test_...(sites): ...

requirements.txt has them all, with the reason for those that cannot apply. A number that is
nowhere in it, or one that no test covers and that has no reason, fails the run.
"""

import os

import pytest

import table
import world


def pytest_configure(config):
    config.addinivalue_line("markers", "covers(*numbers): requirements and items it checks")
    config.stash[table.KEY] = table.Table(table.read())


def pytest_collection_modifyitems(config, items):
    t = config.stash[table.KEY]
    for item in items:
        t.add(item)
    # The whole suite was asked for: it must be whole.
    whole = not config.option.keyword and all("::" not in a and not a.endswith(".py")
                                              for a in config.args)
    wrong = t.faults(whole)
    if wrong:
        raise pytest.UsageError("\n".join(wrong))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):      # pylint: disable=unused-argument
    outcome = yield
    item.config.stash[table.KEY].result(item, outcome.get_result())


def pytest_sessionfinish(session):
    folder = os.environ.get("BUILDDIR")
    if folder and not session.config.option.collectonly:
        session.config.stash[table.KEY].write(folder)


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
    with world.Ground(os.environ.get("BUILDDIR", os.path.join(top, "build"))) as ground:
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
