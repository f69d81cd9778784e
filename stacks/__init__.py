"""What is deployed together: settings, stage and stacks."""

import sys
from pathlib import Path

# constructs/ is a source root: this makes `marketplace_llm` importable with nothing installed but requirements.txt.
sys.path.insert(0, str(Path(__file__).parent.parent / "constructs"))
