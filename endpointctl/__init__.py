"""The operator's command line."""

import stacks as stacks  # it makes the construct library importable, with nothing installed but requirements.txt
