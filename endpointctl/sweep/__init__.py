"""Parameter studies: planned, priced, run side by side, written as they arrive, resumed after any interruption."""
