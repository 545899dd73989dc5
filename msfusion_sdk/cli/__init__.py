"""The ``msfusion`` command: parses, calls one public function, prints.  Holds no logic."""
