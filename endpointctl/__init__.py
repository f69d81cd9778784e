"""The operator's command line."""

import stacks  # noqa: F401 - first of all: it makes `sagemaker_llm` importable
