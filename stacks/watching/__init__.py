"""What watches an environment: alarms, dashboard, and the custom metrics that both need."""
