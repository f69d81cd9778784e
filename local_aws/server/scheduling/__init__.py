"""EventBridge Scheduler: when a schedule is due, what is invalid, and how its target is called."""
