"""What computes the two networks: torch, or OpenVINO where it is installed and faster."""
