"""Which release of a stage a request gets: chance decides, and the seed what chance does."""

from __future__ import annotations

from random import Random

from sandbox.context import Sandbox
from sandbox.control.resources import RestApi


class Canaries:
    """Draws for all stages. Each has draws of its own, so that one stage's requests do not change another's."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._draws: dict[tuple[str, str], Random] = {}

    def choose(self, api: RestApi) -> RestApi:
        """The stage's API, or its canary for ``canary_percent`` of the requests."""
        if api.canary is None:
            return api
        where = (api.id, api.stage)
        if where not in self._draws:
            self._draws[where] = Random(f"{self._sandbox.settings.seed} canary {api.id} {api.stage}")
        return api.canary if self._draws[where].random() * 100 < api.canary_percent else api
