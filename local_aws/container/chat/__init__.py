"""The chat requests of Cohere's containers, versions 1 and 2 of the body: ``v1`` and ``v2``.

Both read a body into the same ``ChatRequest``, and write the same ``Reply`` in their own shapes. The model generates a
text only for a plain question. It quotes documents and tools' results, calls the tools that a question names, and fills
a schema, always by the same rules: an answer has the shape of Cohere's answer, not its quality.

Sources: docs.cohere.com, API v1 and v2 ``chat``; the types of cohere-python. The error messages are ours.
"""
