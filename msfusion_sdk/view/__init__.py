"""A slide viewer for this machine: pages in the browser, tiles on request, nothing written."""
