"""What people look at: overlays, tables and folders of results."""
