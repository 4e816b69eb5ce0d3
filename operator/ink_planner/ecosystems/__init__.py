"""An ecosystem a folder. None knows another; `ink_planner/registry.py` lists their records."""
