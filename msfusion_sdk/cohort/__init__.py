"""Patients, slides and modalities as Arrow tables; slides encoded without losing anything."""
