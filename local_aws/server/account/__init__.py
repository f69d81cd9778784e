"""What the account has agreed to and pays for: agreements, quotas, prices, budgets."""
