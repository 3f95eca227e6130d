"""What write services are made of: whom they ask, and how commands to one thing take turns."""
