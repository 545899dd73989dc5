"""Kinds of feature network: of timm, of torchvision, any torch module, a file of operations."""
