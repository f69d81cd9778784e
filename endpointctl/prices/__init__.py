"""What an environment costs: from dated prices, a synthesized template, and its settings."""

import stacks as stacks  # it puts the construct library, which has the instances' prices, on the path
