"""botocore without the user's own AWS configuration: what is in ``~/.aws`` is not meant for the sandbox."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import botocore.session

# logical name: (name in the config file, environment variables, default, conversion), as botocore has them
_NOTHING_OF_THE_USER = {
    "profile": (None, None, None, None),
    "config_file": (None, None, "/dev/null", None),
    "credentials_file": (None, None, "/dev/null", None),
}
# For ``Config(proxies=...)``: the sandbox is on this machine, whatever ``HTTP_PROXY`` says.
NO_PROXIES: dict[str, str] = {}


def bare_session() -> botocore.session.Session:
    """A session that reads no profile, no configuration file and no credentials file."""
    import botocore.session

    from sandbox.aws import models

    session = botocore.session.Session(session_vars=_NOTHING_OF_THE_USER)
    session.register_component("data_loader", models.loader())
    return session


@functools.cache
def shared_session() -> botocore.session.Session:
    """One for all who only read models from it: to make one takes as long as ten calls."""
    return bare_session()
