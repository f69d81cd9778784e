"""What MiniStack's Lambda lacks: functions that see the movable clock, and the queue of asynchronous invocations."""
