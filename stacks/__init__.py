"""What is deployed together: settings, stage and stacks."""

import sys
from pathlib import Path

# Two source roots: this makes `sagemaker_llm` and `proxy` importable with nothing installed but requirements.txt.
for _root in ("constructs", "lambda"):
    sys.path.insert(0, str(Path(__file__).parent.parent / _root))
