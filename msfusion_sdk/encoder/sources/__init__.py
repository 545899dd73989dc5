"""Where feature networks come from: libraries, files, hub repositories, other packages."""
