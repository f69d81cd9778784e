"""The local cloud: MiniStack, plus the SageMaker that it lacks, on 127.0.0.1."""
