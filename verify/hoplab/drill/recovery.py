"""When a lab is well again after a fault: what its services say of themselves."""

import time
from typing import Final

from hoplab.lab.connection import connect, new_request_id, translate_errors
from hoplab.lab.deployment import Deployment
from hoplab.lab.ssh import NodeConnections
from hoplab.launch.waiting import Pending, wait_for
from hoplab.model.errors import HoplabError
from hoplab.session.daemons import down
from hoplab.session.readiness import SECONDS, ceph_unhealthy

LAST_WORDS: Final = 3.0
"""Seconds in which services note how the requests ended that the fault held up: they tell of them only then."""


def wait_recovered(deployment: Deployment, rest: float = 0.0) -> None:
    """Wait until all daemons of Nova, Neutron, Cinder and Ceph are said to be up; WaitTimeoutError if they aren't.

    Glance, Keystone and the others have no such word; the next launch shows whether they are well. rest: seconds that
    are waited first, where it is known that services do without something for so long when it is back.
    """
    # Nothing that could be asked tells that a service has noted its last request, or that it tries its cache again.
    time.sleep(max(rest, LAST_WORDS))
    cloud = connect(deployment, new_request_id())
    with NodeConnections(deployment.ssh) as nodes:

        def asked() -> bool | Pending:
            try:
                with translate_errors("ask who is up"):
                    wrong = sorted([*down(cloud), *ceph_unhealthy(nodes, deployment)])
            except HoplabError as error:
                return Pending(str(error))
            return Pending(", ".join(wrong)) if wrong else True

        wait_for("the lab is well again", asked, timeout=SECONDS, interval=1.0)
