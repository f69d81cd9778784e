"""What MiniStack's CloudFormation lacks: conditions in change sets, abandoned deletions, service roles, events."""
