"""MaxCompute, through PyODPS and its tunnel."""
