"""What long work says while it goes: the logger and the protocol of progress."""
