"""A small app of its own: the roles of pipelines, deployed once by an administrator."""

import stacks  # noqa: F401 - makes `sagemaker_llm` importable
