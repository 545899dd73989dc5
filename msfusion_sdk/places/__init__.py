"""Where slides are that lie on no disk of this machine."""
