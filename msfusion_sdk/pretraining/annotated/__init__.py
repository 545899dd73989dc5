"""Slides with pathologists' outlines to labelled images for both networks (method step 6).

slide table + outlines ─► listing ─► labels ─► cutting ─► dataset 1 (context images)
                               target slide ─┘        └─► dataset 2 (tiles)
"""
