"""``msfusion pretrain …``: models from labelled tiles, outlined slides and labelled slides."""
