"""``python -m msfusion_sdk.cli``: the command line without the console script."""

from msfusion_sdk.cli.main import main

main()
