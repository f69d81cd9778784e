"""CloudWatch as its alarms need it: metric math, M of N, missing data, composites, events, on a clock that moves."""
