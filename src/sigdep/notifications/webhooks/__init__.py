"""What runs for webhooks beside the services."""
