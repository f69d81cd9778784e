"""The doctor: what would stop a deployment of an environment, asked before anything is changed."""

from endpointctl.doctor.account import Account, Identity
from endpointctl.doctor.checks import NAMES, run, select
from endpointctl.doctor.finding import Finding, Increase

__all__ = ["NAMES", "Account", "Finding", "Identity", "Increase", "run", "select"]
