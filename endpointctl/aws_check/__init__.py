"""Ask a real account what AWS does not document: ``make aws-check``. Every probe is a row of docs/fidelity.md.

The probes of the control plane make models and endpoint configs, which cost nothing, and delete them again; those of
the runtime send a few small requests to the endpoint that is deployed. None of these starts an instance. ``ON_REQUEST``
has those that may: each is asked only by name.
"""

from endpointctl.aws_check.account import Account
from endpointctl.aws_check.probes import INVOCATIONS, ON_REQUEST, PROBES, ask

__all__ = ["INVOCATIONS", "ON_REQUEST", "PROBES", "Account", "ask"]
