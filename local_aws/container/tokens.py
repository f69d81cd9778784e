"""Text to tokens and back: a word with the space before it, a mark, a run of line ends, or a single other character.

Joining the tokens of any text gives the text again.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r" ?[^\W\d_]+(?:'[^\W\d_]+)?| ?[^\s\w]|\n+|\s|.", re.DOTALL)


def split(text: str) -> list[str]:
    """Return the tokens of a text."""
    return _TOKEN.findall(text)
