"""Embed and rerank: the bodies of Cohere's containers, answered by spelling instead of meaning (``vectors``)."""
