"""The ways to use the clients: for each scenario its options, the requests that it sends, and what the caller finds.

The clients' own facts are tested with a server of scripted answers. The same cases serve for a deployed proxy.
"""

from tests.clients.cases.case import Case, find
from tests.clients.cases.cohere import COHERE_CASES
from tests.clients.cases.frameworks import FRAMEWORK_CASES
from tests.clients.cases.openai import OPENAI_CASES

CASES = [*COHERE_CASES, *OPENAI_CASES, *FRAMEWORK_CASES]

__all__ = ["CASES", "Case", "find"]
