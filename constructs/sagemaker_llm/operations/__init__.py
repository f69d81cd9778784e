"""What operating an endpoint takes: alarms, a dashboard, sleep and wake, a budget."""
