"""Text to tokens and back: a word with the space before it, a mark, a run of line ends, or a single other character.

The joined tokens of a text are the text.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r" ?[^\W\d_]+(?:'[^\W\d_]+)?| ?[^\s\w]|\n+|\s|.", re.DOTALL)


def split(text: str) -> list[str]:
    """Return the tokens of a text."""
    return _TOKEN.findall(text)
