"""Ask a real account what AWS does not document: ``make aws-check``. Every probe is a row of docs/fidelity.md.

Nothing here starts an instance. The probes of the control plane make models and endpoint configs, which cost nothing,
and delete them again; those of the runtime send a few small requests to the endpoint that is deployed.
"""

from endpointctl.aws_check.account import Account
from endpointctl.aws_check.probes import INVOCATIONS, PROBES, ask

__all__ = ["INVOCATIONS", "PROBES", "Account", "ask"]
